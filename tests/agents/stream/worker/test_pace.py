"""Checkpoints are as often as asked for where there is time, and bounded both ways where there is not."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents.stream.worker.pace import LONGEST, SHARE, Moment, Pace

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
        pace.judge(used, handled, waiting)
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
