"""A store that is followed names what changed, each record once; one that is not, keeps no such table."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agents.embedded.rows import Checkpoint, Cursor, Dead, Input, Row
from agents.embedded.store import Store
from agents.index import feed
from pipeline.state import Entry


def write(store: Store, *rows: Row, state: tuple[Entry, ...] = (), dead: tuple[Dead, ...] = ()) -> None:
    store.write(Checkpoint(1, list(state), list(rows), [], list(dead)))


def changed(store: Store) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(store.path)) as db:
        return db.execute("SELECT kind, id FROM changes ORDER BY n").fetchall()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "s.db"))
    write(made, Row("incident", "a", 1, b"{}"), state=(Entry("alerts", "x", b"1"), Entry("words", "w", b"1")))
    feed.attach(made.path)
    return made


def test_at_first_all_that_is_there_counts_as_changed(store: Store) -> None:
    assert changed(store) == [("incident", "a"), ("alert", "x")]


def test_what_changes_again_moves_to_the_end_and_an_older_version_changes_nothing(store: Store) -> None:
    write(store, Row("incident", "b", 2, b"{}"), Row("incident", "a", 2, b"{}"))
    write(store, Row("incident", "b", 1, b"{}"))
    assert changed(store) == [("alert", "x"), ("incident", "b"), ("incident", "a")]


def test_state_reference_and_dead_letters_are_followed(store: Store) -> None:
    write(store, state=(Entry("alerts", "x", b"2"), Entry("reference", "item:1", b"2"), Entry("words", "v", b"2")))
    write(store, state=(Entry("reference", "item:1", None),), dead=(Dead("d", 1, "not-json", b"{}"),))
    assert changed(store) == [("incident", "a"), ("alert", "x"), ("reference", "item:1"), ("dead", "d")]


def test_attaching_again_changes_nothing(store: Store) -> None:
    before = changed(store)
    feed.attach(store.path)
    assert changed(store) == before


def test_payloads_are_kept_until_they_are_indexed_and_no_longer(store: Store) -> None:
    store.append([Input(seq, "raw", 0, "s", "", b"") for seq in (1, 2, 3)])
    assert store.forget(10, 1, 100) == 1  # nobody reads them
    store.set_cursors(Cursor("elasticsearch tocsin http://a events", 2))
    store.forget(10, 3, 100)
    assert [one.seq for one in store.pending(0, 10)] == [3]
    store.set_cursors(Cursor("elasticsearch tocsin http://a events", 3))
    store.forget(10, 3, 100)
    assert store.pending(0, 10) == []


def test_a_store_that_nobody_follows_any_more_holds_nothing_back(store: Store) -> None:
    store.append([Input(1, "raw", 0, "s", "", b"")], [Cursor("elasticsearch tocsin http://a events", 0)])
    feed.detach(store.path)
    store.forget(10, 1, 100)
    assert store.pending(0, 10) == []
    assert store.find_cursor("elasticsearch tocsin http://a events") is None
    write(store, Row("incident", "c", 1, b"{}"))
    feed.detach(store.path)
