"""The recent past of a series as the means of equal slots of time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress
from math import isnan, nan
from typing import Any

from models.packed import pack, unpack

SLOTS = 28
_HALF = SLOTS // 2
_MIDDLES = tuple(at - SLOTS + 0.5 for at in range(SLOTS))


class Ring:
    """The means of the last 28 full slots of `length` milliseconds; NaN where nothing was measured."""

    __slots__ = ("_halves", "count", "ends", "length", "means", "slot", "total")

    def __init__(self, length: int) -> None:
        self.length = length
        self.means = array("f", [nan] * SLOTS)
        self.slot = -1
        self.ends = 0
        """When the current slot ends."""
        self.total, self.count = 0.0, 0
        """Of the values in the current slot."""
        self._halves: tuple[float, float] | None = None

    def add(self, time: int, value: float) -> bool:
        """Take a value in; True where it is the first of a new slot, so that another one is full.

        Times are in order.
        """
        new = time >= self.ends
        if new:
            self._close(time // self.length)
        self.total += value
        self.count += 1
        return new

    def _close(self, slot: int) -> None:
        if self.slot >= 0:
            means = self.means
            means.append(self.total / self.count)
            if slot - self.slot > 1:
                means.extend([nan] * min(slot - self.slot - 1, SLOTS))
            del means[:-SLOTS]
        self.slot, self.total, self.count = slot, 0.0, 0
        self.ends = (slot + 1) * self.length
        self._halves = None

    @property
    def halves(self) -> tuple[float, float]:
        """The means of the older and of the newer half of the slots; NaN where one of them has none."""
        if self._halves is None:
            self._halves = sum(self.means[:_HALF]) / _HALF, sum(self.means[_HALF:]) / _HALF
        return self._halves

    def full(self) -> tuple[tuple[float, ...], Sequence[float]]:
        """Middles of the slots that have a mean (in slots, 0 is the begin of the current one), and the means."""
        if not isnan(sum(self.means)):
            return _MIDDLES, self.means
        known = [not isnan(mean) for mean in self.means]
        return tuple(compress(_MIDDLES, known)), list(compress(self.means, known))

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        return [self.slot, self.total, self.count, pack(self.means)]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self.slot, self.total, self.count = state[:3]
        self.means = unpack("f", state[3])
        self.ends = (self.slot + 1) * self.length
        self._halves = None
