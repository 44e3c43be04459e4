"""Counts: how surprising a number of things in an interval is, for small whole numbers and for many zeros.

What is usual is a rate by the hour of the day and the six hours of the week. A count is taken as negative binomial
around it, which is Poisson where its spread is no wider than that. How far off a count is, is said by its deviance
(nats); how seldom this series is so far off, by the tail of its own past deviances (see `models.tail`). The geometric
mean of the two is its surprise: the first alone trusts the shape too much, the second alone the past.
"""

from __future__ import annotations

from array import array
from math import log, sqrt
from typing import Any, NamedTuple

from river import base

from models.packed import pack, unpack
from models.tail import WARM, Tail

HOURS, QUARTERS = 24, 28
WINDOW = 6
"""Intervals of which the sum is looked at beside the single one: a silence is seen there."""
SPEAKS = 1.0
"""A series with so many an interval always speaks: there a zero is looked at as any other count."""
_DAY = 86_400_000
_HOUR, _QUARTER = _DAY // HOURS, 7 * _DAY // QUARTERS
_DAYS = 10.0
"""How many days what is usual looks back."""
_WEEKS = 4.0
_PRIOR = 2.0
_SEEN = 8.0
"""An hour of the day counts as much as the whole day after so many days, and as much again after so many things in it.
"""
_LEAST = 1e-3
_SMOOTH = 0.5
"""Share of the last surprise that is added to the next one: what goes on is more surprising than what is over."""
_LARGEST = 10.0
"""Times the usual that a quarter of the week learns of at most."""
_SOME = 1.0
"""Nats up to which a count is near enough to what is usual, however steady the series is."""
_BOTH = 1.5
"""A count and the sum with those before it say partly the same."""
_NATS, _ODDS = 1.75, -5.0
"""What a surprise is in the terms of `models.alarm.rarity`; measured by benchmarks/counts.py."""


class Surprise(NamedTuple):
    """What one count looks like."""

    score: float
    """0 is as usual; `models.alarm.rarity` says how seldom there is more. Too few surprise as well as too many."""
    expected: float
    """How many are usual in this interval."""
    up: bool
    """Whether there are too many."""


NOTHING = Surprise(0.0, 0.0, False)


