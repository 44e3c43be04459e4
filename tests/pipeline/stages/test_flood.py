"""A flood of one alert: whatever order its events come in, it ends as if they had come in order, and costs little."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.dedup import AlertState, Identity
from pipeline.stages.fold import Fold, Point, Rules, settle, step
from schemas.base import MINUTE, SECOND

RULES = Rules(5 * MINUTE, 2 * MINUTE, 5 * MINUTE, 0.30, 0.25, (0, 0, 60_000, 60_000, 0, 0))
WHO = Identity("default", "default", "made", "h1", "", "ping", "fault")


def made(seed: int, count: int, healing: float) -> list[Point]:
    """Events of a minute and a half, to the second, in any order; some end the alert."""
    random = Random(seed)
    return [
        Point(
            time=time,
            order=order,
            id=str(number),
            rank=1 if order else random.choice((3, 3, 3, 3, 3, 4) if random.random() < 0.1 else (3,)),
            ends=0 if order else random.choice((0, 0, 0, time + 30 * SECOND, time + 400 * SECOND)),
            summary=random.choice(("down", "still down")),
            labels={},
            url="",
            key="" if random.random() < 0.9 else "k1",
        )
        for number in random.sample(range(count), count)
        for order, time in ((int(random.random() < healing), random.randrange(90) * SECOND),)
    ]


floods = st.builds(made, st.integers(0, 1 << 32), st.integers(0, 300), st.sampled_from((0.0, 0.01, 0.5)))


def folded(points: Iterable[Point], until: int) -> list[object]:
    fold = Fold()
    for point in sorted(points):
        step(fold, point, RULES)
    settle(fold, until, RULES)
    return fold.dump()


def fed(points: Iterable[Point], watermark: int = -1) -> AlertState:
    state = AlertState(WHO, RULES)
    for point in points:
        state.insert(point, watermark)
    return state


def without_past(values: list[object]) -> list[object]:
    at = Fold.__slots__.index("past")
    return values[:at] + values[at + 1 :]


@given(floods)
def test_any_order_of_a_flood_ends_as_the_order_of_its_times(points: list[Point]) -> None:
    state = fed(points)
    assert without_past(state.view.dump()) == without_past(folded(points, -1))


@given(floods, st.integers(0, 400))
def test_a_restart_in_a_flood_changes_nothing_that_is_told(points: list[Point], cut: int) -> None:
    state = fed(points[:cut])
    again = AlertState(WHO, RULES)
    again.load(_plain(state.dump()))
    again.resume()
    for point in points[cut:]:
        assert again.insert(point, -1) == state.insert(point, -1)
    assert again.view.dump() == state.view.dump()
    assert again.calm == state.calm


@given(floods)
def test_time_that_goes_on_in_a_flood_changes_nothing_that_is_told_either(points: list[Point]) -> None:
    """Events come up to ten seconds late; the watermark is behind them."""
    arriving = sorted(points, key=lambda point: (point.time // (10 * SECOND), point.id))
    state, high = AlertState(WHO, RULES), 0
    for point in arriving:
        high = max(high, point.time)
        state.insert(point, high - 10 * SECOND)
        restored = AlertState(WHO, RULES)
        restored.load(_plain(state.dump()))
        assert restored.view.dump() == state.view.dump()
    state.settle_to(high - 10 * SECOND)
    assert without_past(state.view.dump()) == without_past(folded(points, high - 10 * SECOND))


def test_a_repeat_that_says_when_it_ends_is_no_mere_repeat() -> None:
    calm = [Point(at * SECOND, 0, str(at), 3, 0, "down", {}, "") for at in (*range(30), 90)]
    ends = Point(40 * SECOND, 0, "ends", 3, 50 * SECOND, "down", {}, "")
    state = fed([*calm, ends])
    assert state.view.reopened == 1
    assert state.view.dump() == folded([*calm, ends], -1)


def test_a_flood_in_any_order_costs_a_step_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    def counted(fold: Fold, point: Point, rules: Rules) -> str:
        nonlocal steps
        steps += 1
        return step(fold, point, rules)

    monkeypatch.setattr("pipeline.stages.dedup.step", counted)
    random = Random(1)
    points = [Point(at // 500 * SECOND, 0, f"{random.random()}", 3, 0, "down", {}, "") for at in range(20_000)]
    state = fed(points)
    assert state.view.count == 20_000
    assert steps < 5 * 20_000


def _plain(values: list[object]) -> list[object]:
    found: list[object] = orjson.loads(orjson.dumps(values, tuple))
    return found
