"""How the commands that read records are told which, and where: in a store, or in Elasticsearch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from agents.cli.index_options import configured, index_options
from agents.cli.output import F, store_option
from agents.index.records import Records
from schemas.base import ConfigError


def record_options(function: F) -> F:
    """The options of every command that reads records from one or the other."""
    function = click.option(
        "--elasticsearch", "indexed", is_flag=True, help="Those in Elasticsearch, instead of those in the store."
    )(index_options(store_option(function)))
    return click.option("--where", "wanted", multiple=True, metavar="FIELD=VALUE", help="Only records with that.")(
        function
    )


def conditions(wanted: tuple[str, ...]) -> dict[str, str]:
    """What was given as FIELD=VALUE. Raises ConfigError."""
    for one in wanted:
        if "=" not in one:
            raise ConfigError(f"--where {one}: not like FIELD=VALUE")
    return {name: value for name, _, value in (one.partition("=") for one in wanted)}


@contextmanager
def opened_records(
    store: str, config: Path | None, url: str | None, prefix: str | None, *, indexed: bool
) -> Iterator[Records]:
    """The records, whatever keeps them. Raises ConfigError where they can't be had."""
    if not indexed:
        from agents.index.sqlite_records import SqliteRecords

        if not Path(store).is_file():
            raise ConfigError(f"there is no store {store}")
        found = SqliteRecords(store)
        try:
            yield found
        finally:
            found.close()
        return
    from agents.index.client import connect, told
    from agents.index.elastic_records import ElasticRecords

    _, settings = configured(config, url, prefix)
    with told(settings), connect(settings) as client:
        yield ElasticRecords(client, settings)
