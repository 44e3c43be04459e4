"""How long things last, learned online: the odds that one which has lasted so long goes on beyond a time.

The share of past durations beyond a time is an empirical survival function S on a logarithmic scale, read off by
interpolation between the edges of its bins (the life table, or actuarial estimate: Cutler and Ederer 1958); the odds
are conditional, S(target) / S(used). The past fades, so that a team that has become faster is believed in time.
"""

from __future__ import annotations

from math import log2
from typing import Any

from river import base

BINS = 44
PER_OCTAVE = 2
_FIRST = 15_000
"""Milliseconds up to which all is one bin; 44 bins of half an octave reach 360 days from there."""
_FADE = 1.0 - 1.0 / 200
"""Each duration weighs so much of the next one: about the last 200 count."""
_LEAST = 10.0
"""While fewer have been seen nothing is said."""


class Lasting(base.Base):
    """The durations of one kind of thing; cost and size don't depend on how many there were."""

    def __init__(self) -> None:
        self._counts = [0.0] * BINS
        self._seen = 0.0

    def learn_one(self, duration: int) -> None:
        """Take in how long one lasted, in milliseconds."""
        counts = self._counts = [count * _FADE for count in self._counts]
        counts[min(int(_place(duration)), BINS - 1)] += 1.0
        self._seen = self._seen * _FADE + 1.0

    def odds_one(self, used: int, target: int) -> float | None:
        """The odds, 0 to 1, that one which has lasted `used` lasts `target` at least; None while too little is known.

        They grow with `used` and fall with `target`; a half is added on both sides, so that they are never certain.
        """
        if self._seen < _LEAST:
            return None
        if used >= target:
            return 1.0
        return (self._beyond(target) + 0.5) / (self._beyond(used) + 1.0)

    def _beyond(self, duration: int) -> float:
        """How many lasted longer."""
        place = _place(duration)
        whole = int(place)
        if whole >= BINS:
            return 0.0
        return sum(self._counts[whole + 1 :]) + self._counts[whole] * (whole + 1 - place)

    def dump(self) -> list[Any]:
        """The state as plain data."""
        return [self._seen, self._counts[:]]

    @classmethod
    def load(cls, state: list[Any]) -> Lasting:
        """The inverse of `dump`."""
        made = cls()
        made._seen, made._counts = state[0], list(state[1])
        return made


def _place(duration: int) -> float:
    """The bin of a duration, and how far inside it."""
    if duration <= _FIRST:
        return max(duration, 0) / _FIRST
    return 1.0 + PER_OCTAVE * log2(duration / _FIRST)
