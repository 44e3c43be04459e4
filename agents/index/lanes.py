"""What of an embedded store goes to Elasticsearch, in three lanes that are read by turns, each from where it was left.

changes: the current state of every record that changed, the newest only. history: what was told, line by line.
events: payloads of the inbox, read again by their sources, for the store keeps no events.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

import orjson

from agents.embedded.reader import Reader, connect
from agents.embedded.rows import Place, as_number, as_place
from agents.index.documents import Document, document, key_identity
from agents.index.kinds import KINDS
from agents.index.settings import MIB
from pipeline.sources.normalise import Normaliser
from schemas.base import ConfigError
from schemas.event import RawRecord

_HISTORY = {
    "incident": "incident-version",
    "transition": "transition",
    "audit": "audit",
    "service-level": "service-level",
}
"""Kinds of the store's history, by what they are here. Replies are left out: the audit trail has all of them."""
_RECORDS = ("placement", "incident", "ledger")
_REFERENCE = ("item", "relation", "change")


class Batch(NamedTuple):
    """Some documents, and how far a lane is read with them; `rows` is how much of the store that was."""

    documents: list[Document]
    position: int
    rows: int


Read = Callable[[int, int, int], Batch]
"""Reads what comes after one position, up to another one, so many rows at most."""


class Lanes:
    """Reads one store. Its own connection, for one thread at a time: the host goes on writing."""

    def __init__(self, path: str, normaliser: Normaliser, size: int = 16 * MIB) -> None:
        """`size` is how many bytes of documents are read at once, about."""
        self._db: sqlite3.Connection = connect(path)
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'changes'").fetchone():
            raise ConfigError(f"{path} was never indexed; run `tocsin index fill`, or a host with such an output")
        self._reader = Reader(self._db)
        self._normaliser, self._size = normaliser, size

    def waiting(self, lane: str, after: int, upto: int) -> int:
        """How much of the store a lane has between two positions."""
        query = {
            "changes": "SELECT count(*) FROM changes WHERE n > ? AND n <= ?",
            "history": "SELECT count(*) FROM history WHERE (seq, n) > (?, ?) AND (seq, n) <= (?, ?)",
            "events": "SELECT count(*) FROM inbox WHERE seq > ? AND seq <= ?",
        }[lane]
        bounds = (*as_place(after), *as_place(upto)) if lane == "history" else (after, upto)
        return int(self._db.execute(query, bounds).fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # -- current state ---------------------------------------------------------------------------------------------

    def changes(self, after: int, upto: int, most: int) -> Batch:
        """The newest of what changed."""
        query = "SELECT n, kind, id FROM changes WHERE n > ? AND n <= ? ORDER BY n LIMIT ?"
        with closing(self._db.execute(query, (after, upto, most))) as rows:
            return self._batch(((n, self._newest(kind, name)) for n, kind, name in rows), upto, most)

    def _batch(self, found: Iterable[tuple[int, Iterable[Document]]], upto: int, most: int) -> Batch:
        """Documents row by row, until they are many bytes: rows, `most` of them, are held one at a time."""
        documents: dict[tuple[str, str], Document] = {}
        position = upto
        size = rows = 0
        for position, some in found:
            rows += 1
            for one in some:
                documents.setdefault((one.kind, one.id), one)  # of what came twice Elasticsearch keeps the first, too
                size += len(one.body or b"")
            if size >= self._size:
                return Batch(list(documents.values()), position, rows)
        return Batch(list(documents.values()), position if rows == most else upto, rows)

    def changes_end(self) -> int:
        """The newest change."""
        return int(self._db.execute("SELECT max(n) FROM changes").fetchone()[0] or 0)

    def _newest(self, kind: str, name: str) -> Iterator[Document]:
        if kind == "reference":
            yield from self._reference(name)
        elif kind == "alert":
            for value in self._reader.find("alert", name):
                yield document(KINDS["alert"], orjson.loads(value))
        elif kind == "dead":
            for value in self._one("SELECT value FROM dead WHERE id = ?", name):
                record = orjson.loads(value)
                yield document(KINDS["dead"], record, record["raw"]["received"])
        elif kind in _RECORDS:
            for value in self._one("SELECT value FROM records WHERE kind = ? AND id = ?", kind, name):
                yield document(KINDS[kind], orjson.loads(value))

    def _reference(self, key: str) -> Iterator[Document]:
        kind, _, name = key.partition(":")
        if kind not in _REFERENCE:
            return
        for value in self._one("SELECT value FROM state WHERE tab = 'reference' AND key = ?", key):
            at, record = orjson.loads(value)
            yield document(KINDS[kind], record, at)
            return
        yield Document(kind, key_identity(kind, name), None, None)  # it is there no more

    def _one(self, query: str, *values: str) -> Iterator[bytes]:
        for (value,) in self._db.execute(query, values).fetchall():
            yield value

    # -- history ---------------------------------------------------------------------------------------------------

    def history(self, after: int, upto: int, most: int) -> Batch:
        """What was told."""
        query = (
            "SELECT seq, n, kind, value FROM history WHERE (seq, n) > (?, ?) AND (seq, n) <= (?, ?)"
            " ORDER BY seq, n LIMIT ?"
        )
        with closing(self._db.execute(query, (*as_place(after), *as_place(upto), most))) as rows:
            found = ((as_number(Place(seq, n)), self._told(seq, n, kind, value)) for seq, n, kind, value in rows)
            return self._batch(found, upto, most)

    def _told(self, seq: int, n: int, kind: str, value: bytes) -> Iterator[Document]:
        if kind in _HISTORY:
            record = orjson.loads(value)
            if kind != "incident" or not self._told_again(seq, n, record):
                yield document(KINDS[_HISTORY[kind]], record)

    def _told_again(self, seq: int, n: int, incident: dict[str, object]) -> bool:
        """Whether the same input said more of the same version: what it said last is the version."""
        query = "SELECT value FROM history WHERE seq = ? AND n > ? AND kind = 'incident' AND id = ?"
        later = self._db.execute(query, (seq, n, incident["id"])).fetchall()
        return any(orjson.loads(value)["version"] == incident["version"] for (value,) in later)

    def history_end(self) -> int:
        """The newest line."""
        return as_number(self._reader.history_end())

    # -- events ----------------------------------------------------------------------------------------------------

    def events(self, after: int, upto: int, most: int) -> Batch:
        """What monitors and people said, as their sources read it."""
        query = (
            "SELECT seq, kind, received, source, origin, payload FROM inbox WHERE seq > ? AND seq <= ?"
            " ORDER BY seq LIMIT ?"
        )
        with closing(self._db.execute(query, (after, upto, most))) as rows:
            return self._batch(((row[0], self._said(*row[1:])) for row in rows), upto, most)

    def _said(self, kind: str, received: int, source: str, origin: str, payload: bytes) -> Iterator[Document]:
        if kind == "raw":
            raw = RawRecord(source=source, received=received, payload=payload, origin=origin)
            for event in self._normaliser.normalise(raw).events:
                yield document(KINDS["event"], vars(event))  # its fields are what they are in JSON

    def events_end(self) -> int:
        """The newest input."""
        return int(self._db.execute("SELECT max(seq) FROM inbox").fetchone()[0] or 0)
