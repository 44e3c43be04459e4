"""Clocks that are wrong: what is put right, and what is left alone."""

from __future__ import annotations

from random import Random

import orjson
import pytest

from pipeline.stages.skew import Skew
from schemas.base import HOUR, MINUTE, SECOND
from schemas.event import Event, EventKind
from schemas.severity import Severity

BEGIN = 1_772_409_600_000
ALLOWED = 30 * SECOND


def said(at: int, error: int, *, source: str = "zabbix", resource: str = "db", delay: int = 2 * SECOND) -> Event:
    """What a monitor whose clock is ahead by `error` says at a true time."""
    return Event(
        id=f"{at}-{resource}",
        kind=EventKind.PROBLEM,
        time=at + error,
        received=at + delay,
        source=source,
        resource=resource,
        check="ping",
        severity=Severity.MAJOR,
        fingerprint=resource,
    )


def learned(error: int, source: str = "zabbix", count: int = 20) -> Skew:
    """Skew that has heard many emitters of one monitor whose clock is off."""
    skew = Skew(ALLOWED)
    for number in range(count):
        skew.correct(said(BEGIN + number * MINUTE, error, source=source, resource=f"vm{number}"))
    return skew


@pytest.mark.parametrize("error", [-4 * MINUTE, -MINUTE, MINUTE, 4 * MINUTE])
def test_a_monitor_that_is_steadily_off_is_right_for_what_it_has_never_told_of(error: int) -> None:
    skew, at = learned(error), BEGIN + HOUR
    assert abs(skew.correct(said(at, error, resource="new")) - at) <= 3 * SECOND
    assert skew.steady() == {"zabbix": pytest.approx(-error, abs=3 * SECOND)}


def test_other_monitors_are_left_alone() -> None:
    skew, at = learned(-4 * MINUTE), BEGIN + HOUR
    assert skew.correct(said(at, 0, source="nagios")) == at
    assert skew.correct(said(at, -2 * MINUTE, source="nagios")) == at - 2 * MINUTE


def test_a_fact_that_is_told_again_keeps_its_time_while_the_clock_drifts() -> None:
    skew, first = learned(-2 * MINUTE), said(BEGIN + HOUR, -2 * MINUTE)
    times = {skew.correct(first)}
    for number in range(200):
        at = BEGIN + HOUR + number * MINUTE
        skew.correct(said(at, -2 * MINUTE - number * SECOND // 4, resource=f"vm{number}"))
        times.add(skew.correct(first.model_copy(update={"received": at + 2 * SECOND})))
    assert len(times) == 1
    at = BEGIN + 5 * HOUR
    assert abs(skew.correct(said(at, -2 * MINUTE - 50 * SECOND)) - at) <= 10 * SECOND


def test_nothing_is_put_later_than_it_was_heard() -> None:
    skew, at = learned(-4 * MINUTE), BEGIN + HOUR
    assert skew.correct(said(at, 0)) == at + 2 * SECOND


def test_a_clock_that_was_put_right_is_believed_again() -> None:
    skew = learned(-4 * MINUTE)
    for number in range(20):
        skew.correct(said(BEGIN + HOUR + number * MINUTE, 0, resource=f"vm{number}"))
    assert skew.steady() == {}
    at = BEGIN + 2 * HOUR
    assert skew.correct(said(at, 0)) == at


def test_old_facts_told_again_and_deliveries_that_hung_say_nothing_of_the_clock() -> None:
    skew = Skew(ALLOWED)
    alerts = [said(BEGIN + number * SECOND, 0, source="alertmanager", resource=f"app{number}") for number in range(20)]
    for repeat in range(10):
        for alert in alerts:
            received = alert.received + repeat * 2 * MINUTE
            assert skew.correct(alert.model_copy(update={"received": received})) == alert.time
    hung = [said(BEGIN + HOUR + number * 3 * SECOND, 0, resource=f"vm{number}") for number in range(200)]
    Random(1).shuffle(hung)
    for event in hung:
        assert skew.correct(event.model_copy(update={"received": BEGIN + HOUR + 12 * MINUTE})) == event.time
    assert skew.steady() == {}


def test_one_late_delivery_in_ten_does_not_hide_a_wrong_clock() -> None:
    skew, random = Skew(ALLOWED), Random(2)
    for number in range(60):
        delay = random.randrange(150 * SECOND) if number % 10 == 3 else random.randrange(4 * SECOND)
        skew.correct(said(BEGIN + number * MINUTE, -3 * MINUTE, resource=f"vm{number}", delay=delay))
    assert skew.steady() == {"zabbix": pytest.approx(3 * MINUTE, abs=5 * SECOND)}


def test_one_emitter_among_many_that_is_off_is_put_right_alone() -> None:
    skew = Skew(ALLOWED)
    for number in range(100):
        at = BEGIN + number * MINUTE
        assert skew.correct(said(at, 0, source="syslog", resource=f"sw{number % 9}")) == at
        skew.correct(said(at + SECOND, -4 * MINUTE, source="syslog", resource="sw-old"))
    at = BEGIN + 3 * HOUR
    assert abs(skew.correct(said(at, -4 * MINUTE, source="syslog", resource="sw-old")) - at) <= 3 * SECOND
    assert skew.correct(said(at, 0, source="syslog", resource="sw1")) == at
    assert list(skew.steady()) == ["syslog\x1fsw-old"]


def test_one_event_from_the_far_future_does_not_stop_the_learning() -> None:
    skew = Skew(ALLOWED)
    skew.correct(said(BEGIN, 9_000 * HOUR))
    for number in range(20):
        skew.correct(said(BEGIN + number * MINUTE, -4 * MINUTE, resource=f"vm{number}"))
    assert list(skew.steady()) == ["zabbix"]


def test_what_was_learned_survives_a_restart() -> None:
    skew = learned(-4 * MINUTE)
    again = Skew(ALLOWED)
    for entry in skew.table.drain():
        assert entry.value is not None
        again.table.restore(entry.key, orjson.dumps(orjson.loads(entry.value)))
    for number in range(10):
        event = said(BEGIN + HOUR + number * MINUTE, -4 * MINUTE - 6 * SECOND, resource=f"vm{number}")
        assert again.correct(event) == skew.correct(event)
    assert again.steady() == skew.steady()
