"""tocsin index."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path

import click

from agents.cli.command import Group, subcommand
from agents.cli.index_options import configured, index_options
from agents.cli.output import console, count, json_option, print_json, rows, store_option, table
from agents.index.client import connect, told
from agents.source_files import make_sources
from pipeline.sources.normalise import Normaliser
from schemas.base import ConfigError


@click.group(cls=Group)
def index() -> None:
    """Set up, look at, migrate and check what is in Elasticsearch."""


@subcommand(index, "setup", "tocsin index setup", "tocsin index setup --url http://localhost:9200 --json")
@index_options
@json_option
def set_up(config: Path | None, url: str | None, prefix: str | None, *, as_json: bool) -> None:
    """Put the templates and make the indices that are missing. Doing it again does no harm."""
    from agents.index.setup import setup

    _, settings = configured(config, url, prefix)
    with told(settings), connect(settings) as client:
        done = setup(client, settings)
    if as_json:
        print_json({"done": done})
        return
    for text in done:
        console().print(text, markup=False)


@subcommand(index, "status", "tocsin index status", "tocsin index status --json")
@index_options
@json_option
def status(config: Path | None, url: str | None, prefix: str | None, *, as_json: bool) -> None:
    """Say how each data stream and index stands; exit code 1 where one is missing or outdated."""
    from agents.index.setup import standing

    _, settings = configured(config, url, prefix)
    with told(settings), connect(settings) as client:
        found = standing(client, settings)
    if as_json:
        print_json(
            [
                {"name": one.target.name, "state": one.state, "documents": one.documents, "bytes": one.bytes}
                for one in found
            ]
        )
    else:
        made = table("name", "state", "documents", "bytes", "holds", right=("documents", "bytes"))
        cells = [(o.target.name, o.state, count(o.documents), count(o.bytes), o.target.holds) for o in found]
        console().print(rows(made, cells))
    todo = {"missing": "setup", "outdated": "migrate"}
    if needed := sorted({todo[one.state] for one in found if one.state in todo}, reverse=True):
        raise ConfigError(f"not all is ready; run {' and '.join(f'`tocsin index {what}`' for what in needed)}")


@subcommand(index, "migrate", "tocsin index migrate", "tocsin index migrate --json")
@index_options
@json_option
def migrating(config: Path | None, url: str | None, prefix: str | None, *, as_json: bool) -> None:
    """Bring indices to a mapping that has changed: a new index, all documents copied, the alias switched.

    A host that writes meanwhile waits, and goes on afterwards.
    """
    from agents.index.migrate import migrate

    _, settings = configured(config, url, prefix)
    with told(settings), connect(settings) as client:
        moved = migrate(client, settings)
    if as_json:
        print_json([one._asdict() for one in moved])
        return
    for one in moved:
        console().print(f"{one.name}: {count(one.documents)} documents from {one.old} to {one.new}", markup=False)
    console().print(f"{len(moved)} migrated")


@subcommand(index, "fill", "tocsin index fill", "tocsin index fill --store tocsin.db --again --json")
@store_option
@click.option("--again", is_flag=True, help="From the beginning: what was refused is tried again.")
@index_options
@json_option
def fill(store: str, config: Path | None, url: str | None, prefix: str | None, *, again: bool, as_json: bool) -> None:
    """Index all of a store that no host is running on, from where it was left: after a replay, or to begin with.

    What is there already stays as it is, with --again too.
    """
    from agents.embedded.store import Store
    from agents.index.output import StoreIndexer

    given, settings = configured(config, url, prefix)
    _must_be(store)
    with closing(Store(store)) as opened:
        opened.own()
        normaliser = Normaliser(make_sources(given.sources))
        made = StoreIndexer(settings, opened, normaliser, lambda: time.time_ns() // 1_000_000, again=again)
        asyncio.run(made.catch_up())
    counts = made.indexer.counts
    if as_json:
        print_json(dict(counts))
        return
    text = f"{count(counts['written'])} documents written, {count(counts['repeated'])} were there"
    console().print(text + (f", {count(counts['refused'])} refused: see `tocsin dead list`" * bool(counts["refused"])))


@subcommand(index, "verify", "tocsin index verify", "tocsin index verify --store tocsin.db --json")
@store_option
@index_options
@json_option
def verifying(store: str, config: Path | None, url: str | None, prefix: str | None, *, as_json: bool) -> None:
    """Compare Elasticsearch with the store, document by document; exit code 1 where they differ."""
    from agents.index.lanes import Lanes
    from agents.index.verify import verify

    given, settings = configured(config, url, prefix)
    _must_be(store)
    lanes = Lanes(store, Normaliser(make_sources(given.sources)))
    with closing(lanes), told(settings), connect(settings) as client:
        found = verify(client, settings, lanes)
    if as_json:
        print_json([{**one._asdict(), "agrees": one.agrees} for one in found])
    else:
        columns = ("same", "missing", "doubled", "other", "more")
        made = table("kind", *columns, "for example", right=columns)
        cells = [(one.kind, *(count(getattr(one, name)) for name in columns), ", ".join(one.examples)) for one in found]
        console().print(rows(made, cells))
    if wrong := [one.kind for one in found if not one.agrees]:
        raise ConfigError(f"Elasticsearch differs from {store} in {', '.join(wrong)}")


@subcommand(index, "kibana", "tocsin index kibana --out dashboards.ndjson", "tocsin index kibana --prefix tocsin")
@index_options
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file; without it standard output.")
def kibana(config: Path | None, url: str | None, prefix: str | None, out: Path | None) -> None:
    """Write the data views and dashboards for Kibana, to be imported under Stack Management, Saved Objects.

    The same installation gives the same objects: importing them again brings them up to date.
    """
    from agents.index.kibana import saved_objects

    _, settings = configured(config, url, prefix)
    made = saved_objects(settings)
    if out is None:
        click.echo(made, nl=False)
        return
    out.write_bytes(made)
    console().print(f"{made.count(bytes([10]))} saved objects in {out}", markup=False)


def _must_be(store: str) -> None:
    if not Path(store).is_file():
        raise ConfigError(f"there is no store {store}")