class Counts(base.Base):
    """One series of counts, one for each interval of a length in milliseconds. Intervals come in order.

    `n` intervals with a mean `rate` may be known of before: of them nothing else is.
    """

    def __init__(self, length: int, n: int = 0, rate: float = 0.0) -> None:
        self.length, self.n, self.rate = length, n, rate
        self.time = 0
        """Begin of the last interval learned."""
        self._hours = array("f", bytes(4 * HOURS))
        self._days = array("B", bytes(HOURS))
        self._week = array("f", [1.0]) * QUARTERS
        self._shaped = 0
        """Intervals from which the shape of the week was learned."""
        self._square = self._excess = self._last = 0.0
        self._window, self._usual = [0] * WINDOW, [0.0] * WINDOW
        self._tails = Tail(), Tail(), Tail()
        for tail in self._tails:
            tail.skip(n)

    @property
    def awake(self) -> bool:
        """Whether an interval without anything must be told of too; else it may be left out."""
        return self.rate >= SPEAKS or any(self._window)

    def step(self, time: int, count: int) -> Surprise:
        """Judge the count of the interval that begins at a time, and learn from it."""
        missed = (time - self.time) // self.length - 1
        if self.time and missed > 0:
            self._skip(missed)
        hour = time % _DAY // _HOUR
        usual = self._expect(time, hour)
        wide = self._dispersion()
        up = deviance(count, usual, wide) if count > usual else 0.0
        at = self.n % WINDOW
        self._window[at], self._usual[at] = count, usual
        total, expected = sum(self._window), sum(self._usual)
        off = deviance(total, expected, 0.5 * wide)
        offs = (up, off, 0.0) if total > expected else (up, 0.0, off)
        seen = []
        for tail, one in zip(self._tails, offs, strict=True):
            seen.append(sqrt(one * self._seldom(tail, one)) if one > _SOME else 0.0)
            tail.learn(one)
        found = max((seen[0] + seen[1]) / _BOTH, seen[2])
        raw = found + _SMOOTH * self._last
        self._last = found
        self._learn(time, hour, count, usual)
        return Surprise(max(_NATS * raw + _ODDS, 0.0), usual, up > 0.0 or total > expected)

    @staticmethod
    def _seldom(tail: Tail, off: float) -> float:
        """The surprise by the past alone; where the like was never seen, one in as many as were."""
        known = tail.score(off)
        return known if known > 0.0 or tail.n < WARM or tail.spoke else log(tail.n)

    def _expect(self, time: int, hour: int) -> float:
        days = min(self._days[hour], _DAYS)
        seen = days * self.rate * _HOUR / self.length
        share = days / (days + _PRIOR) * seen / (seen + _SEEN)
        usual = self.rate + share * (self._hours[hour] - self.rate)
        weeks = self._shaped * self.length / (7 * _DAY) - 1.0
        if weeks > 0.0:
            seen = min(weeks, _WEEKS) * self.rate * _QUARTER / self.length
            share = min(0.5 * weeks, 1.0) * seen / (seen + _SEEN)
            usual *= 1.0 + (self._week[time // _QUARTER % QUARTERS] - 1.0) * share
        return max(usual, _LEAST)

    def _dispersion(self) -> float:
        """How much wider the spread is than that of a Poisson count, as a share of the squared mean."""
        if self._square <= 0.0 or self._excess <= 0.0:
            return 0.0
        seen = min(self.n, _DAYS * _DAY / self.length)
        chance = 2.0 * sqrt((self.rate + 2.0 * self.rate * self.rate) / seen)  # what a Poisson count may come to
        return max(self._excess - chance, 0.0) / self._square

    def _learn(self, time: int, hour: int, count: int, usual: float) -> None:
        self.n += 1
        length = self.length
        gain = max(1.0 / self.n, length / (_DAYS * _DAY))
        self.rate += gain * (count - self.rate)
        if self._days[hour] == 0:
            self._hours[hour] = usual if self.n > 1 else count
        if self._days[hour] == 0 or time - self.time > _HOUR or hour != self.time % _DAY // _HOUR:
            self._days[hour] = min(self._days[hour] + 1, 255)
        share = min(length / _HOUR, 1.0)
        before = self._hours[hour]
        self._hours[hour] += share / min(self._days[hour], _DAYS) * (count - before)
        if before > _LEAST:
            self._shaped += 1
            at, weeks = time // _QUARTER % QUARTERS, self._shaped * length / (7 * _DAY)
            ratio = min(count / before, _LARGEST)
            self._week[at] += length / _QUARTER / min(weeks + 1.0, _WEEKS) * (ratio - self._week[at])
        off = count - usual
        self._square += gain * (usual * usual - self._square)
        self._excess += gain * (off * off - usual - self._excess)
        self.time = time

    def _skip(self, intervals: int) -> None:
        """Learn of so many intervals without anything, in about one step for each hour of the day."""
        length, time = self.length, self.time + self.length
        whole, rest = divmod(intervals * length, _DAY)
        for hour in range(HOURS):
            days = whole + ((hour - time % _DAY // _HOUR) % HOURS * _HOUR < rest)
            if days:
                self._days[hour] = min(self._days[hour] + days, 255)
                self._hours[hour] *= (1.0 - 1.0 / min(self._days[hour], _DAYS)) ** days
        left = kept(self.n, intervals, length / (_DAYS * _DAY))
        self._square = left * self._square + (1.0 - left) * self.rate * self.rate
        self._excess = left * self._excess + (1.0 - left) * (self.rate * self.rate - self.rate)
        self.rate *= left
        self.n += intervals
        for tail in self._tails:
            tail.skip(intervals)
        if intervals >= WINDOW:
            self._window, self._usual, self._last = [0] * WINDOW, [self.rate] * WINDOW, 0.0
        self.time += intervals * length

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        return [
            *(self.n, self.rate, self.time, self._shaped, self._square, self._excess, self._last),
            *(pack(self._hours), pack(self._days), pack(self._week), self._window[:], self._usual[:]),
            [tail.dump() for tail in self._tails],
        ]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self.n, self.rate, self.time, self._shaped, self._square, self._excess, self._last = state[:7]
        self._hours, self._days, self._week = unpack("f", state[7]), unpack("B", state[8]), unpack("f", state[9])
        self._window, self._usual = list(state[10]), list(state[11])
        for tail, old in zip(self._tails, state[12], strict=True):
            tail.load(old)


def kept(n: int, more: int, least: float) -> float:
    """What share of a mean over n values is left after more of them, where the gain is 1/n or at least `least`."""
    until = max(int(1.0 / least), n)
    early = min(more, until - n)
    share = n / (n + early) if early else 1.0
    return share * (1.0 - least) ** (more - early)


def deviance(count: float, usual: float, wide: float) -> float:
    """Half the deviance of a negative binomial count, in nats; with `wide` 0 that of a Poisson count."""
    if wide * usual < 1e-6:
        return usual - count + (count * log(count / usual) if count else 0.0)
    rest = (count + 1.0 / wide) * log((1.0 + wide * count) / (1.0 + wide * usual))
    return (count * log(count / usual) if count else 0.0) - rest
