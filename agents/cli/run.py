"""tocsin run."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import click

from agents import loader
from agents.cli.command import command
from agents.cli.output import console
from agents.embedded.host import Host
from agents.embedded.run import run as run_host
from agents.embedded.store import Store
from agents.reference_files import load_all
from agents.source_files import make_sources
from pipeline.flow import Flow
from pipeline.sources.normalise import Normaliser


@command("tocsin run --config examples/tocsin.yaml")
@click.option(
    "--config",
    "-c",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("tocsin.yaml"),
    show_default=True,
    help="The configuration.",
)
def run(config: Path) -> None:
    """Run the host: read the inputs of a configuration, until stopped.

    Whatever was taken in is in the store before it is acknowledged; after a crash, run it again and it goes on.
    """
    settings = loader.load(config)
    normaliser = Normaliser(make_sources(settings.sources))
    store = Store(settings.store.path)
    host = Host(Flow(settings.flow), normaliser, store, settings.store.checkpoint_every)
    host.refer(load_all(settings.reference), int(time.time() * 1000))
    for one in settings.inputs:
        console().print(f"reading {one.type} {one.model_dump(exclude={'type'})}", markup=False)
    try:
        asyncio.run(run_host(settings, host, normaliser))
    finally:
        store.close()
