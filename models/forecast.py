"""When a series will reach a bound: a line through its recent past, with an interval, the odds, and a backtest.

The line is fitted on four lengths of the past (from hours to two weeks), with the shape of a day beside it where whole
days are seen; the one that leaves the least doubt speaks. How wrong it was before widens what it says, and where it was
much more wrong than it claimed it is silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import erf, inf, isnan, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from river import base

from models.ring import SLOTS, Ring

Matrix = NDArray[np.float64]

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
LENGTHS = (10 * _MINUTE, 45 * _MINUTE, 3 * _HOUR, 12 * _HOUR)
_FEWEST = 8
"""Slots with a mean before anything is said."""
_COARSE = 8.0
"""With no more slots than that in a day the shape of the day must be seen before anything is said."""
_DAYS = 1.5
_BACK = 8
"""Slots after which a forecast is compared with what came."""
_REACH = 2.0
"""A line is drawn no further than that many times the past it was seen in."""
_TRUST = 4.0
"""Mean square of the error against what was claimed, above which a length is silent."""
_QUANTILE = 1.2816
"""Of the normal distribution: the interval holds 80 %."""
_STIFFEST = 0.95
_WALK = 3.0
"""The line takes part of a walk for slope, so that what it leaves shows less than there is."""


class Line(NamedTuple):
    """A fitted line; t is in slots after the begin of the current one. Its variance at t is a + c t + b t^2."""

    level: float
    slope: float
    noise: float
    a: float
    b: float
    c: float
    slots: int
    daily: bool
    """Whether the shape of the day was fitted beside it."""

    def variance(self, t: float) -> float:
        """The variance of a value at t, the noise of single slots included."""
        return self.noise + self.a + self.c * t + self.b * t * t


class Forecast(NamedTuple):
    """When a bound is reached: milliseconds since the epoch, the interval that holds it in 80 % of the cases."""

    at: int
    earliest: int
    latest: int


class Forecaster(base.Base):
    """The trend of one series."""

    def __init__(self) -> None:
        self._rings = [Ring(length) for length in LENGTHS]
        self._claims: list[list[float]] = [[] for _ in LENGTHS]
        self._wrong = [1.0 for _ in LENGTHS]
        self._lines: dict[int, Line | None] = {}
        self._trust: dict[int, Line | None] = {}
        self._anchor: float | None = None
        self.time = 0

    def learn_one(self, time: int, value: float) -> bool:
        """Take in a finite value; True where there is something new to forecast from."""
        if self._anchor is None:
            self._anchor = value
        if time < self.time:
            return False
        self.time = time
        value -= self._anchor
        fresh = False
        for at, ring in enumerate(self._rings):
            if time < ring.ends:  # as `add` would, without the call
                ring.total += value
                ring.count += 1
            elif ring.add(time, value):
                self._lines.pop(at, None)
                self._trust.pop(at, None)
                self._backtest(at)
                fresh = fresh or at == 0
        return fresh

    def reaches(self, bound: float) -> Forecast | None:
        """When the bound will be reached; None where it will not, not in sight, or where nothing can be said."""
        if self._anchor is None:
            return None
        bound -= self._anchor
        found = [
            forecast
            for at, ring in enumerate(self._rings)
            if _may_reach(ring, bound)
            and (line := self._trusted(at)) is not None
            and (forecast := _crossing(line, ring, bound)) is not None
            and (line.daily or not self._turns(line, bound))
        ]
        return min(found, key=lambda one: (one.latest - one.earliest) / max(one.at - self.time, 1), default=None)

    def odds(self, bound: float, within: int) -> float:
        """The probability that the series is beyond the bound, seen from here, after that many milliseconds."""
        best = None
        for at, ring in enumerate(self._rings):
            line = self._trusted(at)
            t = within / ring.length
            if line is not None and self._anchor is not None and t <= _REACH * line.slots:
                spread = sqrt(max(line.variance(t), 1e-300))
                if best is None or spread < best[0]:
                    off = line.level + line.slope * t - (bound - self._anchor)
                    above = 0.5 * (1.0 + erf(off / spread / sqrt(2.0)))
                    best = spread, above if line.level < bound - self._anchor else 1.0 - above
        return 0.0 if best is None else best[1]

    def _turns(self, line: Line, bound: float) -> bool:
        """Whether the series has turned back before, by more than half of the way that is left."""
        sign = 1.0 if bound > line.level else -1.0
        allowed = abs(bound - line.level) / 2.0
        for ring in self._rings:
            greatest = -inf
            for mean in ring.means:
                if not isnan(mean):
                    greatest = max(greatest, sign * mean)
                    if greatest - sign * mean > allowed:
                        return True
        return False

    def _line(self, at: int) -> Line | None:
        """The line through a ring. It changes only when a slot is full, so that it need not be kept in the state."""
        if at not in self._lines:
            self._lines[at] = fit(*self._rings[at].full(), slots_a_day=_DAY / LENGTHS[at])
        return self._lines[at]

    def _trusted(self, at: int) -> Line | None:
        """The line, made as much less sure as it was wrong before; None where there is none or it was too wrong."""
        if at not in self._trust:
            wider = self._wrong[at]
            line = self._line(at) if wider <= _TRUST else None
            if line is not None and wider > 1.0:
                line = line._replace(noise=line.noise * wider, a=line.a * wider, b=line.b * wider, c=line.c * wider)
            self._trust[at] = line
        return self._trust[at]

    def _backtest(self, at: int) -> None:
        """Compare what was claimed some slots ago with what came, and claim anew."""
        ring, claim = self._rings[at], self._claims[at]
        if claim and ring.slot > claim[0]:
            came = ring.means[SLOTS - int(ring.slot - claim[0])] if ring.slot - claim[0] <= SLOTS else None
            if came is not None and not isnan(came):
                error = (came - claim[1]) ** 2 / max(claim[2], 1e-12 * claim[1] ** 2, 1e-300)
                # Rounded, for short state.
                self._wrong[at] = round(self._wrong[at] + 0.3 * (min(error, 16.0) - self._wrong[at]), 3)
            claim = self._claims[at] = []
        if not claim:
            line = self._line(at)
            if line is not None:
                ahead = _BACK + 0.5
                claimed = (line.level + line.slope * ahead, line.variance(ahead))
                self._claims[at] = [ring.slot + _BACK, *(float(f"{number:.7g}") for number in claimed)]

    @property
    def picture(self) -> list[float]:
        """The means of the last slots of ten minutes, NaN where nothing was measured."""
        return [mean + (self._anchor or 0.0) for mean in self._rings[0].means]

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        claims = [claim[:] for claim in self._claims]
        return [[ring.dump() for ring in self._rings], claims, self._wrong[:], self._anchor, self.time]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        rings, claims, wrong, self._anchor, self.time = state
        self._lines.clear()
        self._trust.clear()
        for ring, old in zip(self._rings, rings, strict=True):
            ring.load(old)
        self._claims, self._wrong = [list(claim) for claim in claims], list(wrong)


def fit(times: tuple[float, ...], means: Sequence[float], slots_a_day: float) -> Line | None:
    """Least squares with errors that remember (AR 1); None where there are too few slots.

    With more than a day and a half of slots shorter than a day, a sine and cosine of the day go beside the line.
    """
    n = len(means)
    if n < _FEWEST or (slots_a_day <= _COARSE and times[-1] - times[0] < _DAYS * slots_a_day):
        return None
    columns, of_level, of_slope, of_both, solver = _design(times, slots_a_day)
    solved = solver.dot(np.asarray(means, dtype=np.float64))
    left = solved[2:]
    square = float(left.dot(left))
    noise = square / (n - columns)
    # Estimated from what a fit has left, memory comes out too low, by about (1 + 4 r) / n (Marriott and Pope 1954).
    remembers = float(left[1:].dot(left[:-1])) / square if noise > 0.0 else 0.0
    remembers = min(max(remembers + (1.0 + 4.0 * max(remembers, 0.0)) / n, 0.0), _STIFFEST)
    inflate = noise * (1.0 + remembers) / (1.0 - remembers)
    lag = max(min(_BACK, n // 3), 2)
    # What the differences over more slots have beyond those over one is a walk, which the line does not know of.
    far, near = _difference(left, lag), _difference(left, 1)
    wander = max(_WALK * max(far - near, 0.0) / (lag - 1), near * min(max(2.5 * remembers - 1.0, 0.0), 1.0))
    # Least squares on a walk: variance 6/5 s/n of the slope, 2/15 s n of the end (Durlauf and Phillips 1988).
    return Line(
        level=float(solved[0]),
        slope=float(solved[1]),
        noise=noise,
        a=inflate * of_level + wander * n * 2.0 / 15.0,
        b=inflate * of_slope + wander * 1.2 / n,
        c=wander + 2.0 * inflate * max(of_both, 0.0),
        slots=int(times[-1] - times[0] + 1),
        daily=columns > 2,
    )


def _difference(left: Matrix, lag: int) -> float:
    """The mean square of the differences over that many slots."""
    change = left[lag:] - left[:-lag]
    return float(change.dot(change)) / len(change)


@lru_cache(maxsize=1024)
def _design(times: tuple[float, ...], slots_a_day: float) -> tuple[int, float, float, float, Matrix]:
    """What a fit needs beside the means; the same for all rings that are full.

    The number of columns, the inverse of their product for level, slope and both, and the matrix that makes of the
    means (n of them) level and slope, and below these what is left of each mean: (2 + n, n).
    """
    n = len(times)
    t = np.asarray(times)
    columns = [np.ones(n), t]
    if times[-1] - times[0] >= _DAYS * slots_a_day:
        turn = 2.0 * pi / slots_a_day
        columns += [np.sin(turn * t), np.cos(turn * t)]
        x = np.array(columns)
        inverse = np.linalg.pinv(x @ x.T)
    else:
        x = np.array(columns)
        middle = sum(times) / n
        spread = sum((time - middle) ** 2 for time in times)
        of_both = -middle / spread
        inverse = np.array([[1.0 / n + middle * middle / spread, of_both], [of_both, 1.0 / spread]])
    solver = inverse @ x
    made = np.concatenate([solver[:2], np.identity(n) - x.T @ solver])
    return len(columns), float(inverse[0, 0]), float(inverse[1, 1]), float(inverse[0, 1]), made


def _may_reach(ring: Ring, bound: float) -> bool:
    """A quick look, which spares most fits: whether the change from one half of a ring to the other points there."""
    old, new = ring.halves
    if isnan(old) or isnan(new):
        return True
    seen = new + 4.0 * _REACH * (new - old)
    return seen >= bound if bound > new else seen <= bound


def _crossing(line: Line, ring: Ring, bound: float) -> Forecast | None:
    """Where the line meets the bound, and where the edges of its interval do (Fieller's quadratic)."""
    distance = bound - line.level
    if distance * line.slope <= 0.0:
        return None
    t = distance / line.slope
    if t > _REACH * line.slots:
        return None
    z = _QUANTILE**2
    two, one, none = (
        line.slope**2 - z * line.b,
        -(2.0 * line.slope * distance + z * line.c),
        distance**2 - z * line.a,
    )
    root = one * one - 4.0 * two * none
    if two <= 0.0 or root < 0.0:
        return None
    early, late = ((-one - sqrt(root)) / (2.0 * two), (-one + sqrt(root)) / (2.0 * two))
    if late > 4.0 * _REACH * line.slots:
        return None
    begin = ring.slot * ring.length
    return Forecast(*(begin + int(max(at, 0.0) * ring.length) for at in (t, early, late)))
