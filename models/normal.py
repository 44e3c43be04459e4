"""What is normal for one series at one time: its slow level and spread, and the shape of its day and of its week.

Time constants are lengths of time, and become points by the series' own step, so that the same series sampled less
often is judged alike.
"""

from __future__ import annotations

from array import array
from math import sqrt
from typing import Any, NamedTuple

from models.packed import pack, unpack

DAY_BINS = 96
WEEK_BINS = 84
_DAY = 86_400_000
_DAY_BIN = _DAY // DAY_BINS
_WEEK_BIN = 7 * _DAY // WEEK_BINS
_MEMORY = 14 * _DAY
_BIN_DAYS = 11
"""How many days the mean of a bin of the day looks back."""
_FEW = 30
"""Points before the slow level and spread are trusted."""
_GAP = 3.5
_MOST_OF_DAY, _MOST = 255, 65_535


class View(NamedTuple):
    """One value beside what is normal. Differences are None where they mean nothing yet."""

    value: float
    """The value less the first one of the series, which keeps small changes of large numbers exact."""
    residual: float | None
    """The value less what is usual at this time of the day and of the week."""
    expected: float
    """What is usual, in the series' own terms."""
    after_gap: bool
    bin: int
    week_bin: int


class Normal:
    """Slow mean and variance, mean by quarter hour of the day, mean residual by two hours of the week (UTC)."""

    __slots__ = (
        *("_day", "_day_n", "_week", "_week_n", "anchor", "deviation", "last", "mean", "n", "step", "time"),
        "variance",
    )

    def __init__(self) -> None:
        self.n = 0
        self.anchor = self.last = self.mean = self.variance = self.step = 0.0
        self.deviation = 0.0
        """The slow standard deviation; 0 while too few points are known."""
        self.time = 0
        self._day = array("f", bytes(4 * DAY_BINS))
        self._day_n = array("B", bytes(DAY_BINS))
        self._week = array("f", bytes(4 * WEEK_BINS))
        self._week_n = array("H", bytes(2 * WEEK_BINS))

    def view(self, time: int, value: float) -> View:
        """The value at that time (milliseconds) beside what is normal; changes nothing."""
        n, anchor = self.n, self.anchor
        x = value - anchor if n else 0.0
        at = time % _DAY // _DAY_BIN
        # The epoch began on a Thursday; which day is the first does not matter.
        week_at = time // _WEEK_BIN % WEEK_BINS
        after_gap = n > 1 and time - self.time > _GAP * self.step
        if not self._day_n[at]:
            return View(x, None, anchor + self.mean, after_gap, at, week_at)
        usual = self._day[at]
        # What this part of the week adds to the day: nothing in the first week, then more the more weeks were seen.
        weeks = self._week_n[week_at] * self.step / _WEEK_BIN - 1.0
        if weeks > 0.0:
            usual += self._week[week_at] * weeks / (weeks + 2.0)
        return View(x, x - usual, anchor + usual, after_gap, at, week_at)

    def gain(self, memory: float) -> float:
        """The gain of a running mean over that many milliseconds."""
        slow, first = self.step / memory, 1.0 / (self.n + 1)
        return first if slow < first else min(slow, 1.0)

    def learn(self, time: int, value: float, view: View) -> None:
        """Take in a value whose view has just been asked for. Its time is not before the last one's."""
        if self.n == 0:
            self.anchor = value
        elif time > self.time:
            gap = float(time - self.time)
            most = _GAP * self.step
            rate = 1.0 / self.n
            self.step += ((most if 0.0 < most < gap else gap) - self.step) * (rate if rate > 0.02 else 0.02)
        gain = self.gain(_MEMORY)
        self.n += 1
        off = view.value - self.mean
        self.mean += gain * off
        self.variance = (1.0 - gain) * (self.variance + gain * off * off)
        if self.n > _FEW:
            self.deviation = sqrt(self.variance)
        self._learn_shape(view)
        self.time, self.last = time, view.value

    def _learn_shape(self, view: View) -> None:
        value, residual, _, _, at, week_at = view
        step, days, seen = self.step, self._day, self._day_n[at]
        if seen < _MOST_OF_DAY:
            seen += 1
            self._day_n[at] = seen
        rate, first = min(step / _DAY_BIN, 1.0) / _BIN_DAYS, 1.0 / seen
        days[at] += (first if first > rate else rate) * (value - days[at])
        if residual is not None:
            weeks, seen = self._week, self._week_n[week_at]
            if seen < _MOST:
                seen += 1
                self._week_n[week_at] = seen
            rate, first = min(step / _WEEK_BIN, 1.0) / 4.0, 1.0 / seen
            weeks[week_at] += (first if first > rate else rate) * (value - days[at] - weeks[week_at])

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        return [
            *(self.n, self.anchor, self.last, self.mean, self.variance, self.step, self.time),
            *(pack(self._day), pack(self._day_n), pack(self._week), pack(self._week_n)),
        ]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self.n, self.anchor, self.last, self.mean, self.variance, self.step, self.time = state[:7]
        self.deviation = sqrt(self.variance) if self.n > _FEW else 0.0
        self._day, self._week = unpack("f", state[7]), unpack("f", state[9])
        self._day_n, self._week_n = unpack("B", state[8]), unpack("H", state[10])
