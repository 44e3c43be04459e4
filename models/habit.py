"""Surprises that come at the same time of the day again and again are a habit, such as a backup, and count for less."""

from __future__ import annotations

from array import array
from typing import Any

from models.packed import pack, unpack

SLOTS = 48
_DAY = 86_400_000
_RATE = 0.3
_SHARE = 0.8
_FLOOR = 7.0
"""Surprises up to here happen anyhow (one in a thousand points)."""


class Habit:
    """The mean, over the days, of the greatest surprise in each half hour of the day."""

    __slots__ = ("_greatest", "_slot", "_usual")

    def __init__(self) -> None:
        self._usual = array("f", bytes(4 * SLOTS))
        self._slot = -1
        self._greatest = 0.0

    def discount(self, time: int, surprise: float) -> float:
        """How much of a surprise is no news at this time of the day."""
        if surprise <= _FLOOR:
            return 0.0
        at = time % _DAY * SLOTS // _DAY
        usual = max(self._usual[at - 1], self._usual[at], self._usual[(at + 1) % SLOTS], _FLOOR)
        return _SHARE * (min(usual, surprise) - _FLOOR)

    def learn(self, time: int, surprise: float) -> None:
        """Take in a surprise."""
        at = time % _DAY * SLOTS // _DAY
        if at == self._slot:
            if surprise > self._greatest:
                self._greatest = surprise
            return
        if self._slot >= 0:
            self._usual[self._slot] += _RATE * (self._greatest - self._usual[self._slot])
        self._slot, self._greatest = at, surprise

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        return [self._slot, self._greatest, pack(self._usual)]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self._slot, self._greatest, self._usual = state[0], state[1], unpack("f", state[2])
