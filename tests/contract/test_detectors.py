"""What every detector promises, whatever it looks at."""

import json
import marshal
import math
import random
from array import array
from collections.abc import Callable, Iterator

import pytest

from models.detector import Detector
from models.packed import text, untexted
from models.registry import DETECTORS

MINUTE = 60_000
STEP = 5 * MINUTE
START = 1_700_000_000_000
LARGEST_STATE = 4096

Points = Iterator[tuple[int, float]]


@pytest.fixture(params=sorted(DETECTORS))
def make(request: pytest.FixtureRequest) -> Callable[[], Detector]:
    return DETECTORS[request.param]


def noise(points: int, seed: int = 1, step: int = STEP) -> Points:
    chance = random.Random(seed)
    yield from ((START + at * step, chance.gauss(50.0, 2.0)) for at in range(points))


def taught(detector: Detector, points: Points) -> list[float]:
    return [detector.step(time, value).score for time, value in points]


def packed(detector: Detector) -> str:
    return json.dumps(detector.dump(), allow_nan=False, separators=(",", ":"), default=text)


def test_scores_are_finite_and_never_below_zero(make: Callable[[], Detector]) -> None:
    scores = taught(make(), noise(1500))
    assert all(math.isfinite(score) and score >= 0.0 for score in scores)


def test_the_first_point_is_no_surprise_and_already_teaches(make: Callable[[], Detector]) -> None:
    detector = make()
    assert detector.score_one(START, 7.0) == 0.0
    detector.learn_one(START, 7.0)
    assert detector.judge(START + STEP, 7.0).expected == 7.0


def test_asking_changes_nothing(make: Callable[[], Detector]) -> None:
    detector = make()
    taught(detector, noise(300))
    before = packed(detector)
    assert detector.score_one(START + 301 * STEP, 90.0) == detector.score_one(START + 301 * STEP, 90.0)
    assert packed(detector) == before


def test_score_then_learn_is_step(make: Callable[[], Detector]) -> None:
    slow, quick = make(), make()
    for time, value in noise(400):
        asked = slow.score_one(time, value)
        slow.learn_one(time, value)
        assert quick.step(time, value).score == asked
    assert packed(slow) == packed(quick)


def test_a_state_put_back_goes_on_as_if_nothing_had_happened(make: Callable[[], Detector]) -> None:
    points = list(noise(900))
    whole, first, second = make(), make(), make()
    expected = taught(whole, iter(points))
    taught(first, iter(points[:457]))
    second.load(untexted(json.loads(packed(first))))
    assert taught(second, iter(points[457:])) == expected[457:]
    assert packed(second) == packed(whole)


@pytest.mark.parametrize(
    "shape",
    [
        lambda chance, at: chance.gauss(1e12, 1e9),
        lambda chance, at: chance.paretovariate(0.5),
        lambda chance, at: chance.gauss(0.0, 1.0) * 10.0 ** chance.randint(-20, 20),
        lambda chance, at: float(at % 50 * 1_000_003),
    ],
    ids=["large", "heavy", "wild", "counter"],
)
def test_the_state_stays_small(make: Callable[[], Detector], shape: Callable[[random.Random, int], float]) -> None:
    detector, chance = make(), random.Random(2)
    for at in range(3000):
        detector.learn_one(START + at * STEP, shape(chance, at))
    assert len(packed(detector)) <= LARGEST_STATE


def test_the_state_holds_nothing_but_plain_data(make: Callable[[], Detector]) -> None:
    detector = make()
    taught(detector, noise(100))

    def kinds(value: object) -> set[type]:
        inner = value if isinstance(value, list) else []
        return {type(value)}.union(*(kinds(one) for one in inner))

    assert kinds(detector.dump()) <= {list, float, int, bytes, type(None)}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e308])
def test_what_is_no_number_scores_nothing_and_teaches_nothing(make: Callable[[], Detector], value: float) -> None:
    for known in (0, 300):
        detector = make()
        taught(detector, noise(known))
        before = packed(detector)
        assert detector.step(START + known * STEP, value).score == 0.0
        assert packed(detector) == before


def test_what_is_older_than_the_last_point_teaches_nothing(make: Callable[[], Detector]) -> None:
    detector = make()
    taught(detector, noise(300))
    before = packed(detector)
    assert detector.step(START, 1e6).score == 0.0
    assert packed(detector) == before


def test_two_values_at_one_time_are_both_taken(make: Callable[[], Detector]) -> None:
    detector = make()
    for time, value in noise(200):
        detector.learn_one(time, value)
        detector.learn_one(time, value + 1.0)
    assert math.isfinite(detector.score_one(START + 201 * STEP, 50.0))


@pytest.mark.parametrize("value", [0.0, 1e-9, 3.0, -1e15])
def test_a_constant_series_is_never_a_surprise(make: Callable[[], Detector], value: float) -> None:
    assert set(taught(make(), ((START + at * STEP, value) for at in range(1200)))) == {0.0}


def test_missing_points_are_no_surprise(make: Callable[[], Detector]) -> None:
    chance = random.Random(3)
    scores = taught(make(), (point for point in noise(3000) if chance.random() < 0.7))
    assert max(scores) < 20.0


def test_irregular_sampling_is_no_surprise(make: Callable[[], Detector]) -> None:
    chance = random.Random(4)
    time, detector, scores = START, make(), []
    for _ in range(3000):
        time += int(chance.expovariate(1.0 / STEP)) + 1
        scores.append(detector.step(time, chance.gauss(50.0, 2.0)).score)
    assert max(scores) < 20.0


def test_a_detector_is_cloned_as_rivers_are_untaught(make: Callable[[], Detector]) -> None:
    detector = make()
    taught(detector, noise(100))
    clone = detector.clone()
    assert clone.names == detector.names
    assert packed(clone) == packed(make())


def test_time_constants_are_lengths_of_time() -> None:
    """The same day sampled every minute and every ten minutes has the same usual shape."""
    expected = []
    for step in (MINUTE, 10 * MINUTE):
        detector = Detector()
        for time in range(START, START + 20 * 86_400_000, step):
            detector.learn_one(time, 100.0 + 50.0 * math.sin(time / 86_400_000 * 2 * math.pi))
        expected.append(detector.judge(START + 20 * 86_400_000 + 6 * 3_600_000, 0.0).expected)
    assert expected[0] == pytest.approx(expected[1], abs=2.0)


def test_a_float_array_is_as_exact_after_as_before() -> None:
    """What is kept in single precision is single precision in memory too, or a restart would change scores."""
    detector = Detector()
    taught(detector, noise(50))
    assert isinstance(detector._late, array)


def test_a_detector_that_is_put_away_after_each_point_judges_as_one_that_never_is(make: Callable[[], Detector]) -> None:
    whole, kept = make(), make()
    for time, value in [*noise(700), *((START + at * STEP, 50.0 + at) for at in range(700, 760))]:
        again = make()
        again.load(marshal.loads(marshal.dumps(kept.dump())))
        kept = again
        assert kept.step(time, value) == whole.step(time, value)
    assert packed(kept) == packed(whole)
