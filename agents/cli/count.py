"""tocsin count."""

from __future__ import annotations

from pathlib import Path

import click

from agents.cli import output
from agents.cli.command import command
from agents.cli.output import console, json_option, print_json, rows, table
from agents.cli.record_options import conditions, opened_records, record_options
from agents.index.records import STORED


@command(
    "tocsin count incident status",
    "tocsin count alert resource --where status=open --json",
    "tocsin count incident services --elasticsearch",
)
@click.argument("kind", type=click.Choice(STORED))
@click.argument("field")
@record_options
@json_option
def count(
    kind: str,
    field: str,
    wanted: tuple[str, ...],
    store: str,
    config: Path | None,
    url: str | None,
    prefix: str | None,
    *,
    indexed: bool,
    as_json: bool,
) -> None:
    """Count records by a field, the most frequent value first; one with several values counts for each."""
    with opened_records(store, config, url, prefix, indexed=indexed) as records:
        counted = records.count_by(kind, field, conditions(wanted))
    found = dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
    if as_json:
        print_json(found)
        return
    made = table(field, kind, right=(kind,))
    console().print(rows(made, ((name, output.count(number)) for name, number in found.items())))
