"""Clock skew: a source whose clock is steadily wrong is put right; one that is ahead never moves the watermark."""

from __future__ import annotations

from statistics import median

from pipeline.state import Table
from schemas.base import DAY, SECOND
from schemas.event import Event

SAMPLES = 8
OLDEST = 3_653 * DAY
"""Nothing that is ten years old is news: that clock was never set."""
SPREAD = 15_000
"""Differences within this many milliseconds of each other are steady."""


class Skew:
    """Differences between receive time and event time, for emitters that are off; keyed by source and resource."""

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self.table: Table[list[int]] = Table("skew", lambda value: value, lambda _, value: value)

    def correct(self, event: Event) -> int:
        """The event's time by our clock, in milliseconds: its own unless the emitter is known to be off."""
        gap = event.received - event.time
        if -self._allowed <= gap <= self._allowed:
            return event.time
        key = f"{event.source}\x1f{event.resource}"
        last, *seen = self.table.get(key) or [-SECOND]
        if event.time >= last + SECOND:  # a repeat of an old fact says nothing of the clock
            seen = [*seen, gap][-SAMPLES:]
            self.table[key] = [event.time, *seen]
        if gap < 0 or gap > OLDEST:
            return event.received
        return event.time + int(median(seen)) if _steady(seen) else event.time

    def steady(self) -> dict[str, int]:
        """Emitters that are steadily off, with the error in milliseconds (positive: its clock is behind)."""
        return {key: int(median(seen)) for key, (_, *seen) in sorted(self.table.live.items()) if _steady(seen)}


def vouched_time(event: Event, allowed: int) -> int:
    """How far an event by itself moves time on: its own time, unless its clock is ahead by more than allowed."""
    return event.time if event.time - event.received <= allowed else event.received


def _steady(seen: list[int]) -> bool:
    return len(seen) == SAMPLES and max(seen) - min(seen) <= SPREAD
