"""The store keeps a checkpoint whole or not at all, and never goes back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from agents.embedded.rows import Checkpoint, Cursor, Dead, Input, Row, Step
from agents.embedded.store import Store
from pipeline.state import Entry
from schemas.base import ConfigError

TABLES = ("state", "records", "history", "dead", "meta", "inbox", "cursors")
WHOLE = Checkpoint(
    applied=7,
    state=[Entry("cells", "a", b"1"), Entry("cells", "b", b"2")],
    rows=[Row("incident", "i", 3, b"third"), Row("alert", "a", 1, b"alert")],
    history=[Step(7, 0, "incident", "i", b"third")],
    dead=[Dead("d", 5, "bad json", b"letter")],
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


@pytest.fixture
def store(path: str) -> Iterator[Store]:
    with closing(Store(path)) as opened:
        yield opened


def everything(path: str) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as db:
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}


@pytest.mark.parametrize(
    "broken",
    [
        {"state": [Entry("cells", "a", b"changed"), Entry("cells", "c", object())]},  # type: ignore[arg-type]
        {"rows": [Row("incident", "i", 4, b"fourth"), Row("alert", "z", 1, None)]},  # type: ignore[arg-type]
        {"history": [Step(8, 0, "incident", "i", b"x"), Step(8, 1, "incident", "i", None)]},  # type: ignore[arg-type]
        {"dead": [Dead("e", 8, "late", b"x"), Dead("f", 8, "late", None)]},  # type: ignore[arg-type]
        {"applied": object()},
    ],
    ids=["state", "rows", "history", "dead", "applied"],
)
def test_a_checkpoint_that_fails_leaves_nothing(store: Store, path: str, broken: dict[str, Any]) -> None:
    store.write(WHOLE)
    before = everything(path)
    next_one = Checkpoint(
        applied=8,
        state=[Entry("cells", "a", b"changed"), Entry("cells", "b", None)],
        rows=[Row("incident", "i", 4, b"fourth")],
        history=[Step(8, 0, "incident", "i", b"fourth")],
        dead=[Dead("e", 8, "late", b"other")],
    )
    with pytest.raises(sqlite3.Error):
        store.write(next_one._replace(**broken))
    assert everything(path) == before
    store.write(next_one)  # and the store can still be written to
    assert store.meta("applied", 0) == 8
    assert list(store.read.state()) == [Entry("cells", "a", b"changed")]


def test_the_highest_version_wins(store: Store) -> None:
    for version, value in [(2, b"second"), (3, b"third"), (1, b"first")]:
        store.write(Checkpoint(version, [], [Row("incident", "i", version, value)], [], []))
    assert list(store.read.records("incident")) == [b"third"]


def test_of_equal_versions_the_later_wins(store: Store) -> None:
    for value in (b"before", b"after"):
        store.write(Checkpoint(1, [], [Row("alert", "a", 5, value)], [], []))
    assert list(store.read.records("alert")) == [b"after"]


def test_the_same_checkpoint_again_changes_nothing(store: Store, path: str) -> None:
    store.write(WHOLE)
    before = everything(path)
    with suppress(sqlite3.IntegrityError):  # taken or refused, it is all the same
        store.write(WHOLE)
    assert everything(path) == before
    assert store.read.counts() == {"incident": 1, "alert": 1, "dead": 1}


def test_what_was_written_is_there_after_opening_again(path: str) -> None:
    with closing(Store(path)) as store:
        store.append([Input(1, "raw", 5, "nagios", "here", b"\xff")])
        store.write(WHOLE._replace(applied=1))
    with closing(Store(path)) as store:
        assert store.meta("applied", 0) == 1
        assert list(store.read.state()) == WHOLE.state
        assert list(store.read.history("incident", "i")) == [b"third"]
        assert list(store.read.dead()) == [b"letter"]
        assert list(store.pending(0, 10)) == [Input(1, "raw", 5, "nagios", "here", b"\xff")]
        assert not store.pending(1, 10)


def test_inputs_whose_number_is_taken_are_refused_all(store: Store) -> None:
    store.append([Input(1, "tick", 5, "host", "", b"")])
    with pytest.raises(sqlite3.IntegrityError):
        store.append([Input(2, "tick", 6, "host", "", b""), Input(1, "tick", 7, "host", "", b"")], [Cursor("day", 2)])
    assert store.last_input() == 1
    assert store.cursor("day") == 0


def test_numbers_are_not_used_again_when_inputs_are_forgotten(store: Store) -> None:
    store.append([Input(n, "tick", n, "host", "", b"") for n in (1, 2, 3)])
    store.write(Checkpoint(3, [], [], [], []))
    assert store.forget(before=100, upto=3, most=10) == 3
    assert not store.pending(0, 10)
    assert store.last_input() == 3


def test_only_handled_inputs_are_forgotten(store: Store) -> None:
    store.append([Input(n, "tick", n, "host", "", b"") for n in (1, 2, 3)])
    assert store.forget(before=3, upto=1, most=10) == 1
    assert [one.seq for one in store.pending(0, 10)] == [2, 3]


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"this is no database at all\n" * 100)
    with pytest.raises(ConfigError, match=r"notes\.txt can't be used as a store"):
        Store(str(path))
    assert path.read_bytes() == b"this is no database at all\n" * 100


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be used as a store"):
        Store(str(tmp_path))


def test_a_store_of_another_version_is_refused(path: str) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET value = 99 WHERE name = 'version'")
    with pytest.raises(ConfigError, match="has version 99"):
        Store(path)
