"""Checkpoints are as often as asked for where there is time, and bounded both ways where there is not."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents.stream.worker.pace import LONGEST, SHARE, TOGETHER, Moment, Pace

EVERY = 5.0
STEP = 0.1


def test_busy_is_who_uses_the_cpu_or_does_not_keep_up() -> None:
    pace = Pace(Moment(0.0, 0.0))
    for used, handled, waiting, busy in (
        (0.9, 400, 0, True),
        (0.5, 400, 50, False),
        (0.5, 400, 401, True),  # others have the CPU
        (0.1, 0, 0, False),
        (0.1, 2, 20, False),  # a moment's messages
        (0.0, 0, 5000, True),
    ):
        pace.judge(0.0, used, handled, waiting)
        assert pace.busy is busy


def play(seconds: int, costs: list[float], *, busy: bool, cpu: float = 1.0) -> tuple[float, list[list[float]]]:
    """What partitions with checkpoints of these costs spend, and the times of each one's checkpoints.

    `cpu` is the part of a CPU that the worker gets.
    """
    pace = Pace(Moment(0.0, 0.0))
    pace.busy = busy
    times: list[list[float]] = [[0.0] for _ in costs]
    spent = 0.0
    for step in range(int(seconds / STEP)):
        now = step * STEP
        for cost, had in zip(costs, times, strict=True):
            if pace.due(Moment(now, now * cpu), Moment(had[-1], had[-1] * cpu), EVERY):
                had.append(now)
                spent += cost
                pace.spent(cost)
    return spent, times


def gaps(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


costs = st.lists(st.floats(0.0001, 0.5), min_size=1, max_size=8)


@given(costs)
def test_a_worker_with_time_to_spare_keeps_as_often_as_asked_for(given_costs: list[float]) -> None:
    _, times = play(100, given_costs, busy=False)
    assert all(EVERY <= gap < EVERY + 2 * STEP for had in times for gap in gaps(had))


shares = st.floats(0.1, 1.0)
"""Of a CPU: others may have the rest, or the process is stopped for a while."""


@given(costs, shares)
def test_a_busy_one_keeps_neither_too_often_nor_too_seldom(given_costs: list[float], cpu: float) -> None:
    _, times = play(200, given_costs, busy=True, cpu=cpu)
    assert all(gap >= EVERY and gap * cpu < LONGEST * EVERY + 2 * STEP for had in times for gap in gaps(had))


@given(st.lists(st.floats(0.0001, SHARE * EVERY), min_size=1, max_size=4), shares)
def test_a_busy_one_spends_its_share_where_that_is_enough_for_the_longest_gap(
    given_costs: list[float], cpu: float
) -> None:
    spent, _ = play(200, given_costs, busy=True, cpu=cpu)
    assert spent <= 200 * cpu * SHARE + 2 * SHARE * EVERY + max(given_costs)


def test_who_becomes_busy_has_saved_nothing_for_checkpoints_before() -> None:
    pace = Pace(Moment(0.0, 0.0))
    pace.judge(50.0, 0.9, 400, 0)
    assert not pace.due(Moment(100.0, 50.0), Moment(0.0, 45.0), EVERY)
    assert pace.due(Moment(100.1, 50.1), Moment(0.0, 45.0), EVERY)
    pace.spent(0.05)
    assert not pace.due(Moment(101.0, 51.0), Moment(0.0, 45.0), EVERY)
    pace.judge(51.0, 0.9, 400, 0)  # busy as before: what was spent is not forgotten
    assert not pace.due(Moment(101.1, 51.1), Moment(0.0, 45.0), EVERY)


def test_what_follows_is_sent_at_once_unless_there_is_more_to_do() -> None:
    pace = Pace(Moment(0.0, 0.0))
    assert all(pace.sends(at * 0.02, at) for at in range(1, 10))
    pace.busy = True
    assert not pace.sends(0.2, 20)
    assert pace.sends(0.22, 20)  # nothing was handled: nothing more comes
    assert not pace.sends(0.24, 21)


@given(st.lists(st.tuples(st.floats(0.0, 0.2), st.integers(0, 3)), max_size=100))
def test_what_a_busy_one_has_to_send_never_waits_for_long(looks: list[tuple[float, int]]) -> None:
    pace = Pace(Moment(0.0, 0.0))
    pace.busy = True
    clock, handled, sent = 0.0, 0, 0.0
    for after, more in looks:
        clock, handled = clock + after, handled + more
        if pace.sends(clock, handled):
            sent = clock
        assert clock - sent < TOGETHER
