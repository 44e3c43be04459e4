"""One alert on its own: examples from the field of what its events make of it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.settings import FlowSettings
from pipeline.stages import flapping
from pipeline.stages.dedup import AlertState, Identity, record_of
from pipeline.stages.fold import NEVER, Fold, Point, Rules, Spell, step
from schemas.alert import Alert, SeverityChange
from schemas.base import DAY, MINUTE
from schemas.severity import RANK, Severity

BEGIN = 1_700_000_000_000
DEFAULTS = FlowSettings()
RULES = Rules(
    DEFAULTS.dedup.reopen,
    DEFAULTS.dedup.expire,
    DEFAULTS.flapping.steady,
    DEFAULTS.flapping.start,
    DEFAULTS.flapping.stop,
    (0,) * 6,
)
CLEAR = None


class Told:
    """An alert that is told one thing after the other, in minutes since the beginning."""

    def __init__(self) -> None:
        self.state = AlertState(Identity("default", "default", "nagios", "db1", "", "ping", "fault"), RULES)
        self._number = 0

    def at(self, minute: float, severity: Severity | None, *, name: str = "", ends: float = 0) -> str:
        """Tell of a problem, or with CLEAR that it is over; the reason of what it did."""
        self._number += 1
        point = Point(
            time=time_of(minute),
            order=int(severity is None),
            id=name or f"e{self._number}",
            rank=0 if severity is None else RANK[severity],
            ends=time_of(ends) if ends else 0,
            summary=f"{severity}",
            labels={},
            url="",
        )
        return self.state.insert(point, watermark=-1)

    def wait(self, minute: float) -> None:
        """Let time pass without news."""
        self.state.settle_to(time_of(minute))

    @property
    def alert(self) -> Alert:
        return record_of("f", self.state)

    @property
    def spells(self) -> list[Spell]:
        return list(self.state.spells().values())


def time_of(minute: float) -> int:
    return BEGIN + int(minute * MINUTE)


@pytest.fixture
def told() -> Told:
    told = Told()
    told.state.version = 1
    return told


def test_repeats_are_one_alert_with_a_count_and_a_history_of_severities(told: Told) -> None:
    reasons = [
        told.at(0, Severity.WARNING),
        told.at(1, Severity.WARNING),
        told.at(2, Severity.CRITICAL),
        told.at(3, Severity.CRITICAL),
        told.at(4, Severity.MINOR),
        told.at(5, CLEAR),
    ]
    assert reasons == ["opened", "repeat", "escalated", "repeat", "lowered", "resolved"]
    alert = told.alert
    assert (alert.count, alert.total, alert.spells, alert.reopened) == (5, 6, 1, 0)
    assert (alert.status, alert.severity, alert.highest) == ("resolved", Severity.MINOR, Severity.CRITICAL)
    assert (alert.first, alert.last, alert.ended) == (time_of(0), time_of(5), time_of(5))
    assert alert.history == (
        SeverityChange(time=time_of(0), severity=Severity.WARNING),
        SeverityChange(time=time_of(2), severity=Severity.CRITICAL),
        SeverityChange(time=time_of(4), severity=Severity.MINOR),
        SeverityChange(time=time_of(5), severity=None),
    )


def test_the_same_delivery_again_counts_nothing(told: Told) -> None:
    told.at(0, Severity.MAJOR, name="one")
    told.at(1, Severity.MAJOR, name="two")
    assert told.at(0, Severity.MAJOR, name="one") == "duplicate"
    assert told.at(1, Severity.MAJOR, name="two") == "duplicate"
    assert (told.alert.count, told.alert.total) == (2, 2)


@pytest.mark.parametrize("minute", [10.5, 15])
def test_a_problem_soon_after_its_end_is_the_same_spell_again(told: Told, minute: float) -> None:
    told.at(0, Severity.MAJOR)
    assert told.at(10, CLEAR) == "resolved"
    assert told.at(minute, Severity.MAJOR) == "reopened"
    assert (told.alert.status, told.alert.spells, told.alert.reopened) == ("open", 1, 1)
    assert (told.alert.first, told.alert.ended, told.alert.count) == (time_of(0), None, 2)
    assert [(spell.start, spell.end) for spell in told.spells] == [(time_of(0), NEVER)]


def test_a_problem_long_after_its_end_is_a_new_spell_of_the_same_alert(told: Told) -> None:
    told.at(0, Severity.CRITICAL)
    told.at(10, CLEAR)
    assert told.at(15.1, Severity.MINOR) == "opened"
    assert (told.alert.spells, told.alert.reopened, told.alert.count, told.alert.total) == (2, 0, 1, 3)
    assert (told.alert.first, told.alert.highest) == (time_of(15.1), Severity.MINOR)
    assert [(spell.start, spell.end) for spell in told.spells] == [
        (time_of(0), time_of(10)),
        (time_of(15.1), NEVER),
    ]


def test_an_input_that_alternates_flaps_from_the_sixth_result_on_as_icinga_reckons(told: Told) -> None:
    results = [Severity.CRITICAL, CLEAR] * 3
    reasons = [told.at(minute, severity) for minute, severity in enumerate(results)]
    assert reasons == ["opened", "resolved", "reopened", "resolved", "reopened", "flapping"]
    assert round(100 * flapping.share(told.state.view.window), 1) == 33.9
    assert told.alert.flapping
    assert told.alert.status == "open"  # nothing opens or closes until it is steady again
    assert told.at(6, Severity.CRITICAL) == "repeat"
    assert told.at(7, CLEAR) == "repeat"
    assert told.alert.spells == 1


def test_flapping_ends_when_it_is_quiet_and_the_alert_is_what_was_last_said(told: Told) -> None:
    for minute, severity in enumerate([Severity.CRITICAL, CLEAR] * 3):
        told.at(minute, severity)
    told.wait(5 + 5 * 20)
    assert not told.alert.flapping
    assert (told.alert.status, told.alert.ended) == ("resolved", time_of(5))


def test_an_alert_ends_when_its_sender_said_that_it_would(told: Told) -> None:
    told.at(0, Severity.MAJOR, ends=4)
    assert told.alert.expires == time_of(4)
    told.wait(3.9)
    assert [spell.end for spell in told.spells] == [NEVER]
    told.wait(4)
    assert told.alert.status == "resolved"
    assert told.alert.ended == time_of(4)
    assert told.alert.model_dump()["expires"] is None


def test_news_puts_the_end_off(told: Told) -> None:
    told.at(0, Severity.MAJOR, ends=4)
    told.at(3, Severity.MAJOR, ends=7)
    told.wait(6)
    assert told.alert.status == "open"
    told.wait(7)
    assert told.alert.ended == time_of(7)


def test_an_alert_without_news_ends_by_itself_after_a_day(told: Told) -> None:
    told.at(0, Severity.MAJOR)
    told.wait(24 * 60 - 1)
    assert told.alert.status == "open"
    told.wait(24 * 60)
    assert told.alert.ended == BEGIN + DAY


def test_a_resolution_that_is_older_than_the_problem_clears_nothing_newer(told: Told) -> None:
    told.at(10, Severity.CRITICAL)
    assert told.at(9, CLEAR) == "revised"
    assert (told.alert.status, told.alert.ended, told.alert.total) == ("open", None, 2)


def test_a_resolution_of_the_same_moment_comes_after_the_problem(told: Told) -> None:
    told.at(10, CLEAR)
    told.at(10, Severity.CRITICAL)
    assert (told.alert.status, told.alert.ended) == ("resolved", time_of(10))


def test_a_resolution_beyond_the_lateness_is_counted_and_clears_nothing(told: Told) -> None:
    told.at(10, Severity.CRITICAL, name="problem")
    told.wait(60)
    assert told.at(9, CLEAR, name="old") == "late"
    assert told.at(9, CLEAR, name="old") == "duplicate"
    assert (told.alert.status, told.alert.late, told.alert.total) == ("open", 1, 2)


def test_a_resolution_does_not_end_the_siblings_of_its_problem() -> None:
    fold = Fold()
    for time, order, key in ((1, 0, "a"), (2, 0, "b"), (3, 1, "a"), (4, 1, "of-one-never-seen")):
        step(fold, Point(time, order, f"{time}", 5, 0, "", {}, "", key), RULES)
        assert fold.open
    assert fold.keys == ("b",)
    assert step(fold, Point(5, 1, "5", 5, 0, "", {}, "", "b"), RULES) == "resolved"


def test_a_resolution_without_a_key_ends_all_of_the_alert() -> None:
    fold = Fold()
    for time, key in ((1, "a"), (2, "b")):
        step(fold, Point(time, 0, f"{time}", 5, 0, "", {}, "", key), RULES)
    assert step(fold, Point(3, 1, "3", 5, 0, "", {}, ""), RULES) == "resolved"


FORGETFUL = RULES._replace(forget=30 * MINUTE)


def lives(points: list[Point], *, dropped: bool) -> list[object]:
    """Total, spells and history of an alert, whose state is dropped, or not, once it may be forgotten."""
    identity = Identity("default", "default", "nagios", "db1", "", "ping", "fault")
    state = AlertState(identity, FORGETFUL)
    for point in points:
        view = state.view
        if dropped and view.total and not view.raw and not view.flapping and point.time - view.last > FORGETFUL.forget:
            state = AlertState(identity, FORGETFUL)
        state.insert(point, watermark=-1)
    view = state.view
    return [view.total, view.spells, view.history, view.window, view.highest, view.count, view.reopened, view.open]


@given(st.lists(st.tuples(st.integers(1, 45), st.booleans()), max_size=30))
def test_what_is_forgotten_follows_from_the_times_of_events_not_from_when_the_state_is_dropped(
    told: list[tuple[int, bool]],
) -> None:
    points, minute = [], 0
    for number, (gap, bad) in enumerate(told):
        minute += gap
        points.append(Point(time_of(minute), int(not bad), f"e{number}", 3 if bad else 0, 0, "", {}, ""))
    assert lives(points, dropped=True) == lives(points, dropped=False)


@given(st.lists(st.tuples(st.integers(1, 45), st.booleans()), max_size=12), st.randoms(use_true_random=False))
def test_what_is_forgotten_does_not_depend_on_the_order_of_arrival(
    told: list[tuple[int, bool]], random: Random
) -> None:
    points, minute = [], 0
    for number, (gap, bad) in enumerate(told):
        minute += gap
        points.append(Point(time_of(minute), int(not bad), f"e{number}", 3 if bad else 0, 0, "", {}, ""))
    mixed = random.sample(points, len(points))
    assert lives(mixed, dropped=False) == lives(points, dropped=False)
