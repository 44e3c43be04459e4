"""Scoring by the protocol of the Numenta Anomaly Benchmark, v1.1.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", 2015.
Rows are counted from 0. A window is (first row, last row), both inside. Detections are rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp
from typing import NamedTuple

PROBATION_SHARE, PROBATION_ROWS = 0.15, 750
"""The share of a series that is not judged, and its limit in rows."""

Window = tuple[int, int]


class Profile(NamedTuple):
    """What the outcomes weigh."""

    name: str
    true_positive: float
    false_positive: float
    false_negative: float


class Judged(NamedTuple):
    """What one series got: `raw` out of `best`, where nothing detected has `nothing`."""

    raw: float
    best: float
    nothing: float
    found: int
    windows: int
    false: int


def probation(rows: int) -> int:
    """How many rows at the beginning of a series are not judged."""
    return min(int(PROBATION_SHARE * rows), PROBATION_ROWS)


def sigmoid(y: float) -> float:
    """The scaled sigmoid: near 1 far before the end of a window, 0 at it, -1 beyond three widths."""
    return -1.0 if y > 3.0 else 2.0 / (1.0 + exp(5.0 * y)) - 1.0


def judge(rows: int, windows: Sequence[Window], detections: Iterable[int], profile: Profile) -> Judged:
    """Score the detections in one series of that many rows."""
    first_judged = probation(rows)
    hits: dict[Window, float] = {}
    cost = 0.0
    false = 0
    for row in sorted(set(detections)):
        if row < first_judged:
            continue
        inside = next((window for window in windows if window[0] <= row <= window[1]), None)
        if inside is None:
            cost += profile.false_positive * _past(row, windows)
            false += 1
        elif inside not in hits:
            left, right = inside
            hits[inside] = sigmoid(-(right - row + 1) / (right - left + 1)) / sigmoid(-1.0)
    judged = [window for window in windows if window[1] >= first_judged]
    gained = sum(hits.values()) * profile.true_positive
    missed = profile.false_negative * (len(judged) - len(hits))
    return Judged(
        raw=gained + cost - missed,
        best=profile.true_positive * len(judged),
        nothing=-profile.false_negative * len(judged),
        found=len(hits),
        windows=len(judged),
        false=false,
    )


def _past(row: int, windows: Sequence[Window]) -> float:
    """What a false detection weighs, -1 to 0: less soon after a window."""
    before = [window for window in windows if window[1] < row]
    if not before:
        return -1.0
    left, right = before[-1]
    return sigmoid((row - right) / max(right - left, 1))


def normalised(judged: Iterable[Judged]) -> float:
    """The score of a corpus: 0 where nothing is detected, 100 where each window is seen in its first row."""
    parts = list(judged)
    raw, best, nothing = (sum(part[at] for part in parts) for at in range(3))
    return 100.0 * (raw - nothing) / (best - nothing) if best > nothing else 0.0
