"""When an incident is told: gathered, never too often, never an end without a beginning, and nothing is left out."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.practices.notify import Decision, NotifyTiming, Reason, Told, decide, firing
from schemas.base import HOUR, MINUTE, SECOND
from schemas.incident import IncidentStatus
from tests.agents.cli.made import incident

TIMING = NotifyTiming()
NONE: frozenset[str] = frozenset()
A, B, AB = frozenset("a"), frozenset("b"), frozenset("ab")


@pytest.mark.parametrize(
    ("now_firing", "told", "decision"),
    [
        (A, None, (Reason.FIRST, 1000 + 30 * SECOND)),
        (NONE, None, None),
        (NONE, Told(5000, NONE), None),
        (A, Told(5000, A), (Reason.REPEAT, 5000 + 4 * HOUR)),
        (AB, Told(5000, A), (Reason.NEW_ALERTS, 5000 + 5 * MINUTE)),
        (B, Told(5000, A), (Reason.NEW_ALERTS, 5000 + 5 * MINUTE)),
        (A, Told(5000, AB), (Reason.SOME_RESOLVED, 5000 + 5 * MINUTE)),
        (NONE, Told(5000, AB), (Reason.ALL_RESOLVED, 5000 + 5 * MINUTE)),
    ],
)
def test_each_case_has_its_reason_and_time(
    now_firing: frozenset[str], told: Told | None, decision: tuple[Reason, int] | None
) -> None:
    assert decide(now_firing, 1000, told, TIMING) == (None if decision is None else Decision(*decision))


def test_what_is_over_fires_no_more() -> None:
    assert firing(incident()) == {"aaaa1111", "bbbb2222"}
    assert firing(incident(status=IncidentStatus.RESOLVED)) == NONE


class Notice(NamedTuple):
    at: int
    reason: Reason
    firing: frozenset[str]


spans = st.builds(
    lambda wait, interval, more: NotifyTiming(
        group_wait=wait, group_interval=interval, repeat_interval=interval + more
    ),
    st.integers(0, 50),
    st.integers(1, 100),
    st.integers(1, 400),
)
changes = st.lists(st.tuples(st.integers(1, 120), st.frozensets(st.sampled_from("abc"))), max_size=25)


def told_of(steps: list[tuple[int, frozenset[str]]], timing: NotifyTiming, until: int) -> list[Notice]:
    """What a host tells that looks each millisecond, when alerts change after some milliseconds each."""
    at = 0
    at_times = {}
    for after, state in steps:
        at += after
        at_times[at] = state
    now_firing, since, told, notices = NONE, 0, None, []
    for now in range(at + until):
        if now in at_times:
            if told is None and not now_firing:
                since = now
            now_firing = at_times[now]
        decision = decide(now_firing, since, told, timing)
        if decision is not None and decision.at <= now:
            notices.append(Notice(now, decision.reason, now_firing))
            told = Told(now, now_firing) if now_firing else None
            since = now
    return notices


@given(changes, spans)
def test_a_receiver_ends_with_what_fires_and_was_never_told_too_often(
    steps: list[tuple[int, frozenset[str]]], timing: NotifyTiming
) -> None:
    notices = told_of(steps, timing, timing.group_wait + timing.group_interval + 1)
    last = steps[-1][1] if steps else NONE
    assert (notices[-1].firing if notices else NONE) == last
    seen = NONE
    for before, notice in zip([None, *notices], notices, strict=False):
        if before is not None and before.firing:
            wait = timing.repeat_interval if notice.reason is Reason.REPEAT else timing.group_interval
            assert notice.at - before.at >= wait
        assert _fits(notice, seen)
        seen = notice.firing


def _fits(notice: Notice, seen: frozenset[str]) -> bool:
    """Whether a reason says what a receiver sees that was told `seen` before."""
    return {
        Reason.FIRST: not seen and bool(notice.firing),
        Reason.NEW_ALERTS: bool(seen) and bool(notice.firing - seen),
        Reason.ALL_RESOLVED: bool(seen) and not notice.firing,
        Reason.SOME_RESOLVED: bool(notice.firing) and notice.firing < seen,
        Reason.REPEAT: bool(seen) and notice.firing == seen,
    }[notice.reason]


@given(spans, st.integers(1, 6))
def test_what_goes_on_firing_is_told_again_and_again(timing: NotifyTiming, times: int) -> None:
    notices = told_of([(1, A)], timing, timing.group_wait + times * timing.repeat_interval + 1)
    assert [notice.reason for notice in notices] == [Reason.FIRST] + [Reason.REPEAT] * times


@given(spans)
def test_what_heals_before_it_was_told_is_never_told(timing: NotifyTiming) -> None:
    steps = [(1, A), (timing.group_wait, NONE)] if timing.group_wait else [(1, NONE)]
    assert told_of(steps, timing, 1000) == []
