"""tocsin worker."""

from __future__ import annotations

import multiprocessing
import signal
import socket
from collections.abc import Iterable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import click

from agents.cli.command import command
from agents.cli.kafka_options import configured, kafka_options
from agents.config import Config
from agents.stream.worker.ending import UNFINISHED
from agents.stream.worker.logs import set_up
from agents.stream.worker.run import ROLES, roles_of
from agents.stream.worker.running import Address
from schemas.base import ConfigError

GRACE = 10
"""Seconds that a role has to stop when another one has failed."""


@command(
    "tocsin worker --config examples/tocsin.yaml",
    "tocsin worker --role ingest --name ingest-1 --port 9101",
    "tocsin worker --role correlate --name correlate-1 --port 9102",
    "tocsin worker --role detect --name detect-1 --port 9103",
    "tocsin worker --role index --name index-1 --port 9104",
)
@click.option("--role", "roles", type=click.Choice(list(ROLES)), multiple=True, help="May be given again; all without.")
@click.option("--name", default=socket.gethostname, help="Its own among all workers, and always the same: the host's.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where health and metrics are to be had.")
@click.option("--port", default=9100, show_default=True, help="Of the first role; the next ones count up. 0: none.")
@kafka_options
def worker(config: Path | None, bootstrap: str | None, roles: tuple[str, ...], name: str, host: str, port: int) -> None:
    """Run a worker of the stream on Kafka, until stopped: any number of them share the work.

    ingest turns raw payloads into packs of events; correlate folds, correlates and ranks; detect learns from metric
    samples and tells of what is unusual; index writes all of it to Elasticsearch, where there is an output of that
    type. Each role is a process of its own. Logs are JSON lines on standard error; /-/healthy, /-/ready and /metrics
    are at the port of each role.
    """
    settings = configured(config, bootstrap)
    chosen = list(dict.fromkeys(roles)) or roles_of(settings)
    set_up()
    if len(chosen) == 1:
        ROLES[chosen[0]](settings, name, Address(host, port))
        return
    addresses = [Address(host, port + n if port else 0) for n in range(len(chosen))]
    _together(settings, name, dict(zip(chosen, addresses, strict=True)))


def _together(settings: Config, name: str, chosen: dict[str, Address]) -> None:
    """All roles in processes of their own; when one ends, all do."""
    context = multiprocessing.get_context("spawn")
    children = [
        context.Process(target=run_role, args=(role, settings, name, address), name=role)
        for role, address in chosen.items()
    ]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(children))
    for child in children:
        child.start()
    wait([child.sentinel for child in children])
    _stop(children)
    for child in children:
        child.join(GRACE)
        if child.is_alive():
            child.kill()
            child.join()
    failed = [child.name for child in children if child.exitcode not in (0, UNFINISHED, -signal.SIGTERM)]
    if failed:
        raise ConfigError(f"{', '.join(failed)} ended with an error; the log says why")
    if any(child.exitcode == UNFINISHED for child in children):
        raise SystemExit(UNFINISHED)


def _stop(children: Iterable[BaseProcess]) -> None:
    for child in children:
        if child.is_alive():
            child.terminate()


def run_role(role: str, settings: Config, name: str, address: Address) -> None:
    """The whole life of a process of one role."""
    set_up()
    try:
        ROLES[role](settings, name, address)
    except ConfigError as error:
        raise SystemExit(f"Error: {error}") from error
