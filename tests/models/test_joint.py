"""Several series of one thing together: what holds for a detector, and that it sees what none of them alone shows."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable

import pytest

from models.joint import MOST, NOTHING, Joint
from models.packed import text, untexted

STEP = 5 * 60_000
START = 1_704_067_200_000
KNOWN = 3000
LARGEST_STATE = 1200
"""Bytes a series."""

Round = dict[str, float]


def rounds(number: int, seed: int = 1) -> list[Round]:
    """A host under a load: its CPU, its sessions, and its latency, which is no straight line of it; and a disk."""
    chance = random.Random(seed)
    load, found = 0.0, []
    for at in range(number):
        load = 0.9 * load + chance.gauss(0.0, 0.4)
        level = load + math.sin(at * STEP / 86_400_000 * 2.0 * math.pi)
        found.append(
            {
                "cpu": 40.0 + 10.0 * level + chance.gauss(0.0, 2.0),
                "sessions": round(300.0 + 90.0 * level + chance.gauss(0.0, 15.0)),
                "latency": 20.0 * math.exp(0.7 * level + chance.gauss(0.0, 0.1)),
                "disk": 60.0 + chance.gauss(0.0, 1.0),
            }
        )
    return found


def taught(joint: Joint, given: Iterable[Round], begin: int = 0) -> list[float]:
    return [joint.step(START + at * STEP, one).score for at, one in enumerate(given, begin)]


def packed(joint: Joint) -> str:
    return json.dumps(joint.dump(), allow_nan=False, separators=(",", ":"), default=text)


def put_back(state: str) -> Joint:
    joint = Joint()
    joint.load(untexted(json.loads(state)))
    return joint


def test_a_relation_that_breaks_is_seen_though_each_value_is_an_ordinary_one() -> None:
    joint, seen = Joint(), rounds(KNOWN + 300)
    calm = max(taught(joint, seen[:KNOWN])[1000:])
    busy = max(range(KNOWN, KNOWN + 288), key=lambda at: seen[at]["sessions"])
    taught(joint, seen[KNOWN : busy - 6], KNOWN)
    idle = sorted(one["cpu"] for one in seen[:KNOWN])[KNOWN // 5]
    found = [joint.step(START + at * STEP, {**seen[at], "cpu": idle}) for at in range(busy - 6, busy + 6)]
    worst = max(found, key=lambda one: one.score)
    assert worst.score > calm
    assert (worst.name, worst.up) == ("cpu", False)


def test_scores_are_finite_and_never_below_zero() -> None:
    assert all(math.isfinite(score) and score >= 0.0 for score in taught(Joint(), rounds(1500)))


def test_the_same_rounds_give_the_same_scores() -> None:
    assert taught(Joint(), rounds(1200)) == taught(Joint(), rounds(1200))


def test_a_state_put_back_goes_on_as_if_nothing_had_happened() -> None:
    given = rounds(1500)
    whole, first = Joint(), Joint()
    expected = taught(whole, given)
    taught(first, given[:757])
    second = put_back(packed(first))
    assert taught(second, given[757:], 757) == expected[757:]
    assert packed(second) == packed(whole)


def test_one_that_is_put_away_after_each_round_judges_as_one_that_never_is() -> None:
    whole, kept = Joint(), Joint()
    for at, one in enumerate(rounds(500)):
        kept = put_back(packed(kept))
        assert kept.step(START + at * STEP, one) == whole.step(START + at * STEP, one)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_number_is_taken_as_missing(value: float) -> None:
    odd, without = Joint(), Joint()
    for at, one in enumerate(rounds(600)):
        rest = {name: number for name, number in one.items() if name != "cpu"}
        given = one if at % 7 else {**one, "cpu": value}
        assert odd.step(START + at * STEP, given) == without.step(START + at * STEP, one if at % 7 else rest)
    assert packed(odd) == packed(without)


def test_missing_values_and_irregular_rounds_are_no_surprise() -> None:
    chance, joint, time, scores = random.Random(5), Joint(), START, []
    for one in rounds(KNOWN):
        time += int(chance.expovariate(1.0 / STEP)) + 1
        scores.append(joint.step(time, {n: v for n, v in one.items() if chance.random() < 0.85}).score)
    assert max(scores) < 20.0


@pytest.mark.parametrize("value", [0.0, 1e-9, -1e15])
def test_constant_series_are_never_a_surprise(value: float) -> None:
    given = [dict.fromkeys("abcd", value)] * 1200
    assert set(taught(Joint(), given)) == {0.0}


def test_a_constant_series_beside_others_does_no_harm() -> None:
    scores = taught(Joint(), ({**one, "up": 1.0} for one in rounds(1500)))
    assert all(map(math.isfinite, scores))
    assert max(scores) < 20.0


def test_series_that_are_one_and_the_same_are_no_harm() -> None:
    assert all(map(math.isfinite, taught(Joint(), ({**one, "again": one["cpu"]} for one in rounds(900)))))


def test_what_is_older_than_the_last_round_or_too_little_teaches_nothing() -> None:
    joint = Joint()
    taught(joint, rounds(400))
    before = packed(joint)
    assert joint.step(START, rounds(1)[0]) == NOTHING
    assert joint.step(START + 500 * STEP, {"cpu": 1.0, "disk": 2.0}) == NOTHING
    assert packed(joint) == before


def test_the_state_is_bounded() -> None:
    chance, joint = random.Random(1), Joint()
    for at in range(800):
        joint.step(START + at * STEP, {f"m{n}": chance.gauss(0.0, 10.0 ** chance.randint(-9, 9)) for n in range(40)})
    assert len(joint.names) == MOST
    assert len(packed(joint)) < MOST * LARGEST_STATE
