"""From scores to alarms: when an anomaly begins and when it is over."""

from __future__ import annotations

from math import exp
from typing import Any

THRESHOLD = 11.0
"""Surprise at which an anomaly begins where a false alarm costs little (NAB); see `rarity`."""
_LOW = 0.5
_SHARE, _SHORTEST, _LONGEST = 0.05, 30, 120


def rarity(score: float) -> float:
    """How many points of an ordinary series there are to one anomaly that begins at such a score.

    Measured on the simulated series of benchmarks/trend.py: the logarithm grows by 0.42 with each unit of surprise.
    """
    return exp(3.2 + 0.42 * score)


class Alarm:
    """Opens at a threshold, closes when the score is below half of it and a rest is over.

    The rest is 5 % of the points seen, between 30 and 120 if not told otherwise: what is anomalous stays one anomaly.
    `points` counts the scores so far, `open` says whether an anomaly is on.
    """

    __slots__ = ("_longest", "_shortest", "_until", "open", "points", "threshold")

    def __init__(self, threshold: float = THRESHOLD, shortest: int = _SHORTEST, longest: int = _LONGEST) -> None:
        self.threshold = threshold
        self._shortest, self._longest = shortest, longest
        self.points = 0
        self.open = False
        self._until = 0

    def step(self, score: float, more: float = 0.0) -> bool:
        """Take the next score; True where an anomaly begins with it. It must be that much above the threshold."""
        at = self.points
        self.points += 1
        if self.open:
            self.open = score >= _LOW * self.threshold or at < self._until
        if self.open or score < self.threshold + more:
            return False
        self.open = True
        self._until = at + int(max(self._shortest, min(self._longest, _SHARE * at)))
        return True

    def dump(self) -> list[Any]:
        """The state as plain data; see `Detector.dump`."""
        return [self.points, int(self.open), self._until]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        self.points, opened, self._until = state
        self.open = bool(opened)
