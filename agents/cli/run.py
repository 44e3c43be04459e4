"""tocsin run."""

from __future__ import annotations

import time
from pathlib import Path

import click

from agents import loader
from agents.cli.check import coming_in, going_out
from agents.cli.command import command
from agents.cli.output import console, json_option, print_json
from agents.embedded.host import Host
from agents.embedded.run import serve
from agents.embedded.store import Store
from agents.reference_files import load_all
from agents.source_files import make_sources
from pipeline.flow import Flow
from pipeline.sources.normalise import Normaliser
from schemas.base import ConfigError


@command("tocsin run --config examples/tocsin.yaml")
@click.option(
    "--config",
    "-c",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("tocsin.yaml"),
    show_default=True,
    help="The configuration.",
)
@json_option
def run(config: Path, *, as_json: bool) -> None:
    """Run the host: read the inputs of a configuration, until stopped.

    Whatever was taken in is in the store before it is acknowledged; after a crash, run it again and it goes on. What it
    reads and tells is said on standard error, so that an output to '-' has standard output for itself; with --json the
    totals are printed at the end.
    """
    settings = loader.load(config)
    normaliser = Normaliser(make_sources(settings.sources))
    records = load_all(settings.reference)
    store = Store(settings.store.path)
    try:
        host = Host(Flow(settings.flow), normaliser, store, settings.store.checkpoint_every)
        host.refer(records, int(time.time() * 1000))
        said = console(stderr=True)
        for line in (*coming_in(settings), *going_out(settings)):
            said.print(line, markup=False)
        said.print("Stop it with Ctrl-C.")
        try:
            serve(settings, host, normaliser)
        except* OSError as group:
            raise ConfigError(f"{config}: an input or output can't be had: {_first(group)}") from group
        if as_json:
            print_json({"counters": host.flow.counters(), "records": store.read.counts()})
    finally:
        store.close()


def _first(group: BaseException) -> str:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return str(group)
