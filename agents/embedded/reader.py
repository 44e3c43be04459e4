"""What can be read of an embedded store, beside the host that writes it: all of it is of the last checkpoint."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from heapq import merge
from pathlib import Path

import orjson

from agents.embedded.rows import Place
from pipeline.stages.dedup import stored_alert
from pipeline.state import Entry
from schemas.base import ConfigError

VERSION = 3
LAST = "\uffff"
ALERT = "alert"
"""Alerts in memory are read off the state: a record beside it would be the same thing written twice."""
SOME = 256


class Reader:
    """Reads one open file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    # -- records ---------------------------------------------------------------------------------------------------

    def records(self, kind: str) -> Iterator[bytes]:
        """All current records of a kind, as JSON, by id."""
        return (value for _, value in self._from(kind, "", LAST))

    def page(self, kind: str, after: str, most: int) -> list[bytes]:
        """Current records of a kind whose id comes after one, by id."""
        return [value for _, (_, value) in zip(range(most), self._from(kind, f"{after}\0", LAST), strict=False)]

    def find(self, kind: str, prefix: str) -> list[bytes]:
        """Records whose id begins with a prefix, 20 at most."""
        return [value for _, (_, value) in zip(range(20), self._from(kind, prefix, prefix + LAST), strict=False)]

    def _from(self, kind: str, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        """Records with their ids, from one id on until before another one."""
        kept = self._pages("SELECT id, value FROM records WHERE kind = ?", "id", kind, start, end)
        if kind != ALERT:
            yield from kept
            return
        last = ""
        for name, value in merge(self._in_memory(start, end), kept, key=lambda pair: pair[0]):
            if name != last:  # of the two, what is in memory is newer, and comes first
                last = name
                yield name, value

    def _in_memory(self, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        for name, value in self._pages("SELECT key, value FROM state WHERE tab = ?", "key", "alerts", start, end):
            alert = stored_alert(name, value)
            if alert is not None:
                yield name, alert.to_json()

    def _pages(self, query: str, column: str, kind: str, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        """Some rows at a time, so that no reading stays open while its caller is elsewhere."""
        query += f" AND {column} >= ? AND {column} < ? ORDER BY {column} LIMIT {SOME}"
        while rows := self._db.execute(query, (kind, start, end)).fetchall():
            yield from rows
            start = f"{rows[-1][0]}\0"

    def counts(self) -> dict[str, int]:
        """How many records of each kind, and dead letters, there are."""
        found = dict(self._db.execute("SELECT kind, count(*) FROM records GROUP BY kind").fetchall())
        if alerts := sum(1 for _ in self._from(ALERT, "", LAST)):
            found[ALERT] = alerts
        found["dead"] = self._db.execute("SELECT count(*) FROM dead").fetchone()[0]
        return found

    # -- history ---------------------------------------------------------------------------------------------------

    def log(self, kind: str) -> Iterator[bytes]:
        """All of the history of a kind, oldest first."""
        for (value,) in self._db.execute("SELECT value FROM history WHERE kind = ? ORDER BY seq, n", (kind,)):
            yield value

    def history(self, kind: str, identity: str) -> Iterator[bytes]:
        """History of one record, oldest first."""
        query = "SELECT value FROM history WHERE kind = ? AND id = ? ORDER BY seq, n"
        for (value,) in self._db.execute(query, (kind, identity)):
            yield value

    def versions(self, after: Place, most: int, kind: str = "incident") -> list[tuple[Place, bytes]]:
        """Versions of incidents, or all of another kind, after a place in the history, each with its place."""
        query = "SELECT seq, n, value FROM history WHERE (seq, n) > (?, ?) AND kind = ? ORDER BY seq, n LIMIT ?"
        return [(Place(seq, n), value) for seq, n, value in self._db.execute(query, (*after, kind, most))]

    def version(self, place: Place) -> bytes:
        """What stands at a place in the history."""
        query = "SELECT value FROM history WHERE (seq, n) = (?, ?)"
        value: bytes = self._db.execute(query, place).fetchone()[0]
        return value

    def count_versions(self, after: Place, kind: str = "incident") -> int:
        """How many versions of incidents, or of another kind, come after a place."""
        query = "SELECT count(*) FROM history WHERE (seq, n) > (?, ?) AND kind = ?"
        return int(self._db.execute(query, (*after, kind)).fetchone()[0])

    def history_end(self) -> Place:
        """The last place in the history."""
        row = self._db.execute("SELECT seq, n FROM history ORDER BY seq DESC, n DESC LIMIT 1").fetchone()
        return Place(0, 0) if row is None else Place(*row)

    # -- the rest --------------------------------------------------------------------------------------------------

    def dead(self, prefix: str = "") -> Iterator[bytes]:
        """Dead letters whose id begins with a prefix, in the order of their inputs."""
        query = "SELECT value FROM dead WHERE id >= ? AND id < ? ORDER BY seq, id"
        for (value,) in self._db.execute(query, (prefix, prefix + LAST)):
            yield value

    def state(self, table: str = "", start: str = "") -> Iterator[Entry]:
        """The state, or the entries of one table whose key begins so."""
        query = "SELECT tab, key, value FROM state ORDER BY tab, key"
        if table:
            query = "SELECT tab, key, value FROM state WHERE tab = ? AND key >= ? AND key < ? ORDER BY key"
        for row in self._db.execute(query, (table, start, start + LAST) if table else ()):
            yield Entry(*row)

    def counters(self) -> dict[str, int]:
        """What the flow counted since the beginning."""
        for entry in self.state("totals", "flow"):
            counted: dict[str, int] = orjson.loads(entry.value or b"{}")
            return counted
        return {}


def connect(path: str) -> sqlite3.Connection:
    """A store that is only read. Raises ConfigError where there is none of this version."""
    try:
        db = sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)
        row = db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{path} can't be read as a store: {error}") from error
    if row is None or row[0] != VERSION:
        raise ConfigError(f"{path} has version {row and row[0]}; this Tocsin needs {VERSION}")
    return db
