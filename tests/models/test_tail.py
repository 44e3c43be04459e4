"""Odds of extremes, from a histogram of fixed size."""

import json
import math
import random

import pytest

from models.packed import text, untexted
from models.tail import WARM, Tail


def taught(values: list[float]) -> Tail:
    tail = Tail()
    for value in values:
        tail.learn(value)
    return tail


def test_a_pareto_tail_gives_the_true_odds_far_beyond_what_was_seen() -> None:
    chance = random.Random(1)
    tail = taught([chance.paretovariate(2.0) for _ in range(20_000)])
    for odds in (1e-3, 1e-5, 1e-7):
        assert tail.score(odds**-0.5) == pytest.approx(-math.log(odds), rel=0.15)


def test_the_more_extreme_the_higher() -> None:
    chance = random.Random(2)
    tail = taught([abs(chance.gauss(0.0, 1.0)) for _ in range(2000)])
    scores = [tail.score(x / 4) for x in range(60)]
    assert scores == sorted(scores)
    assert scores[4] == 0.0


def test_nothing_is_said_while_little_is_known() -> None:
    assert taught([1.0] * (WARM - 1)).score(1e9) == 0.0
    assert taught([1.0] * WARM).score(1e9) > 0.0


def test_much_larger_values_than_the_first_are_still_told_apart() -> None:
    chance = random.Random(3)
    tail = taught([1e-6, *(1e9 * chance.paretovariate(3.0) for _ in range(2000))])
    assert tail.score(2e9) < tail.score(1e11)


def test_the_past_fades() -> None:
    tail = taught([100.0] * 2000 + [1.0] * 200_000)
    assert tail.score(50.0) > 10.0


@pytest.mark.parametrize("points", [1, 49, 50, 777, 40_000])
def test_a_state_put_back_scores_the_same(points: int) -> None:
    chance = random.Random(4)
    tail, other = taught([chance.lognormvariate(0.0, 2.0) for _ in range(points)]), Tail()
    other.load(untexted(json.loads(json.dumps(tail.dump(), default=text))))
    for _ in range(200):
        x = chance.lognormvariate(1.0, 2.0)
        assert other.score(x) == tail.score(x)
        other.learn(x)
        tail.learn(x)
