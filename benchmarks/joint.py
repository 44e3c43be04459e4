"""Relations that break between the series of one item: `python -m benchmarks.joint [--json] [--items 12]`.

Items of 5 to 12 series, most of them driven by one load or another, some by a curve instead of a line. Then for an hour
one of them shows what it showed at another time: each value is an ordinary one, only not beside the others. Of each
model: how many of these it tells, at a threshold at which untouched items give a set number of false alarms a month.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import exp, log, sqrt
from random import Random
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from river import anomaly

from benchmarks.day import arguments, print_json
from benchmarks.series import DAY, HOUR, MINUTE, START, day_shape
from models.alarm import Alarm, rarity
from models.detector import Detector
from models.joint import Joint
from models.tail import Tail

STEP = 5 * MINUTE
KNOWN, POINTS = 14 * DAY // STEP, 28 * DAY // STEP
LASTS = HOUR // STEP
FALSE = (1.0, 0.3)
MONTH = 30 * DAY // STEP

Rows = list[list[float]]
Scores = list[float]


class Case(NamedTuple):
    """The rounds of one item, without and with breaks; where those begin."""

    calm: Rows
    broken: Rows
    begins: list[int]


def remembering(chance: Random, size: float, memory: float) -> Callable[[], float]:
    """Noise that remembers."""
    state, fresh = chance.gauss(0.0, size), size * sqrt(1.0 - memory * memory)

    def step() -> float:
        nonlocal state
        state = memory * state + chance.gauss(0.0, fresh)
        return state

    return step


def case(seed: int) -> Case:
    """One item."""
    chance = Random(seed)
    swing, load, other = chance.uniform(0.3, 1.2), remembering(chance, 0.5, 0.9), remembering(chance, 1.0, 0.98)
    makers: list[Callable[[float, float], float]] = []
    tied: list[int] = []
    for place in range(chance.randint(5, 12)):
        kind, noise = chance.random(), chance.uniform(0.05, 0.5)
        own = remembering(chance, noise if kind < 0.85 else 1.0, 0.5 if kind < 0.85 else 0.9)
        weights = (chance.uniform(0.5, 1.5) if kind < 0.65 else 0.0, chance.uniform(0.5, 1.5) * (0.65 <= kind < 0.85))
        level, size, curved = chance.uniform(20, 60), chance.uniform(1, 10), chance.random() < 0.4
        makers.append(_maker(weights, own, level, size, curved=curved))
        if max(weights) > 2 * noise:
            tied.append(place)
    calm: Rows = []
    for at in range(POINTS):
        burst = chance.expovariate(1 / 1.5) if chance.random() < 0.01 else 0.0
        pair = swing * day_shape(START + at * STEP) + load() + burst, other()
        calm.append([make(*pair) for make in makers])
    return _broken(chance, calm, tied)


def _maker(
    weights: tuple[float, float], own: Callable[[], float], level: float, size: float, *, curved: bool
) -> Callable[[float, float], float]:
    def make(load: float, other: float) -> float:
        value = weights[0] * load + weights[1] * other + own()
        return size * exp(0.6 * value) if curved else level + size * value

    return make


def _broken(chance: Random, calm: Rows, tied: list[int]) -> Case:
    broken, begins, at = [list(row) for row in calm], [], KNOWN
    while len(tied) > 1 and at < POINTS - 400:
        place, here = chance.choice(tied), calm[at : at + LASTS]
        mean = sum(row[place] for row in here) / LASTS
        pasts = [at - chance.randint(288, 288 * 8) for _ in range(20)]
        past = max(pasts, key=lambda begin: abs(sum(row[place] for row in calm[begin : begin + LASTS]) / LASTS - mean))
        for number in range(LASTS):
            broken[at + number][place] = calm[past + number][place]
        begins.append(at)
        at += 288 + chance.randrange(144)
    return Case(calm, broken, begins)


def together(rows: Rows) -> Scores:
    """The model of the series together."""
    joint, names = Joint(), [str(place) for place in range(len(rows[0]))]
    return [joint.step(START + at * STEP, dict(zip(names, row, strict=True))).score for at, row in enumerate(rows)]


def alone(rows: Rows) -> Scores:
    """Each series by itself, as the ensemble sees it."""
    detectors = [Detector() for _ in rows[0]]
    return [
        max(one.step(START + at * STEP, value).score for one, value in zip(detectors, row, strict=True))
        for at, row in enumerate(rows)
    ]


def trees(rows: Rows) -> Scores:
    """River's half-space trees on standardised values, calibrated by the tail of their own scores."""
    forest = anomaly.HalfSpaceTrees(n_trees=10, height=6, window_size=288, seed=1)
    return _calibrated(rows, lambda score: -log(max(1.0 - score, 1e-9)), forest)


