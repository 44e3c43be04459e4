"""The clock and the counters of one step: how many inputs it had, how far event time has come. Part of its state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pipeline.state import Single, Table
from schemas.base import Millis

KEY = "flow"


class Clock:
    """`seq` numbers the inputs and is the version of what they change; `high` less the lateness is the watermark.

    `newest` is the newest time seen at all. It is `high` where all events come one by one through one process; where
    they come from several partitions, `high` is what the slowest of them has reached.
    """

    def __init__(self, lateness: int) -> None:
        self._lateness = lateness
        self._table: Single[Mapping[str, int]] = Single("clock", KEY, self._state)
        self._totals: Single[Mapping[str, int]] = Single("totals", KEY, self.counters)
        self._counts: dict[str, int] = {}
        self._arrived: dict[tuple[str, str], int] = {}
        """Events by kind and source since the start or the last restore: one count where three are told."""
        self.seq = self.high = self.newest = 0
        self.watermark = -1

    @property
    def tables(self) -> list[Table[object]]:
        """The state."""
        return [self._table, self._totals]  # type: ignore[list-item]

    def begin(self, what: str) -> int:
        """One more input: its number."""
        self.seq += 1
        self.count(what)
        return self.seq

    def arrive(self, kind: str, source: str, count: int = 1) -> int:
        """One more input, which is an event, or so many at once: the number of the last one."""
        self.seq += count
        key = (kind, source)
        self._arrived[key] = self._arrived.get(key, 0) + count
        return self.seq

    def count(self, name: str) -> None:
        """Count one more of something."""
        self._counts[name] = self._counts.get(name, 0) + 1

    def counters(self) -> Mapping[str, int]:
        """All that was counted, ever: inputs, events by kind and source, and what became of them."""
        totals = Counter(self._counts)
        for (kind, source), count in self._arrived.items():
            totals.update({"events": count, kind: count, f"source {source}": count})
        return totals

    def see(self, time: Millis) -> None:
        """Note a time that does not move the watermark yet."""
        self.newest = max(self.newest, time)

    def advance(self, high: Millis) -> bool:
        """Move the watermark on. False where it has come that far already."""
        if high <= self.high:
            return False
        self.high = high
        self.newest = max(self.newest, high)
        self.watermark = max(high - self._lateness, 0)
        return True

    def _state(self) -> Mapping[str, int]:
        return {"seq": self.seq, "high": self.high, "newest": self.newest}

    def resume(self) -> None:
        """After a restore of the tables."""
        clock = self._table.live.get(KEY, {})
        self._counts, self._arrived = dict(self._totals.live.get(KEY, {})), {}
        self.seq, self.high, self.newest = clock.get("seq", 0), clock.get("high", 0), clock.get("newest", 0)
        self.watermark = max(self.high - self._lateness, 0) if self.high else -1
