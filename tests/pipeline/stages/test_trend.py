"""Samples become events where a series is not as usual, and only there."""

import math
import random
from itertools import pairwise

import orjson
import pytest

from models import budget
from pipeline.settings import ModelSettings
from pipeline.stages import series as series_module
from pipeline.stages.trend import Trends, series_key
from pipeline.state import Entry
from schemas.event import Event, EventKind, MetricSample, Signal
from schemas.severity import Severity

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
STEP = 5 * MINUTE
START = 1_704_067_200_000


def sample(at: int, value: float, metric: str = "response time", **more: object) -> MetricSample:
    time = START + at * STEP
    given = {"time": time, "received": time, "source": "test", "resource": "shop", "metric": metric, "value": value}
    return MetricSample.model_validate({**given, **more})


def said(trends: Trends, samples: list[MetricSample]) -> list[Event]:
    return [event for one in samples for event in trends.sample(one)]


def told(trends: Trends, samples: list[MetricSample]) -> list[Event]:
    """What begins and ends; what is told again is left out."""
    found: list[Event] = []
    for event in said(trends, samples):
        last = next((one for one in reversed(found) if one.fingerprint == event.fingerprint), None)
        if last is None or last.kind is not event.kind:
            found.append(event)
    return found


def usual(points: int, seed: int = 1, begin: int = 0) -> list[MetricSample]:
    chance = random.Random(seed)
    return [
        sample(at, 100.0 + 20.0 * math.sin(at / 144 * math.pi) + chance.gauss(0.0, 3.0))
        for at in range(begin, begin + points)
    ]


def test_what_is_as_usual_says_nothing() -> None:
    assert told(Trends(), usual(4000)) == []


def test_an_outbreak_is_one_anomaly_that_ends_by_itself() -> None:
    trends = Trends()
    calm = usual(4000)
    high = [sample(at, 400.0) for at in range(4000, 4012)]
    events = told(trends, calm) + told(trends, high) + told(trends, usual(300, 2, 4012))
    assert [event.kind for event in events] == [EventKind.PROBLEM, EventKind.RESOLUTION]
    begun, ended = events
    assert begun.fingerprint == ended.fingerprint
    assert begun.signal is Signal.ANOMALY
    assert begun.severity is Severity.WARNING
    assert begun.time <= high[2].time
    assert begun.value == 400.0


def test_an_anomaly_is_explained() -> None:
    trends = Trends()
    told(trends, usual(4000))
    (event,) = told(trends, [sample(at, 400.0) for at in range(4000, 4006)])
    low, high = (float(text) for text in event.labels["expected"].split(" to "))
    assert low < 110.0 < high < 400.0
    assert float(event.labels["score"]) >= 16.0
    assert float(event.labels["one_in"]) > 10_000
    assert len(event.labels["picture"]) == 29
    assert event.labels["reason"] in event.summary
    assert "400" in event.summary


def test_series_are_told_apart_by_all_their_names() -> None:
    others: list[dict[str, object]] = [{name: "b"} for name in ("resource", "component", "metric", "tenant")]
    changes: list[dict[str, object]] = [{}, *others, {"labels": {"a": "b"}}]
    keys = {series_key(sample(0, 1.0).model_copy(update=change)) for change in changes}
    assert len(keys) == 6
    assert series_key(sample(0, 1.0)) == series_key(sample(9, 2.0, unit="ms"))


def test_a_filling_disk_is_told_of_before_it_is_full() -> None:
    trends, chance = Trends(), random.Random(3)
    filling = [sample(at, 40.0 + 0.02 * at + chance.gauss(0.0, 0.1), "disk usage", unit="%") for at in range(2600)]
    events = [event for event in told(trends, filling) if event.check == "disk usage forecast"]
    assert [event.kind for event in events] == [EventKind.PROBLEM]
    full = START + 3000 * STEP
    assert int(events[0].labels["earliest"]) <= int(events[0].labels["at"]) <= int(events[0].labels["latest"])
    assert abs(int(events[0].labels["at"]) - full) < 0.2 * (full - events[0].time)


def test_a_forecast_is_taken_back_when_the_disk_is_emptied() -> None:
    trends, chance = Trends(), random.Random(4)
    filling = [sample(at, 40.0 + 0.02 * at + chance.gauss(0.0, 0.1), "disk usage", unit="%") for at in range(2400)]
    emptied = [sample(at, 30.0 + chance.gauss(0.0, 0.1), "disk usage", unit="%") for at in range(2400, 4200)]
    events = [event for event in told(trends, filling + emptied) if event.check == "disk usage forecast"]
    assert [event.kind for event in events] == [EventKind.PROBLEM, EventKind.RESOLUTION]


def test_what_goes_on_is_told_again_twice_a_day_with_what_is_known_then() -> None:
    trends, chance = Trends(), random.Random(3)
    filling = [sample(at, 40.0 + 0.02 * at + chance.gauss(0.0, 0.1), "disk usage", unit="%") for at in range(2600)]
    events = [event for event in said(trends, filling) if event.check == "disk usage forecast"]
    gaps = {later.time - event.time for event, later in pairwise(events)}
    assert len(events) > 4
    assert 12 * HOUR <= min(gaps) <= max(gaps) <= 13 * HOUR
    assert len({event.fingerprint for event in events}) == 1
    assert len({event.id for event in events}) == len({event.summary for event in events}) == len(events)


def test_a_counter_has_no_bound_to_reach() -> None:
    counted = [sample(at, 0.02 * at, "disk usage", unit="%", counter=True) for at in range(2600)]
    assert told(Trends(), counted) == []


