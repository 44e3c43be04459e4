"""Several series of one thing together: a combination that is unusual though each of them alone is not.

Each value becomes a normal score, by its rank among some of its own past; so it does not matter how a series is
distributed, nor whether what ties it to the others is a straight line. The scores have a correlation, learned online,
and from that and the other series each is expected to be somewhere. The mean of the last few residuals is judged by the
tail of its own past (see `models.tail`), the greatest surprise among the series is that of all of them together.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from river import base

from models.packed import pack, unpack
from models.tail import Tail

MOST = 20
"""Series of one thing that are looked at together; further ones are left out."""
FEWEST = 3
KEPT = 64
"""Values of a series that are kept to rank others among."""
_LARGEST = 1e100
"""Values beyond it say nothing."""
_DAY = 86_400_000
_MEMORY = 10 * _DAY
_ROUNDS, _FAST = 300, 0.25
"""Rounds before anything is said; the share of the newest residual in the mean of the last ones."""
_RIDGE = 0.03
_DELAY = 12
"""Residuals are learned that many rounds late, so that the beginning of an anomaly does not teach that it is usual."""
_SMOOTH = 0.5
_NATS, _ODDS = 2.6, -5.8
"""What a surprise is in the terms of `models.alarm.rarity`; measured by benchmarks/joint.py."""

Matrix = NDArray[np.float64]


class Strange(NamedTuple):
    """What one round of values looks like."""

    score: float
    """Surprise; 0 is as usual."""
    name: str
    """The series that is furthest from what the others say."""
    up: bool
    """Whether it is above that."""


NOTHING = Strange(0.0, "", False)


class _One:
    """What is kept of one series."""

    __slots__ = ("fast", "late", "ranked", "ring", "tail", "taken")

    def __init__(self) -> None:
        self.ring = array("d")
        """Values in the order in which they were taken; once full, the oldest gives way."""
        self.ranked: list[float] = []
        self.taken = 0
        """When the last one was taken."""
        self.fast = 0.0
        self.late = array("f")
        self.tail = Tail()

    def rank(self, value: float) -> float:
        """The normal score of a value."""
        ranked = self.ranked
        return score_of(bisect_left(ranked, value) + bisect_right(ranked, value), 2 * len(ranked))

    def take(self, time: int, value: float, spacing: int) -> None:
        """Keep a value, unless the last one was kept just before."""
        if self.ring and time - self.taken < spacing:
            return
        self.taken = time
        if len(self.ring) == KEPT:
            del self.ranked[bisect_left(self.ranked, self.ring.pop(0))]
        self.ring.append(value)
        insort(self.ranked, value)

    def learn(self, off: float) -> None:
        """Learn a residual, late."""
        self.late.append(off)
        if len(self.late) > _DELAY:
            self.tail.learn(abs(self.late.pop(0)))


class Joint(base.Base):
    """All series of one thing by name. A round is their values at about the same time; any of them may be missing."""

    def __init__(self) -> None:
        self.n = self.time = self._first = 0
        self._series: dict[str, _One] = {}
        self._products: Matrix = np.zeros((0, 0))
        self._smooth = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The series, in the order in which they were first seen."""
        return tuple(self._series)

    def step(self, time: int, values: Mapping[str, float]) -> Strange:
        """Judge one round, and learn from it.

        One that is older than the last, or holds fewer than three numbers, teaches nothing.
        """
        if time < self.time:
            return NOTHING
        known = self._known(values)
        if len(known) < FEWEST:
            return NOTHING
        places = [place for place, _, _ in known]
        scores = np.array([one.rank(value) for _, one, value in known])
        found = self._judge(places, scores, [one for _, one, _ in known]) if self.n >= _ROUNDS else NOTHING
        self._learn(time, places, scores)
        spacing = min(time - self._first, _MEMORY) // KEPT
        for _, one, value in known:
            one.take(time, value, spacing)
        return found

    def _known(self, values: Mapping[str, float]) -> list[tuple[int, _One, float]]:
        usable = {name: value for name, value in values.items() if isfinite(value) and abs(value) <= _LARGEST}
        for name in usable:
            if name not in self._series and len(self._series) < MOST:
                self._series[name] = _One()
        size = len(self._series)
        if size > len(self._products):
            wider = np.zeros((size, size))
            wider[: len(self._products), : len(self._products)] = self._products
            self._products = wider
        series = enumerate(self._series.items())
        return [(place, one, usable[name]) for place, (name, one) in series if name in usable]

    def _judge(self, places: list[int], scores: Matrix, known: list[_One]) -> Strange:
        products = self._products[np.ix_(places, places)]
        spread = np.sqrt(np.maximum(np.diagonal(products), 1e-6))
        related = (1.0 - _RIDGE) * products / np.outer(spread, spread)
        related.flat[:: len(places) + 1] = 1.0
        precision = np.linalg.inv(related)
        offs = (precision @ (scores / spread) / np.sqrt(np.diagonal(precision))).tolist()
        greatest, at = 0.0, 0
        for place, (one, off) in enumerate(zip(known, offs, strict=True)):
            one.fast += _FAST * (off - one.fast)
            surprise = one.tail.score(abs(one.fast))
            if surprise > greatest:
                greatest, at = surprise, place
            one.learn(one.fast)
        self._smooth += _SMOOTH * (greatest - self._smooth)
        name = self.names[places[at]] if greatest > 0.0 else ""
        return Strange(max(_NATS * self._smooth + _ODDS, 0.0), name, known[at].fast > 0.0)

    def _learn(self, time: int, places: list[int], scores: Matrix) -> None:
        if self.n == 0:
            self._first = time
        gap = time - self.time if self.n else 0
        self.n += 1
        gain = max(1.0 / self.n, min(gap / _MEMORY, 0.01))
        here = np.ix_(places, places)
        self._products[here] += gain * (np.outer(scores, scores) - self._products[here])
        self.time = time

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        size = len(self._series)
        return [
            *(self.n, self.time, self._first, self._smooth, orjson.dumps(list(self._series))),
            pack(array("d", self._products[np.tril_indices(size)].tolist())),
            [[pack(s.ring), s.taken, s.fast, pack(s.late), s.tail.dump()] for s in self._series.values()],
        ]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self.n, self.time, self._first, self._smooth, names, products, series = state
        names = orjson.loads(names)
        size = len(names)
        self._products = np.zeros((size, size))
        lower = np.tril_indices(size)
        self._products[lower] = unpack("d", products)
        self._products.T[lower] = self._products[lower]
        self._series = {}
        for name, (ring, taken, fast, late, tail) in zip(names, series, strict=True):
            one = self._series[name] = _One()
            one.ring, one.taken, one.fast, one.late = unpack("d", ring), taken, fast, unpack("f", late)
            one.ranked = sorted(one.ring)
            one.tail.load(tail)


@lru_cache(maxsize=16_384)
def score_of(below: int, total: int) -> float:
    """The normal score of a rank: `below` of `total` half places are below it."""
    return NormalDist().inv_cdf((below + 1) / (total + 2)) if total else 0.0
