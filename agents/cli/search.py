"""tocsin search."""

from __future__ import annotations

from pathlib import Path

import click

from agents.cli.command import command
from agents.cli.output import console, json_option, moment, print_json, rows, table
from agents.cli.record_options import conditions, opened_records, record_options
from agents.index.documents import Json
from agents.index.records import SEARCHED


@command(
    "tocsin search door forced",
    "tocsin search room-2 --kind alert --where severity=critical --json",
    "tocsin search door forced --elasticsearch",
)
@click.argument("words", nargs=-1, required=True)
@click.option("--kind", type=click.Choice(SEARCHED), default="incident", show_default=True, help="What is looked for.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="So many at most.")
@record_options
@json_option
def search(
    words: tuple[str, ...],
    kind: str,
    limit: int,
    wanted: tuple[str, ...],
    store: str,
    config: Path | None,
    url: str | None,
    prefix: str | None,
    *,
    indexed: bool,
    as_json: bool,
) -> None:
    """Find incidents or alerts by words, the best first: all of them stand in its text.

    Of an incident its title, notes, services, people and members are searched; of an alert its summary and labels too.
    """
    with opened_records(store, config, url, prefix, indexed=indexed) as records:
        found = records.search(kind, " ".join(words), conditions(wanted), limit)
    if as_json:
        print_json(found)
        return
    made = table(kind, "severity", "status", "last", "what")
    console().print(rows(made, (_row(kind, one) for one in found)))
    console().print(f"{len(found)} found")


def _row(kind: str, one: Json) -> tuple[object, ...]:
    if kind == "incident":
        return one["id"], one["severity"], one["status"], moment(one["changed"]), one["title"]
    return one["fingerprint"][:12], one["severity"], one["status"], moment(one["last"]), one["summary"]
