"""The recent past of a series as the means of equal slots of time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isnan, nan
from typing import Any

from models.packed import pack, unpack

SLOTS = 28
_MIDDLES = tuple(at - SLOTS + 0.5 for at in range(SLOTS))


class Ring:
    """The means of the last 28 full slots of `length` milliseconds; NaN where nothing was measured."""

    __slots__ = ("_count", "_sum", "length", "means", "slot")

    def __init__(self, length: int) -> None:
        self.length = length
        self.means = array("f", [nan] * SLOTS)
        self.slot = -1
        self._sum, self._count = 0.0, 0

    def add(self, time: int, value: float) -> bool:
        """Take a value in; True where it is the first of a new slot, so that another one is full."""
        slot = time // self.length
        new = slot != self.slot
        if new:
            self._close(slot)
        self._sum += value
        self._count += 1
        return new

    def _close(self, slot: int) -> None:
        if self.slot >= 0:
            ended = array("f", [self._sum / self._count])
            empty = array("f", [nan] * min(slot - self.slot - 1, SLOTS))
            self.means = (self.means + ended + empty)[-SLOTS:]
        self.slot, self._sum, self._count = slot, 0.0, 0

    def full(self) -> tuple[tuple[float, ...], Sequence[float]]:
        """Middles of the slots that have a mean (in slots, 0 is the begin of the current one), and the means."""
        if not isnan(sum(self.means)):
            return _MIDDLES, self.means
        found = [(at - SLOTS + 0.5, mean) for at, mean in enumerate(self.means) if not isnan(mean)]
        return tuple(at for at, _ in found), [mean for _, mean in found]

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        return [self.slot, self._sum, self._count, pack(self.means)]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self.slot, self._sum, self._count = state[:3]
        self.means = unpack("f", state[3])
