"""The embedded store: one SQLite file with the log of inputs, the state, the records and the dead letters.

Everything that comes in is in the inbox before it is acknowledged. Everything that follows from it is written in one
transaction with the number of the last input handled, so a crash at any moment leaves either all of it or nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from agents.embedded.lock import Lock
from agents.embedded.reader import VERSION, Reader
from agents.embedded.rows import Checkpoint, Cursor, Dead, Input
from schemas.base import ConfigError

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
CREATE TABLE IF NOT EXISTS notices (output TEXT, incident TEXT, value BLOB NOT NULL, PRIMARY KEY (output, incident))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, reason TEXT NOT NULL, value BLOB NOT NULL);
"""

PRAGMAS = ("page_size=8192", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=8000", "cache_size=-65536")
"""Every commit is on the disk when it returns. Entries of the state lie in no order of time: with larger pages, kept in
64 MB of memory and brought from the log (of 64 MB) into the file seldom, a page is written once for many of them."""


class Store:
    """One file; `read` reads what came out. Raises ConfigError where it is of another version or no store at all."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock: Lock | None = None
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for pragma in PRAGMAS:
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise ConfigError(f"store.path: {path} can't be used as a store: {error}") from error
        self.read = Reader(self._db)
        found = self.meta("version", VERSION)
        if found != VERSION:
            raise ConfigError(f"store.path: {path} has version {found}; this Tocsin needs {VERSION}")
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (VERSION,))

    def own(self) -> None:
        """Make sure that nobody else writes to it until it is closed. Raises ConfigError where somebody does."""
        if self._lock is None:
            self._lock = Lock(self.path)

    def announce(self, url: str) -> None:
        """Tell those who want to write to it where its owner can be asked."""
        if self._lock is not None:
            self._lock.announce(url)

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

    # -- notices ---------------------------------------------------------------------------------------------------

    def notices(self, output: str) -> dict[str, bytes]:
        """What an output knows of each incident it tells; see `agents.embedded.outputs.timed`."""
        return dict(self._db.execute("SELECT incident, value FROM notices WHERE output = ?", (output,)))

    def note(
        self, output: str, changed: Mapping[str, bytes | None], cursors: Iterable[Cursor], dead: Iterable[Dead] = ()
    ) -> None:
        """Keep what an output knows of some incidents (None: nothing any more), with the places that go with it."""
        gone = [(output, incident) for incident, value in changed.items() if value is None]
        kept = [(output, incident, value) for incident, value in changed.items() if value is not None]
        with self._transaction():
            self._db.executemany("DELETE FROM notices WHERE output = ? AND incident = ?", gone)
            self._db.executemany("INSERT OR REPLACE INTO notices VALUES (?, ?, ?)", kept)
            self._db.executemany("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", cursors)
            self._bury(dead)

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

    def _transaction(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db