def _calibrated(rows: Rows, of: Callable[[float], float], forest: Any) -> Scores:
    tail, smooth, found = Tail(), 0.0, []
    for scores in _standard(rows):
        given = {place: min(max(0.5 + score / 8.0, 0.0), 1.0) for place, score in enumerate(scores)}
        off = of(forest.score_one(given))
        smooth += 0.5 * (tail.score(off) - smooth)
        found.append(smooth)
        tail.learn(off)
        forest.learn_one(given)
    return found


def distance(rows: Rows) -> Scores:
    """Mahalanobis' distance of standardised values."""
    size, tail, smooth, found = len(rows[0]), Tail(), 0.0, []
    products: NDArray[np.float64] = np.eye(size)
    for number, scores in enumerate(_standard(rows), 1):
        off = 0.0
        if number > 300:
            off = sqrt(max(float(scores @ np.linalg.inv(products + 0.03 * np.eye(size)) @ scores), 0.0))
        smooth += 0.5 * (tail.score(off) - smooth)
        found.append(smooth)
        tail.learn(off)
        products += max(1.0 / number, 1 / 2880) * (np.outer(scores, scores) - products)
    return found


def _standard(rows: Rows) -> Sequence[NDArray[np.float64]]:
    mean, square, found = np.zeros(len(rows[0])), np.zeros(len(rows[0])), []
    for number, row in enumerate(rows, 1):
        off = np.array(row) - mean
        found.append(np.clip(off / np.sqrt(np.maximum(square, 1e-12)), -8.0, 8.0))
        gain = max(1.0 / number, 1 / 2880)
        mean += gain * off
        square = (1.0 - gain) * (square + gain * off * off)
    return found


MODELS: dict[str, Callable[[Rows], Scores]] = {
    "together": together,
    "distance": distance,
    "half-space trees": trees,
    "each alone": alone,
}


def begun(scores: Scores, threshold: float) -> list[int]:
    """Where alarms begin; each lasts an hour at the least."""
    alarm = Alarm(threshold, LASTS, LASTS)
    return [at for at, score in enumerate(scores) if alarm.step(score)]


def measure(name: str, model: Callable[[Rows], Scores], cases: Sequence[Case]) -> dict[str, Any]:
    """The figures of one model."""
    began = process_time()
    calm = [model(one.calm)[KNOWN:] for one in cases]
    each = (process_time() - began) / sum(len(one.calm) * len(one.calm[0]) for one in cases) * 1e6
    broken = [model(one.broken) for one in cases]
    months = sum(map(len, calm)) / MONTH
    figures: dict[str, Any] = {"microseconds a value": each}
    for wanted in FALSE:
        low, high = 0.5, 1000.0
        for _ in range(20):
            middle = sqrt(low * high)
            enough = sum(len(begun(scores, middle)) for scores in calm) / months > wanted
            low, high = (middle, high) if enough else (low, middle)
        told = [
            any(at <= alarm < at + LASTS + 3 for alarm in alarms)
            for one, alarms in zip(cases, (begun(scores, high) for scores in broken), strict=True)
            for at in one.begins
        ]
        figures[f"{wanted:g} a month"] = {"threshold": high, "told": sum(told) / len(told), "breaks": len(told)}
        odds = f"one in {MONTH / wanted:,.0f} rounds, said {rarity(high):,.0f}"
        print(f"{name:<18}{wanted:>5g} false a month  told {sum(told) / len(told):6.1%} of {len(told)}"
              f"  threshold {high:5.1f} ({odds})  {each:.1f} us a value", flush=True)  # fmt: skip
    return figures


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    options = arguments("Relations that break between the series of one item.", given, items="12")
    cases = [case(seed) for seed in range(int(options.items))]
    figures = {name: measure(name, model, cases) for name, model in MODELS.items()}
    if options.json:
        print_json(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
