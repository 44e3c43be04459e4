"""Storms and silences in simulated counts: `python -m benchmarks.counts [--json] [--series 64]`.

Of each model: how many storms, surges and silences it tells within an hour, at a threshold at which ordinary series
give a set number of false alarms a month. And what its scores at such thresholds say themselves.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from math import exp, log, sqrt
from random import Random
from typing import Any, NamedTuple

from benchmarks.day import arguments, print_json
from benchmarks.series import DAY, HOUR, MINUTE, START, day_shape, workday
from models.alarm import Alarm, rarity
from models.counts import Counts
from models.detector import Detector

STEP = 5 * MINUTE
KNOWN = 14 * DAY // STEP
POINTS = 42 * DAY // STEP
SOON = HOUR // STEP + 3
REST = HOUR // STEP
"""An anomaly lasts an hour at the least, as it does in the flow."""
FALSE = (1.0, 0.2, 0.05)
"""False alarms a series and month."""
MONTH = 30 * DAY // STEP

Scores = list[float]


class Case(NamedTuple):
    """One series without and with anomalies; `begins` says which begins where."""

    calm: Sequence[int]
    wild: Sequence[int]
    begins: dict[int, str]


def poisson(chance: Random, mean: float) -> int:
    """A Poisson number; a normal one where it is large."""
    if mean > 200.0:
        return max(0, round(chance.gauss(mean, sqrt(mean))))
    at, number = chance.expovariate(1.0), 0
    while at < mean:
        at += chance.expovariate(1.0)
        number += 1
    return number


def shape(kind: str, chance: Random) -> Callable[[int], int]:
    """How many there are in the interval that begins at a time, asked in the order of time."""
    mean, state = 10 ** chance.uniform(-0.3, 1.7), [0.0, 0.0]
    swing, begin, size = chance.uniform(0.5, 1.2), chance.uniform(0, 23), chance.uniform(20, 200)
    width, often, beat = chance.uniform(0.3, 1.5), chance.uniform(0.2, 2.0), chance.choice([1, 5, 10, 20])

    def bursty(_: int) -> int:
        if chance.random() < 0.3 or state[0] == 0.0:
            state[0] = chance.gammavariate(width, mean / width)
        return poisson(chance, state[0])

    def clusters(_: int) -> int:
        if chance.random() < often * STEP / DAY:
            state[:] = [chance.randint(1, 6), chance.expovariate(1 / 8)]
        state[0] -= 1
        return poisson(chance, state[1]) if state[0] >= 0 else 0

    def batch(time: int) -> int:
        return poisson(chance, size if 0 <= time % DAY / HOUR - begin < 0.25 else 0.2)

    return {
        "steady": lambda _: poisson(chance, mean),
        "daily": lambda time: poisson(chance, mean * exp(swing * day_shape(time))),
        "office": lambda time: poisson(chance, mean if workday(time) and 8 <= time % DAY / HOUR < 18 else 0.1 * mean),
        "bursty": bursty,
        "clusters": clusters,
        "heartbeat": lambda _: beat + (chance.choice([-1, 1]) if chance.random() < 0.05 else 0),
        "rare": lambda _: poisson(chance, mean / 300),
        "batch": batch,
    }[kind]


KINDS = ("steady", "daily", "office", "bursty", "clusters", "heartbeat", "rare", "batch")


def case(seed: int) -> Case:
    """One series of each kind in turn; after two weeks something happens about every two days."""
    chance = Random(seed)
    value = shape(KINDS[seed % len(KINDS)], chance)
    calm = [value(START + at * STEP) for at in range(POINTS)]
    wild, begins, at = list(calm), {}, KNOWN + chance.randrange(288)
    while at < POINTS - 300:
        usual, here = sum(calm[at - 576 : at]) / 576, sum(calm[at - 3 : at + 9]) / 12
        what = chance.choice(["surge", "storm", "silence"] if here >= 2 else ["surge", "storm"])
        lasts = {"surge": 6, "storm": 3, "silence": 12}[what]
        more = {"surge": 2 + 3 * max(here, usual), "storm": 20 + 10 * max(here, usual), "silence": 0.0}[what]
        for place in range(at, at + lasts):
            wild[place] = 0 if what == "silence" else wild[place] + poisson(chance, more)
        begins[at] = what
        at += 576 + chance.randrange(288)
    return Case(calm, wild, begins)


def of_counts(values: Sequence[int]) -> Scores:
    """The scores as they are used for counts; what need not be told of is left out."""
    model = Counts(STEP)
    return [
        model.step(START + at * STEP, value).score if value or model.awake or at == 0 else 0.0
        for at, value in enumerate(values)
    ]


def of_ensemble(values: Sequence[int]) -> Scores:
    """The scores of the detector of samples."""
    detector = Detector()
    return [detector.step(START + at * STEP, float(value)).score for at, value in enumerate(values)]


def begun(scores: Scores, threshold: float) -> list[int]:
    """Where alarms begin."""
    alarm = Alarm(threshold, REST, REST)
    return [at for at, score in enumerate(scores) if alarm.step(score)]


def measure(name: str, model: Callable[[Sequence[int]], Scores], cases: Sequence[Case]) -> dict[str, Any]:
    """The figures of one model."""
    calm = [model(one.calm)[KNOWN:] for one in cases]
    wild = [model(one.wild) for one in cases]
    months = sum(map(len, calm)) / MONTH
    figures: dict[str, Any] = {}
    for wanted in FALSE:
        low, high = 1.0, 1000.0
        for _ in range(20):
            middle = sqrt(low * high)
            if sum(len(begun(scores, middle)) for scores in calm) / months > wanted:
                low = middle
            else:
                high = middle
        seen: dict[str, list[bool]] = defaultdict(list)
        for one, scores in zip(cases, wild, strict=True):
            alarms = begun(scores, high)
            for at, what in one.begins.items():
                seen[what].append(any(at <= alarm < at + SOON for alarm in alarms))
        told = {what: round(sum(found) / len(found), 2) for what, found in sorted(seen.items())}
        figures[f"{wanted:g} a month"] = {"threshold": high, "ln one in": log(MONTH / wanted), **told}
        odds = f"one in {MONTH / wanted:,.0f} points, said {rarity(high):,.0f}"
        print(f"{name:<10}{wanted:>6g} false a month  threshold {high:6.1f} ({odds})  {told}", flush=True)
    return figures


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    options = arguments("Storms and silences in simulated counts.", given, series="64")
    cases = [case(seed) for seed in range(int(options.series))]
    figures = {name: measure(name, model, cases) for name, model in MODELS.items()}
    if options.json:
        print_json(figures)
    return 0


MODELS: dict[str, Callable[[Sequence[int]], Scores]] = {"counts": of_counts, "ensemble": of_ensemble}

if __name__ == "__main__":
    sys.exit(main())
