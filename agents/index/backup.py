"""A backup: a folder with a copy of the store, and a manifest that says what is in it and in a snapshot beside it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field, ValidationError

from agents.embedded.reader import connect
from agents.index.checksum import Sum, summed
from schemas.base import ConfigError, Millis, Record

STORE = "tocsin.db"
MANIFEST = "manifest.json"
BESIDE = ("", "-wal", "-shm", "-search")
"""What a store's file, and what is kept beside it, end with."""


class Snapshot(Record):
    """A snapshot in Elasticsearch, and what is in each of its indices; `location`: of the repository, where known."""

    repository: str
    location: str = ""
    name: str
    indices: dict[str, Sum]


class Manifest(Record):
    """What is in a backup: counts and checksums of the store's tables, and of the snapshot's indices."""

    created: Millis
    tables: dict[str, Sum] = Field(default_factory=dict)
    snapshot: Snapshot | None = None


def make_folder(parent: Path, now: int) -> Path:
    """A new folder for a backup, named for its time. Raises ConfigError where it can't be made."""
    folder = parent / datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made: {error.strerror}") from error
    return folder


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Written last: a folder without it is no backup."""
    part = folder / f"{MANIFEST}.part"
    with part.open("wb") as file:
        file.write(orjson.dumps(manifest.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises ConfigError where there is none, or none that can be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise ConfigError(f"{folder} is no whole backup: there is no {MANIFEST}") from error
    except ValidationError as error:
        raise ConfigError(f"{folder / MANIFEST} is not as a backup writes it: {error}") from error


def copy_store(store: str, folder: Path) -> dict[str, Sum]:
    """Copy a store as it is at one moment, while its host goes on; what is in each table of the copy."""
    copy = folder / STORE
    with closing(connect(store)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return tables_of(copy)


def tables_of(path: Path) -> dict[str, Sum]:
    """Count and checksum of every table of a copy. Raises ConfigError where the file is damaged."""
    try:
        # Nobody writes to a copy: so it is read without a log beside it, even from where nothing may be written.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            if (said := db.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                raise ConfigError(f"{path.name} is damaged: {' '.join(said.split())}")
            query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            return {name: _table(db, name) for (name,) in db.execute(query).fetchall()}
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{path.name} is damaged: {error}") from error


def _table(db: sqlite3.Connection, name: str) -> Sum:
    return summed(_row(row) for row in db.execute(f'SELECT * FROM "{name}"'))


def _row(row: tuple[Any, ...]) -> bytes:
    """The values of a row with their kinds and lengths, so that no two rows read the same."""
    values = [b"b" + value if isinstance(value, bytes) else repr(value).encode() for value in row]
    return b"".join(b"%d:%s" % (len(value), value) for value in values)


def must_be_free(store: Path) -> None:
    """Raises ConfigError where a store, or what is kept beside one, is there already."""
    for end in BESIDE:
        left = store.with_name(store.name + end)
        if left.exists():
            raise ConfigError(f"{left} is there already, and is not overwritten; move it away, or name another one")


def restore_store(folder: Path, store: Path) -> None:
    """Put the copy where a host will use it. Raises ConfigError where something is, or the copy is not whole."""
    must_be_free(store)
    wanted = read_manifest(folder).tables
    if not wanted:
        raise ConfigError(f"{folder} has no copy of a store")
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.parent, prefix=".restore-") as scratch:
        part, wrong = _restored(folder, Path(scratch), wanted)
        if wrong:
            raise ConfigError(f"{folder} is not what was backed up: {'; '.join(wrong)}")
        part.replace(store)


def verify_store(folder: Path) -> list[str]:
    """Restore the copy into a scratch place; how it differs from what was backed up, nothing where it does not."""
    wanted = read_manifest(folder).tables
    if not wanted:
        return []
    with tempfile.TemporaryDirectory(prefix="tocsin-verify-") as scratch:
        return _restored(folder, Path(scratch), wanted)[1]


def _restored(folder: Path, scratch: Path, wanted: Mapping[str, Sum]) -> tuple[Path, list[str]]:
    """The copy in a scratch place, and how it differs from what was wanted."""
    part = scratch / STORE
    try:
        shutil.copyfile(folder / STORE, part)
        return part, list(differences(wanted, tables_of(part)))
    except OSError as error:
        return part, [f"{STORE} cannot be copied: {error.strerror}"]
    except ConfigError as error:
        return part, [str(error)]


def differences(wanted: Mapping[str, Sum], found: Mapping[str, Sum]) -> Iterator[str]:
    """Where counts or checksums are not the same, in words."""
    for name in sorted({*wanted, *found}):
        old, new = wanted.get(name), found.get(name)
        if old is None or new is None:
            yield f"{name} is {'missing' if new is None else 'there, and was not'}"
        elif old[0] != new[0]:
            yield f"{name} has {new[0]} of {old[0]}"
        elif old != new:
            yield f"{name} says something else"
