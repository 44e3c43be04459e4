"""tocsin backup."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agents.cli.command import Group, subcommand
from agents.cli.index_options import configured, index_options
from agents.cli.output import F, console, count, json_option, print_json, store_option
from agents.index.client import connect, told
from schemas.base import ConfigError

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from agents.index.settings import ElasticsearchOutput

STORE, ELASTICSEARCH = "store", "elasticsearch"


@click.group(cls=Group)
def backup() -> None:
    """Back up the store and what is in Elasticsearch, prove that it can be restored, restore it."""


def only_option(function: F) -> F:
    """The `--only` of the commands that do something with both."""
    choice = click.Choice([STORE, ELASTICSEARCH])
    return click.option("--only", type=choice, help="One of the two; without it, both where there are both.")(function)


@contextmanager
def _cluster(
    config: Path | None, url: str | None, prefix: str | None
) -> Iterator[tuple[Elasticsearch, ElasticsearchOutput]]:
    _, settings = configured(config, url, prefix)
    with told(settings), connect(settings) as client:
        yield client, settings


@subcommand(
    backup,
    "create",
    "tocsin backup create --dir backups",
    "tocsin backup create --dir backups --location snapshots --json",
)
@store_option
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("backups"),
    show_default=True,
    help="Where backups are kept, a folder each.",
)
@click.option("--repository", help="A snapshot repository of Elasticsearch: its indices are backed up, too.")
@click.option("--location", help="A folder of the nodes (in their path.repo), of which a repository is made.")
@only_option
@index_options
@json_option
def create(
    store: str,
    folder: Path,
    repository: str | None,
    location: str | None,
    only: str | None,
    config: Path | None,
    url: str | None,
    prefix: str | None,
    *,
    as_json: bool,
) -> None:
    """Copy the store as it is at one moment, and snapshot Elasticsearch where a repository is named.

    A host may be running. What was written is read back, and its counts and checksums are kept for later.
    """
    from agents.index import backup as backups
    from agents.index import snapshot

    if only == ELASTICSEARCH and not (repository or location):
        raise ConfigError("--only elasticsearch needs --repository or --location")
    if only != ELASTICSEARCH and not Path(store).is_file():
        raise ConfigError(f"there is no store {store}")
    now = time.time_ns() // 1_000_000
    made = backups.make_folder(folder, now)
    # The store first: Elasticsearch is then never behind it, and what it has more is written again, as it was.
    manifest = backups.Manifest(created=now, tables={} if only == ELASTICSEARCH else backups.copy_store(store, made))
    if only != STORE and (repository or location):
        with _cluster(config, url, prefix) as (client, settings):
            name = repository or snapshot.register(client, settings, location or "")
            kept = snapshot.create(client, settings, name, location or "")
        manifest = manifest.model_copy(update={"snapshot": kept})
    backups.write_manifest(made, manifest)
    rows = sum(found for found, _ in manifest.tables.values())
    documents = sum(found for found, _ in manifest.snapshot.indices.values()) if manifest.snapshot else 0
    if as_json:
        print_json({"backup": str(made), "rows": rows, "documents": documents})
        return
    console().print(f"{made}: {count(rows)} rows, {count(documents)} documents", markup=False)


@subcommand(backup, "verify", "tocsin backup verify BACKUP", "tocsin backup verify BACKUP --json")
@click.argument("folder", metavar="BACKUP", type=click.Path(file_okay=False, path_type=Path))
@index_options
@json_option
def verify(folder: Path, config: Path | None, url: str | None, prefix: str | None, *, as_json: bool) -> None:
    """Restore a backup into a scratch place and compare counts and checksums; exit code 1 where they differ.

    What is in use is not touched. Elasticsearch needs room for its largest index once more.
    """
    from agents.index import backup as backups
    from agents.index import snapshot

    manifest = backups.read_manifest(folder)
    wrong = backups.verify_store(folder)
    if manifest.snapshot is not None:
        with _cluster(config, url, prefix) as (client, settings):
            found, broken = snapshot.contents(client, settings, manifest.snapshot)
        unlike = backups.differences(manifest.snapshot.indices, found)
        wrong += [*broken, *(text for text in unlike if not (broken and text.endswith("is missing")))]
    if as_json:
        print_json({"good": not wrong, "differences": wrong})
    if wrong:
        raise ConfigError(f"{folder} is not what was backed up: {'; '.join(wrong)}")
    if not as_json:
        console().print(f"{folder} can be restored: all is as it was backed up", style="green", markup=False)


@subcommand(
    backup,
    "restore",
    "tocsin backup restore BACKUP --only store --store restored.db",
    "tocsin backup restore BACKUP --only store --store again.db --json",
)
@click.argument("folder", metavar="BACKUP", type=click.Path(file_okay=False, path_type=Path))
@store_option
@only_option
@index_options
@json_option
def restore(
    folder: Path,
    store: str,
    only: str | None,
    config: Path | None,
    url: str | None,
    prefix: str | None,
    *,
    as_json: bool,
) -> None:
    """Bring back a backup where nothing is. What is there is never overwritten."""
    from agents.index import backup as backups
    from agents.index import snapshot

    manifest = backups.read_manifest(folder)
    kept = manifest.snapshot if only != STORE else None
    with_store = bool(manifest.tables) and only != ELASTICSEARCH
    if only is not None and not (with_store or kept):
        raise ConfigError(f"{folder} holds nothing of {'a store' if only == STORE else 'Elasticsearch'}")
    if with_store:
        backups.must_be_free(Path(store))
    if kept is None:
        backups.restore_store(folder, Path(store))
    else:
        with _cluster(config, url, prefix) as (client, settings):
            snapshot.must_be_free(client, settings)  # before anything is brought back
            if with_store:
                backups.restore_store(folder, Path(store))
            snapshot.restore(client, settings, kept)
    brought = len(kept.indices) if kept is not None else 0
    if as_json:
        print_json({"store": store if with_store else None, "indices": brought})
        return
    parts = [store] * with_store + [f"{brought} indices"] * (kept is not None)
    console().print(f"restored {' and '.join(parts)}", markup=False)
