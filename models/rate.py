"""Counters become rates: what only counts up says something by how fast it does."""

from __future__ import annotations

from math import isfinite
from sys import float_info
from typing import Any

from river import base

_SAME = 1e-9
"""Rates that differ by less than this share of them are one."""
_ROUNDED = 4 * float_info.epsilon * 1000.0
"""What the rounding of two values makes of a rate, times milliseconds, as a share of the values."""


class Counter(base.Base):
    """The last value of a counter. A lower one is a reset: how much was counted before it is not known."""

    def __init__(self) -> None:
        self.time: int | None = None
        self._value = 0.0
        self._rate = 0.0

    def rate_one(self, time: int, value: float) -> float | None:
        """How much a second since the last value; None for the first, an older, a reset, or no finite number.

        A rate that differs from the last one by no more than rounding is the last one: it is no change.
        """
        if not isfinite(value) or (self.time is not None and time <= self.time):
            return None
        before, last = self.time, self._value
        self.time, self._value = time, value
        if before is None or value < last:
            return None
        rate = (value - last) * 1000.0 / (time - before)
        if abs(rate - self._rate) > _SAME * rate + _ROUNDED * abs(value) / (time - before):
            self._rate = rate
        return self._rate

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        return [self.time, self._value, self._rate]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self.time, self._value, self._rate = state
