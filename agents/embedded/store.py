"""The embedded store: one SQLite file with the log of inputs, the state, the records and the dead letters.

Everything that comes in is in the inbox before it is acknowledged. Everything that follows from it is written in one
transaction with the number of the last input handled, so a crash at any moment leaves either all of it or nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from agents.embedded.lock import Lock
from agents.embedded.rows import Checkpoint, Cursor, Dead, Input, Place
from pipeline.state import Entry
from schemas.base import ConfigError

VERSION = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, received INTEGER NOT NULL,
  source TEXT NOT NULL, origin TEXT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL, mark TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (tab TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (tab, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (kind TEXT, id TEXT, version INTEGER NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (seq INTEGER, n INTEGER, kind TEXT NOT NULL, id TEXT NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (seq, n)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS history_by_id ON history (kind, id);
CREATE TABLE IF NOT EXISTS dead (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, reason TEXT NOT NULL, value BLOB NOT NULL);
"""


class Store:
    """One file. Raises ConfigError where the file is of another version or no store at all."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock: Lock | None = None
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise ConfigError(f"store.path: {path} can't be used as a store: {error}") from error
        found = self.meta("version", VERSION)
        if found != VERSION:
            raise ConfigError(f"store.path: {path} has version {found}; this Tocsin needs {VERSION}")
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (VERSION,))

    def own(self) -> None:
        """Make sure that nobody else writes to it until it is closed. Raises ConfigError where somebody does."""
        if self._lock is None:
            self._lock = Lock(self.path)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._db.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def meta(self, name: str, default: int) -> int:
        """One number about the store."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return default if row is None else int(row[0])

    # -- the inbox -------------------------------------------------------------------------------------------------

    def last_input(self) -> int:
        """Number of the newest input, 0 where there is none. Numbers are never used twice."""
        row = self._db.execute("SELECT max(seq) FROM inbox").fetchone()
        return max(int(row[0] or 0), self.meta("applied", 0))

    def append(self, inputs: Iterable[Input], cursors: Iterable[Cursor] = ()) -> None:
        """Write inputs, and how far their files were read, in one transaction: when this returns they are kept."""
        with self._transaction():
            self._db.executemany("INSERT INTO inbox VALUES (?, ?, ?, ?, ?, ?)", inputs)
            self._db.executemany("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", cursors)

    def pending(self, after: int, most: int) -> list[Input]:
        """Inputs after a number, in order."""
        rows = self._db.execute("SELECT * FROM inbox WHERE seq > ? ORDER BY seq LIMIT ?", (after, most))
        return [Input(*row) for row in rows]

    def forget(self, before: int, upto: int, most: int) -> int:
        """Delete handled inputs received before a time, of the `most` oldest. Returns how many that were."""
        query = "DELETE FROM inbox WHERE seq <= ? AND seq < (SELECT min(seq) FROM inbox) + ? AND received < ?"
        with self._transaction():
            return self._db.execute(query, (upto, most, before)).rowcount

    # -- cursors ---------------------------------------------------------------------------------------------------

    def set_cursors(self, *cursors: Cursor) -> None:
        """Keep several places, all or none."""
        self.append((), cursors)

    def cursor(self, name: str) -> int:
        """How far something was read or told, 0 where it was not."""
        found = self.find_cursor(name)
        return 0 if found is None else found.position

    def find_cursor(self, name: str) -> Cursor | None:
        """The whole cursor, None where there is none."""
        row = self._db.execute("SELECT name, position, mark FROM cursors WHERE name = ?", (name,)).fetchone()
        return None if row is None else Cursor(*row)

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def write(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, whole or not at all."""
        db = self._db
        gone = [(e.table, e.key) for e in checkpoint.state if e.value is None]
        kept = [(e.table, e.key, e.value) for e in checkpoint.state if e.value is not None]
        with self._transaction():
            db.executemany("DELETE FROM state WHERE tab = ? AND key = ?", gone)
            db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", kept)
            db.executemany(
                "INSERT INTO records VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version,"
                " value = excluded.value WHERE excluded.version >= version",
                checkpoint.rows,
            )
            db.executemany("INSERT INTO history VALUES (?, ?, ?, ?, ?)", checkpoint.history)
            self._bury(checkpoint.dead)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('applied', ?)", (checkpoint.applied,))

    def bury(self, letter: Dead, *cursors: Cursor) -> None:
        """Write a dead letter that no input explains, with the places that go with it."""
        with self._transaction():
            self._bury([letter])
            self._db.executemany("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", cursors)

    def _bury(self, dead: Iterable[Dead]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO dead VALUES (?, ?, ?, ?)", dead)

    def state(self) -> Iterator[Entry]:
        """All of the state, as the last checkpoint left it."""
        for row in self._db.execute("SELECT tab, key, value FROM state ORDER BY tab, key"):
            yield Entry(*row)

    # -- reading ---------------------------------------------------------------------------------------------------

    def records(self, kind: str) -> Iterator[bytes]:
        """All current records of a kind, as JSON, by id."""
        for (value,) in self._db.execute("SELECT value FROM records WHERE kind = ? ORDER BY id", (kind,)):
            yield value

    def page(self, kind: str, after: str, most: int) -> list[bytes]:
        """Current records of a kind whose id comes after one, by id."""
        query = "SELECT value FROM records WHERE kind = ? AND id > ? ORDER BY id LIMIT ?"
        return [row[0] for row in self._db.execute(query, (kind, after, most))]

    def find(self, kind: str, prefix: str) -> list[bytes]:
        """Records whose id begins with a prefix."""
        query = "SELECT value FROM records WHERE kind = ? AND id >= ? AND id < ? ORDER BY id LIMIT 20"
        return [row[0] for row in self._db.execute(query, (kind, prefix, prefix + "\uffff"))]

    def history(self, kind: str, identity: str) -> Iterator[bytes]:
        """History of one record, oldest first."""
        query = "SELECT value FROM history WHERE kind = ? AND id = ? ORDER BY seq, n"
        for (value,) in self._db.execute(query, (kind, identity)):
            yield value

    def versions(self, after: Place, most: int) -> list[tuple[Place, bytes]]:
        """Versions of incidents after a place in the history, in order, each with its place."""
        query = (
            "SELECT seq, n, value FROM history WHERE (seq, n) > (?, ?) AND kind = 'incident' ORDER BY seq, n LIMIT ?"
        )
        return [(Place(seq, n), value) for seq, n, value in self._db.execute(query, (*after, most))]

    def count_versions(self, after: Place) -> int:
        """How many versions of incidents come after a place."""
        query = "SELECT count(*) FROM history WHERE (seq, n) > (?, ?) AND kind = 'incident'"
        return int(self._db.execute(query, after).fetchone()[0])

    def history_end(self) -> Place:
        """The last place in the history."""
        row = self._db.execute("SELECT seq, n FROM history ORDER BY seq DESC, n DESC LIMIT 1").fetchone()
        return Place(0, 0) if row is None else Place(*row)

    def dead(self, prefix: str = "") -> Iterator[bytes]:
        """Dead letters whose id begins with a prefix, in the order of their inputs."""
        query = "SELECT value FROM dead WHERE id >= ? AND id < ? ORDER BY seq, id"
        for (value,) in self._db.execute(query, (prefix, prefix + "\uffff")):
            yield value

    def counts(self) -> dict[str, int]:
        """How many rows each table of results has."""
        found = dict(self._db.execute("SELECT kind, count(*) FROM records GROUP BY kind").fetchall())
        found["dead"] = self._db.execute("SELECT count(*) FROM dead").fetchone()[0]
        return found

    def _transaction(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db
