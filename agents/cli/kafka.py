"""tocsin kafka."""

from __future__ import annotations

from pathlib import Path

import click

from agents.cli.command import Group, subcommand
from agents.cli.output import F, console, json_option, print_json
from agents.local.kafka import Broker


def folder_option(function: F) -> F:
    """The `--dir` of every command on the local broker."""
    return click.option(
        "--dir",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("var/kafka"),
        show_default=True,
        help="Where the broker keeps its data and its log.",
    )(function)


@click.group(cls=Group)
def kafka() -> None:
    """Start, stop and look at a real Kafka broker on this machine: for a first try, and for tests."""


@subcommand(kafka, "up", "tocsin kafka up", "tocsin kafka up --port 9092 --dir var/kafka")
@folder_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where it listens; without it a free port.")
@json_option
def up(folder: Path, port: int, *, as_json: bool) -> None:
    """Start a broker, and wait until it answers.

    It needs Java 17 or later, and Maven, which fetches Kafka the first time. It goes on until `tocsin kafka down`; its
    data stay in the folder.
    """
    broker = Broker(folder, port=port).start()
    if as_json:
        print_json({"bootstrap": broker.bootstrap, "pid": broker.pid, "folder": str(broker.folder)})
        return
    console().print(f"a broker listens on {broker.bootstrap}; make the topics: ", style="green", end="")
    console().print(f"tocsin topics create --bootstrap {broker.bootstrap}")


@subcommand(kafka, "down", "tocsin kafka down", "tocsin kafka down --dir var/kafka --json")
@folder_option
@json_option
def down(folder: Path, *, as_json: bool) -> None:
    """Stop the broker of a folder, and no other."""
    ran = Broker(folder).stop()
    if as_json:
        print_json({"stopped": ran})
    else:
        console().print("stopped" if ran else f"no broker of {folder} is running")


@subcommand(kafka, "status", "tocsin kafka status", "tocsin kafka status --json")
@folder_option
@json_option
def status(folder: Path, *, as_json: bool) -> None:
    """Say whether the broker of a folder is running, and where."""
    broker = Broker(folder)
    pid = broker.pid
    if as_json:
        print_json({"running": pid is not None, "bootstrap": broker.bootstrap if pid else None, "pid": pid})
    elif pid is None:
        console().print(f"no broker of {folder} is running")
    else:
        console().print(f"running on {broker.bootstrap}, process {pid}", style="green")
