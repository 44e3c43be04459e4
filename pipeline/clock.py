"""The clock and the counters of one step: how many inputs it had, how far event time has come. Part of its state."""

from __future__ import annotations

from pipeline.state import Table
from schemas.base import Millis


class Clock:
    """`seq` numbers the inputs and is the version of what they change; `high` less the lateness is the watermark.

    `newest` is the newest time seen at all. It is `high` where all events come one by one through one process; where
    they come from several partitions, `high` is what the slowest of them has reached.
    """

    def __init__(self, lateness: int) -> None:
        self._lateness = lateness
        self.table: Table[dict[str, int]] = Table("clock", lambda value: value, lambda _, value: value)
        self.totals: Table[dict[str, int]] = Table("totals", lambda value: value, lambda _, value: value)
        self.table["flow"] = {"seq": 0, "high": 0}
        self.totals["flow"] = {}
        self.seq = self.high = self.newest = 0
        self.watermark = -1

    def begin(self, what: str) -> int:
        """One more input: its number."""
        self.seq += 1
        clock = self.table.live["flow"]
        clock["seq"] = self.seq
        self.table.touch("flow")
        self.totals.touch("flow")
        self.count(what)
        return self.seq

    def count(self, name: str) -> None:
        """Count one more of something, after `begin`."""
        totals = self.totals.live["flow"]
        totals[name] = totals.get(name, 0) + 1

    def see(self, time: Millis) -> None:
        """Note a time that does not move the watermark yet."""
        if time > self.newest:
            self.newest = self.table.live["flow"]["newest"] = time
            self.table.touch("flow")

    def advance(self, high: Millis) -> bool:
        """Move the watermark on. False where it has come that far already."""
        if high <= self.high:
            return False
        self.high = self.table.live["flow"]["high"] = high
        self.newest = max(self.newest, high)
        self.watermark = max(high - self._lateness, 0)
        self.table.touch("flow")
        return True

    def resume(self) -> None:
        """After a restore of the tables."""
        clock = self.table.live["flow"]
        self.seq, self.high = clock["seq"], clock["high"]
        self.newest = max(self.high, clock.get("newest", 0))
        self.watermark = max(self.high - self._lateness, 0) if self.high else -1
