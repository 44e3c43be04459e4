"""Counts: too many and too few are surprises, by what the series itself is used to."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable

import pytest

from models.counts import Counts, deviance, kept
from models.packed import text, untexted

MINUTE = 60_000
STEP = 5 * MINUTE
DAY = 86_400_000
START = 1_704_067_200_000
DAYS = 14 * DAY // STEP


def poisson(chance: random.Random, mean: float) -> int:
    at, number = chance.expovariate(1.0), 0
    while at < mean:
        at += chance.expovariate(1.0)
        number += 1
    return number


def ordinary(mean: float, until: int = DAYS, seed: int = 1) -> list[int]:
    chance = random.Random(seed)
    return [poisson(chance, mean) for _ in range(until)]


def taught(counts: Counts, values: Iterable[int], begin: int = 0) -> list[float]:
    return [counts.step(START + at * STEP, value).score for at, value in enumerate(values, begin)]


def packed(counts: Counts) -> str:
    return json.dumps(counts.dump(), allow_nan=False, separators=(",", ":"), default=text)


@pytest.mark.parametrize("mean", [0.01, 0.3, 2.0, 30.0])
def test_what_is_ordinary_is_no_great_surprise(mean: float) -> None:
    assert max(taught(Counts(STEP), ordinary(mean, 4 * DAYS))) < 26.0


@pytest.mark.parametrize("mean", [0.05, 1.0, 12.0])
def test_a_storm_is_a_surprise(mean: float) -> None:
    counts = Counts(STEP)
    taught(counts, ordinary(mean))
    found = counts.step(START + DAYS * STEP, 20 + int(20 * mean))
    again = counts.step(START + (DAYS + 1) * STEP, 20 + int(20 * mean))
    assert found.up
    assert found.expected < 2 * mean + 0.1
    assert max(found.score, again.score) > 8.0


def test_a_silence_is_a_surprise_only_where_it_is_never_silent() -> None:
    often, seldom = Counts(STEP), Counts(STEP)
    taught(often, ordinary(20.0))
    taught(seldom, ordinary(0.2))
    seen = [often.step(START + at * STEP, 0) for at in range(DAYS, DAYS + 6)]
    assert not seen[-1].up
    assert max(one.score for one in seen) > 10.0
    assert max(taught(seldom, [0] * 6, DAYS)) < 5.0


def test_a_busy_hour_of_each_day_is_usual() -> None:
    chance = random.Random(3)
    counts = Counts(STEP)
    day = DAY // STEP
    scores = taught(counts, (poisson(chance, 40.0 if at % day < 24 else 2.0) for at in range(28 * day)))
    assert max(scores[14 * day :]) < 16.0
    busy, calm = START + 28 * DAY, START + 28 * DAY + 12 * 12 * STEP
    assert counts.step(busy, 40).expected > 20.0
    assert counts.step(calm, 2).expected < 8.0


def test_a_constant_series_is_never_a_surprise() -> None:
    for value in (0, 1, 500):
        assert set(taught(Counts(STEP), [value] * 3000)) == {0.0}


def test_zeros_left_out_are_zeros() -> None:
    values = ordinary(0.02, 4 * DAYS)
    whole, sparse = Counts(STEP), Counts(STEP)
    taught(whole, values)
    for at, value in enumerate(values):
        if value or sparse.awake or at in (0, len(values) - 1):
            sparse.step(START + at * STEP, value)
    assert sparse.n == whole.n
    assert sparse.rate == pytest.approx(whole.rate, rel=0.05)
    assert min(one.step(START + len(values) * STEP, 9).score for one in (whole, sparse)) > 10.0


def test_a_state_put_back_goes_on_as_if_nothing_had_happened() -> None:
    values = ordinary(3.0)
    whole, first, second = Counts(STEP), Counts(STEP), Counts(STEP)
    expected = taught(whole, values)
    taught(first, values[:1000])
    second.load(untexted(json.loads(packed(first))))
    assert taught(second, values[1000:], 1000) == expected[1000:]
    assert packed(second) == packed(whole)


def test_the_state_stays_small_and_scores_stay_finite() -> None:
    chance = random.Random(2)
    counts = Counts(STEP)
    scores = taught(counts, (int(chance.paretovariate(0.3)) % 10**12 for _ in range(5000)))
    assert all(math.isfinite(score) and score >= 0.0 for score in scores)
    assert len(packed(counts)) < 1536


def test_the_deviance_is_nothing_at_what_is_usual_and_grows_both_ways() -> None:
    for wide in (0.0, 0.5):
        assert deviance(7, 7.0, wide) == pytest.approx(0.0, abs=1e-9)
        assert deviance(20, 7.0, wide) > deviance(12, 7.0, wide) > 0.0
        assert deviance(0, 7.0, wide) > deviance(3, 7.0, wide) > 0.0
    assert deviance(0, 7.0, 0.0) == 7.0
    assert deviance(20, 7.0, 0.5) < deviance(20, 7.0, 0.0)


def test_what_is_left_of_a_mean_is_the_same_at_once_and_one_by_one() -> None:
    least, left = 0.01, 1.0
    for n in range(41, 41 + 200):
        left *= 1.0 - max(1.0 / n, least)
    assert kept(40, 200, least) == pytest.approx(left, rel=1e-6)
