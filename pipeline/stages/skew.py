"""Clock skew: a monitor whose clock is steadily wrong is put right; one that is ahead never moves the watermark.

A monitor has one clock for all that it tells of, so its error is learned from all of its events together; where a
source stands for many clocks (syslog, traps), an emitter that is off is learned by itself. What is learned holds from
an event time on, so that a fact that is told again is put where it was put before.
"""

from __future__ import annotations

from bisect import bisect_right
from statistics import median
from typing import Protocol

from pipeline.state import Table
from schemas.base import DAY, SECOND, Millis

SAMPLES = 8
"""So many differences are looked at; all but `STRAY` of them have to be about the same."""
STRAY = 2
OLDEST = 3_653 * DAY
"""Nothing that is ten years old is news: that clock was never set."""
SPREAD = 15_000
"""Differences within this many milliseconds of each other are steady."""
STEP = 5_000
"""A correction is changed when it is wrong by more than this, in milliseconds."""
STEPS = 64
"""Corrections of one clock that are kept: enough for one that loses five minutes a day."""


class Dated(Protocol):
    """What is needed of an event."""

    @property
    def time(self) -> Millis:
        """By the clock of whoever tells of it."""
        ...

    @property
    def received(self) -> Millis:
        """By ours."""
        ...

    @property
    def source(self) -> str:
        """Who tells of it."""
        ...

    @property
    def resource(self) -> str:
        """What it is about."""
        ...


Clock = list[list[int]]
"""[newest event time], the last differences, and twice as many numbers: since when, and the correction from then on."""


class Skew:
    """Differences between receive time and event time, for clocks that are off: by source, or source and resource."""

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self.table: Table[Clock] = Table("skew", lambda value: value, lambda _, value: value)

    def correct(self, event: Dated) -> int:
        """The event's time by our clock, in milliseconds: its own unless its clock is known to be off."""
        time, gap = event.time, event.received - event.time
        fair = -self._allowed <= gap <= self._allowed
        clock = self.table.live.get(event.source)
        if clock is None:
            clock = self.table[event.source] = _new(event)
        if fair and not clock[1] and not clock[2]:  # as nearly always: it never was off
            if time > clock[0][0]:
                clock[0][0] = time
                self.table.touch(event.source)
            return time
        self._learn(event.source, clock, time, gap)
        if clock[2]:
            return _moved(clock, event)
        if fair:
            return time
        key = f"{event.source}\x1f{event.resource}"
        own = self.table.get(key)
        if own is None:
            own = self.table[key] = _new(event)
        self._learn(key, own, time, gap)
        return _moved(own, event)

    def corrects(self, source: str) -> bool:
        """Whether the clock of a source is known to be off."""
        clock = self.table.live.get(source)
        return clock is not None and bool(clock[2])

    def prompt(self, source: str, newest: Millis) -> None:
        """Events of a source have come whose times are right: what `correct` makes of them, whatever their order."""
        clock = self.table.live.get(source)
        if clock is None:
            self.table[source] = [[newest], [], []]
        elif clock[1] or clock[2]:
            self._learn(source, clock, newest, 0)
        elif newest > clock[0][0]:
            clock[0][0] = newest
            self.table.touch(source)

    def steady(self) -> dict[str, int]:
        """Clocks that are steadily off, with the error in milliseconds (positive: behind)."""
        now = {key: clock[2][-1] for key, clock in sorted(self.table.live.items()) if clock[2]}
        return {key: error for key, error in now.items() if error}

    def _learn(self, key: str, clock: Clock, time: int, gap: int) -> None:
        """One more difference, if it is of something new: a repeat of an old fact says nothing of the clock."""
        (newest,), gaps, steps = clock
        if time < newest + SECOND or abs(gap) > DAY:
            return
        clock[0][0] = time
        self.table.touch(key)
        if -self._allowed <= gap <= self._allowed and not steps:
            gaps.clear()  # it can't be that far off all the time
            return
        gaps.append(gap)
        del gaps[:-SAMPLES]
        middle = int(median(gaps))
        if len(gaps) < SAMPLES or sum(abs(one - middle) <= SPREAD // 2 for one in gaps) < SAMPLES - STRAY:
            return
        error = middle if abs(middle) > self._allowed else 0
        if abs(error - (steps[-1] if steps else 0)) > STEP:
            steps += [time, error]
            del steps[: -2 * STEPS]


def vouched_time(event: Dated, allowed: int) -> int:
    """How far an event by itself moves time on: its own time, unless its clock is ahead by more than allowed."""
    return event.time if event.time - event.received <= allowed else event.received


def _new(event: Dated) -> Clock:
    return [[min(event.time, event.received) - SECOND], [], []]


def _moved(clock: Clock, event: Dated) -> int:
    """An event's time by what is known of its clock at that time; never later than it was heard."""
    steps = clock[2]
    at = bisect_right(steps[::2], event.time)
    time = event.time + (steps[2 * at - 1] if at else 0)
    return event.received if time > event.received or event.received - time > OLDEST else time
