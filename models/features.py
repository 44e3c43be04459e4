"""What a detector looks at: numbers that are near 0 while a series is as usual, each signed, up and down.

A feature keeps its own few numbers in a list of floats, its memory; `look` says what it would be, `learn` moves it on.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import NamedTuple

from models.normal import Normal, View

_SLOW_SPREAD = 14 * 86_400_000


class Feature(NamedTuple):
    """A way of looking at a series; `size` floats of memory, which begin as 0."""

    words: tuple[str, str]
    """What it means when it is far up, and far down."""
    size: int
    look: Callable[[Normal, View, list[float]], float]
    learn: Callable[[Normal, View, list[float]], None]


def _keep(_normal: Normal, _view: View, _memory: list[float]) -> None:
    """No memory of its own."""


def _fast(points: int) -> Feature:
    """The mean of the last few points against the slow level, in slow standard deviations."""
    rate = 1.0 / points

    def look(normal: Normal, view: View, memory: list[float]) -> float:
        deviation, mean = normal.deviation, memory[0]
        if deviation <= 0.0:
            return 0.0
        now = rate if normal.n >= points else 1.0 / (normal.n + 1)
        return (mean + now * (view.value - mean) - normal.mean) / deviation

    def learn(normal: Normal, view: View, memory: list[float]) -> None:
        now = rate if normal.n >= points else 1.0 / (normal.n + 1)
        memory[0] += now * (view.value - memory[0])

    return Feature((f"level of {points} points up", f"level of {points} points down"), 1, look, learn)


def _value(normal: Normal, view: View, _memory: list[float]) -> float:
    return view.value - normal.mean


def _residual(_normal: Normal, view: View, _memory: list[float]) -> float:
    return view.residual or 0.0


def _jump(normal: Normal, view: View, _memory: list[float]) -> float:
    return 0.0 if view.after_gap or normal.n == 0 else view.value - normal.last


def _spread(normal: Normal, view: View, memory: list[float]) -> float:
    """The logarithm of the spread around the usual over the last eight points to the long one."""
    recent, usual = memory
    if normal.n <= 30 or view.residual is None or usual <= 0.0:
        return 0.0
    floor = 1e-3 * usual
    return log((recent + 0.125 * (abs(view.residual) - recent) + floor) / (usual + floor))


def _learn_spread(normal: Normal, view: View, memory: list[float]) -> None:
    if view.residual is not None:
        size = abs(view.residual)
        memory[0] += 0.125 * (size - memory[0])
        memory[1] += normal.gain(_SLOW_SPREAD) * (size - memory[1])


FEATURES: dict[str, Feature] = {
    "level": _fast(4),
    "trend": _fast(64),
    "season": Feature(("more than usual at this time", "less than usual at this time"), 0, _residual, _keep),
    "jump": Feature(("a jump up", "a drop"), 0, _jump, _keep),
    "spread": Feature(("restless", "unusually still"), 2, _spread, _learn_spread),
    "value": Feature(("a high value", "a low value"), 0, _value, _keep),
}
"""Name to feature."""
