"""How extreme a magnitude is among all those seen before: the odds, from a histogram of fixed size.

Peaks over a threshold (Pickands 1975): beyond the value u that a share q of the past exceeds, the logarithm of the
excess is taken as exponential, which is a Pareto tail; so P(X > x) = k/n (x/u)^(-1/m), with k of n past values beyond u
and m the mean of ln(x/u) among them. A surprise is -ln P, in nats: 0 is ordinary, 6.9 is one in a thousand.
"""

from __future__ import annotations

from array import array
from math import exp, floor, log
from operator import mul
from typing import Any

from models.packed import pack, unpack

PER_OCTAVE = 4
BINS = 40
FIRST = 24
"""The bin that the first magnitude gets: it leaves a factor of 16 above, and of 64 below."""
ONE_IN = 50
"""The share of the past beyond u is one in so many."""
WARM = 50
FULL = 32_750
"""When so many are counted all counts are halved, so that the past fades."""

_WIDTH = log(2.0) / PER_OCTAVE
_TINY = 1e-300
_BELOW = 1.0 - 1e-9
"""Rounding: what is less than so much of an edge is surely below it."""


class Tail:
    """The upper tail of a stream of magnitudes (numbers from 0 up). Cost and size don't depend on what was seen."""

    __slots__ = ("_above", "_bin", "_counts", "_low", "_sum", "_wanted", "edge", "n")

    def __init__(self) -> None:
        self.n = 0
        self._low: int | None = None
        self._counts = array("H", bytes(2 * BINS))
        self._bin = self._above = self._sum = 0
        self._wanted = 2
        self.edge = 0.0
        """What is no greater scores 0, so that it need not be asked for; 0 while that is not known."""

    def score(self, x: float) -> float:
        """The surprise of a magnitude in nats; 0 for what is not beyond u, or while too little is known."""
        above = self._above
        if self.n < WARM or above == 0 or self._low is None or x < _TINY:
            return 0.0
        start = self._bin
        over = log(x) - (self._low + start) * _WIDTH
        if over <= 0.0:
            return 0.0
        mean = (self._sum / above - start + 0.5) * _WIDTH
        return log(self.n / above) + over / mean

    def learn(self, x: float) -> None:
        """Count a finite magnitude."""
        self.n += 1
        if self.n % ONE_IN == 0:
            self.pause()
        if x < _TINY:
            return
        at = floor(log(x) / _WIDTH)
        if self._low is None:
            self._low = at - FIRST
        at -= self._low
        if not 0 <= at < BINS:
            at = self._make_room(at)
            if at < 0:
                return
        counts, start = self._counts, self._bin
        counts[at] += 1
        if at >= start:
            self._above += 1
            self._sum += at
            if self._above - counts[start] >= self._wanted:
                self._settle()

    def pause(self) -> None:
        """What is to be done each time that `ONE_IN` more were counted: whoever raises `n` himself sees to it."""
        if self.n >= FULL:
            self._halve()
        self._settle()

    def _make_room(self, at: int) -> int:
        """Where a magnitude belongs whose bin there is not; below 0 where it is only counted in n."""
        if at >= BINS:
            self._rise(at - BINS + 1)
            return BINS - 1
        if self._bin == 0 and self._above < self._wanted:
            by = min(FIRST - at, BINS)
            self._sink(by)
            return max(at + by, 0)
        return at

    @property
    def spoke(self) -> bool:
        """Whether any magnitude above 0 was ever counted."""
        return self._low is not None

    def skip(self, zeros: int) -> None:
        """Count so many magnitudes of 0."""
        before = self.n // ONE_IN
        self.n += zeros
        if self.n // ONE_IN != before:
            while self.n >= FULL:
                self._halve()
            self._settle()

    def _settle(self) -> None:
        """Move u to the highest edge that at least the share q lies beyond."""
        wanted = self._wanted = max(self.n // ONE_IN, 2)
        counts, start, above = self._counts, self._bin, self._above
        while start < BINS - 1 and above - counts[start] >= wanted:
            above -= counts[start]
            self._sum -= counts[start] * start
            start += 1
        while above < wanted and start > 0:
            start -= 1
            above += counts[start]
            self._sum += counts[start] * start
        if start != self._bin or self.edge == 0.0:
            self._bin = start
            self._mark()
        self._above = above

    def _mark(self) -> None:
        """Note the edge, which has moved."""
        unknown = self._low is None or self.n < WARM
        self.edge = 0.0 if unknown else _BELOW * exp(((self._low or 0) + self._bin) * _WIDTH)

    def _rise(self, by: int) -> None:
        """Make room above: what falls out below is still counted in n."""
        by_bins = min(by, BINS)
        self._counts = array("H", [*self._counts[by_bins:], *([0] * by_bins)])
        self._low = (self._low or 0) + by
        self._recount()

    def _sink(self, by: int) -> None:
        """Make room below, for u has fallen out: what falls out above is counted in the highest bin."""
        kept, out = self._counts[: BINS - by], sum(self._counts[BINS - by :])
        self._counts = array("H", [*([0] * by), *kept])
        self._counts[-1] += out
        self._low = (self._low or 0) - by
        self._recount()
        self._settle()

    def _halve(self) -> None:
        self.n //= 2
        self._counts = array("H", [count // 2 for count in self._counts])
        self._recount()

    def _recount(self) -> None:
        self._bin, self._above = 0, sum(self._counts)
        self._sum = sum(at * count for at, count in enumerate(self._counts))
        self._mark()

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        kept = pack(self._counts).rstrip(b"\0")
        first = (len(kept) - len(kept.lstrip(b"\0"))) // 2
        return [self.n, self._low, self._bin, first, kept[2 * first :]]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self.n, self._low, start, first, kept = state
        self._counts = counts = unpack("H", (bytes(2 * first) + kept).ljust(2 * BINS, b"\0"))
        beyond = counts[start:]
        self._bin, self._above = start, sum(beyond)
        self._sum = sum(map(mul, range(start, BINS), beyond))
        self._mark()
        self._wanted = max(self.n // ONE_IN, 2)
