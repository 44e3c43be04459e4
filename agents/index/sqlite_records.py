"""The records of an embedded store. Its words are in a file of their own beside it, brought up to date when asked."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import orjson

from agents.embedded.reader import Reader, connect
from agents.embedded.rows import Checkpoint, Dead, Row
from agents.embedded.store import Store
from agents.index.documents import Json, identity, text_of, words
from agents.index.kinds import KINDS
from agents.index.records import SEARCHED, Where, check, fits, values_of, version_of
from schemas.base import ConfigError

SCHEMA = """
CREATE TABLE IF NOT EXISTS found (number INTEGER PRIMARY KEY, kind TEXT, id TEXT, mark TEXT NOT NULL,
  UNIQUE (kind, id));
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text, tokenize = "unicode61 remove_diacritics 0");
"""


class SqliteRecords:
    """Reads one store; `store` is that of its owner, where records are to be put."""

    def __init__(self, path: str, store: Store | None = None) -> None:
        self._path, self._store = path, store
        self._db = connect(path)
        self._read = Reader(self._db)
        self._text: sqlite3.Connection | None = None

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()
        if self._text is not None:
            self._text.close()

    def put(self, kind: str, records: Sequence[Json]) -> None:
        """See `Records.put`. Raises ConfigError where the store is only read."""
        if self._store is None:
            raise ConfigError(f"{self._path}: its host writes to it, nobody else")
        values = [(identity(KINDS[kind], one), version_of(kind, one), orjson.dumps(one)) for one in records]
        dead = [Dead(name, 0, orjson.loads(value)["reason"], value) for name, _, value in values if kind == "dead"]
        rows = [Row(kind, *one) for one in values if kind != "dead"]
        self._store.write(Checkpoint(self._store.meta("applied", 0), [], rows, [], dead))

    def get(self, kind: str, name: str) -> Json | None:
        """See `Records.get`."""
        found = self._read.dead(name) if kind == "dead" else self._read.find(kind, name)
        return next((one for one in map(orjson.loads, found) if identity(KINDS[kind], one) == name), None)

    def search(self, kind: str, text: str, where: Where | None = None, most: int = 20) -> list[Json]:
        """See `Records.search`."""
        if kind not in SEARCHED:
            raise ConfigError(f"the text of {kind} is not searched; that of {', '.join(SEARCHED)} is")
        check(kind, *(where or ()))
        asked = words(text)
        if not asked:
            return []
        found: list[Json] = []
        query = "SELECT id FROM words JOIN found ON number = words.rowid WHERE words MATCH ? AND kind = ? ORDER BY rank"
        for (name,) in self._up_to_date().execute(query, (" ".join(f'"{word}"' for word in asked), kind)).fetchall():
            record = self.get(kind, name)
            if record is not None and fits(record, where):
                found.append(record)
                if len(found) == most:
                    break
        return found

    def scan(self, kind: str, where: Where | None = None) -> Iterator[Json]:
        """See `Records.scan`."""
        check(kind, *(where or ()))
        if kind == "dead":
            everything = sorted(self._read.dead(), key=lambda value: str(orjson.loads(value)["id"]))
            return (one for one in map(orjson.loads, everything) if fits(one, where))
        return (one for one in map(orjson.loads, self._read.records(kind)) if fits(one, where))

    def count_by(self, kind: str, field: str, where: Where | None = None) -> dict[str, int]:
        """See `Records.count_by`."""
        check(kind, field)
        return dict(Counter(value for one in self.scan(kind, where) for value in values_of(one, field)))

    # -- the text --------------------------------------------------------------------------------------------------

    def _up_to_date(self) -> sqlite3.Connection:
        """The words of all records as they are now. Only what has changed is read again."""
        if self._text is None:
            self._text = sqlite3.connect(f"{self._path}-search", isolation_level=None, timeout=30)
            self._text.executescript(SCHEMA)
        text = self._text
        self._db.execute("BEGIN")  # one moment of the store
        text.execute("BEGIN IMMEDIATE")
        try:
            known = {(kind, name): mark for kind, name, mark in text.execute("SELECT kind, id, mark FROM found")}
            for (kind, name), mark in self._marks():
                if known.get((kind, name)) != mark:
                    self._learn(text, kind, name, mark)
        finally:
            text.execute("COMMIT")
            self._db.execute("COMMIT")
        return text

    def _marks(self) -> Iterator[tuple[tuple[str, str], str]]:
        """What tells whether a record is still the same."""
        marks: dict[tuple[str, str], str] = {}
        for kind in SEARCHED:
            for name, version in self._db.execute("SELECT id, version FROM records WHERE kind = ?", (kind,)):
                marks[kind, name] = str(version)
        for name, value in self._db.execute("SELECT key, value FROM state WHERE tab = 'alerts'"):
            marks["alert", name] = blake2b(value, digest_size=8).hexdigest()  # newer than what is kept
        yield from marks.items()

    def _learn(self, text: sqlite3.Connection, kind: str, name: str, mark: str) -> None:
        record = self.get(kind, name)
        if record is None:
            return
        row = text.execute("SELECT number FROM found WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        if row is not None:
            text.execute("DELETE FROM words WHERE rowid = ?", row)
        text.execute("INSERT OR REPLACE INTO found VALUES (?, ?, ?, ?)", (row[0] if row else None, kind, name, mark))
        number = text.execute("SELECT number FROM found WHERE kind = ? AND id = ?", (kind, name)).fetchone()[0]
        text.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, text_of(kind, record)))