def test_a_counter_that_begins_again_is_no_anomaly() -> None:
    chance, total, counted = random.Random(5), 0.0, []
    for at in range(4000):
        total = 0.0 if at in {3000, 3500} else total + chance.gauss(1e6, 1e5)
        counted.append(sample(at, total, "ifHCInOctets"))
    assert told(Trends(), counted) == []


def test_a_counter_that_runs_wild_is_an_anomaly_of_its_rate() -> None:
    chance, total, counted = random.Random(6), 0.0, []
    for at in range(4000):
        total += chance.gauss(1e6, 1e5) * (30.0 if at >= 3990 else 1.0)
        counted.append(sample(at, total, "ifHCInOctets"))
    assert [event.kind for event in told(Trends(), counted)] == [EventKind.PROBLEM]


def test_what_is_no_number_or_is_late_is_passed_over() -> None:
    trends = Trends()
    told(trends, usual(500))
    before = trends.table.entry(series_key(sample(0, 0.0)))
    assert told(trends, [sample(501, math.nan), sample(501, math.inf), sample(3, 1e9)]) == []
    assert trends.table.entry(series_key(sample(0, 0.0))) == before


def test_a_restart_at_any_point_changes_no_event() -> None:
    samples = [*usual(3000), *(sample(at, 400.0) for at in range(3000, 3010)), *usual(200, 2, 3010)]
    expected = told(Trends(), samples)
    for stop in (1, 17, 2500, 3003, 3050):
        first, second = Trends(), Trends()
        events = told(first, samples[:stop])
        for entry in first.table.drain():
            assert entry.value is not None
            second.table.restore(entry.key, entry.value)
        assert events + told(second, samples[stop:]) == expected


def test_the_state_of_a_series_is_small() -> None:
    trends = Trends()
    told(trends, usual(6000))
    (entry,) = trends.table.drain()
    assert entry.value is not None
    assert len(entry.value) <= 4096


def test_what_is_expected_says_nothing_until_then() -> None:
    trends = Trends()
    told(trends, usual(4000))
    trends.expect(series_key(sample(4000, 0.0)), START + 4100 * STEP)
    assert told(trends, [sample(at, 400.0) for at in range(4000, 4006)]) == []


@pytest.mark.parametrize(("right", "lower"), [(True, True), (False, False)])
def test_feedback_moves_the_threshold(*, right: bool, lower: bool) -> None:
    trends = Trends()
    told(trends, usual(10))
    trends.feedback(series_key(sample(0, 0.0)), right=right)
    series = trends.table.find(series_key(sample(0, 0.0)))
    assert series is not None
    moved = series.alarm.threshold
    assert (moved < ModelSettings().threshold) == lower


def restless(days: int, seed: int) -> list[MetricSample]:
    """Nearly always 0, and now and then anything: a tail so heavy that its past does not show it."""
    chance = random.Random(seed)
    return [
        sample(at, chance.expovariate(2.0) * (1.0 + at / 4000) if chance.random() < 0.01 else 0.0)
        for at in range(days * DAY // STEP)
    ]


def test_a_series_that_keeps_surprising_speaks_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    def begun() -> int:
        return sum(one.kind is EventKind.PROBLEM for one in told(Trends(), restless(60, 5)))

    seldom = begun()
    monkeypatch.setattr(budget, "RISE", 0.0)
    assert begun() > 5 * seldom > 0


def test_an_anomaly_that_was_worth_it_makes_the_next_one_no_harder() -> None:
    trends, key = Trends(), series_key(sample(0, 0.0))
    told(trends, [*usual(6000), *(sample(at, 200.0) for at in range(6000, 6006))])
    series, now = trends.table.find(key), START + 6006 * STEP
    assert series is not None
    assert series.budget.asks(now) > 0.0
    trends.feedback(key, right=True)
    assert series.budget.asks(now) == 0.0


def test_a_state_from_before_there_was_a_budget_is_taken_over() -> None:
    trends, other = Trends(), Trends()
    told(trends, usual(700))
    (entry,) = trends.table.drain()
    *before, _ = orjson.loads(entry.value or b"")
    other.table.restore(entry.key, orjson.dumps(before))
    assert told(other, usual(100, 2, 700)) == told(trends, usual(100, 2, 700))


def test_series_that_are_silent_for_long_are_forgotten() -> None:
    trends = Trends()
    told(trends, usual(10))
    trends.forget(START + 20 * DAY)
    assert len(trends.table) == 1
    trends.forget(START + 40 * DAY)
    assert len(trends.table) == 0


def test_how_many_series_are_awake_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> tuple[list[Event], list[Entry]]:
        trends = Trends()
        calm = [one.model_copy(update={"resource": name}) for one in usual(700) for name in ("a", "b", "c")]
        high = [sample(at, 400.0, resource=name) for at in range(700, 720) for name in ("a", "b", "c")]
        full = [sample(at, 40.0 + 0.05 * at, "disk usage", unit="%") for at in range(900)]
        return said(trends, [*calm, *high, *full]), list(trends.table.drain())

    expected = run()
    monkeypatch.setattr(series_module, "AWAKE", 1)
    assert run() == expected
    assert len(expected[0]) >= 4


def test_a_counter_that_is_seldom_read_is_not_forgotten_before_its_second_point() -> None:
    trends = Trends()
    trends.sample(sample(0, 1e6, "ifHCInOctets"))
    trends.forget(START + DAY)
    assert len(trends.table) == 1
