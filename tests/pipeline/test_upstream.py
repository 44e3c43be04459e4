"""How far time has come where it is told by several partitions."""

from __future__ import annotations

from pipeline.stages.fold import NEVER
from pipeline.upstream import Upstreams

IDLE = 120_000


def test_time_is_as_far_as_the_slowest_that_speaks() -> None:
    made = Upstreams(IDLE)
    made.told("a", 500, 1000)
    made.told("b", 300, 2000)
    assert made.least() == 300
    assert made.least_beside("b") == 500


def test_one_that_is_silent_for_long_is_left_out_until_it_speaks_again() -> None:
    made = Upstreams(IDLE)
    made.told("a", 500, 1000)
    made.told("b", 9000, 1001 + IDLE)
    assert made.least() == 9000
    made.told("a", 600, 2000 + IDLE)
    assert made.least() == 600


def test_one_that_rests_is_not_waited_for_until_it_speaks_again() -> None:
    made = Upstreams(IDLE)
    made.told("a", 500, 1000, rests=True)
    made.told("b", 9000, 1000)
    assert made.least() == 9000
    assert made.least_beside("b") == NEVER
    made.told("a", 700, 1001)
    assert made.least() == 700


def test_where_all_rest_time_is_as_far_as_the_newest_event() -> None:
    made = Upstreams(IDLE)
    made.told("a", 500, 1000, rests=True)
    made.told("b", 9000, 1000, rests=True)
    assert made.least() == 9000


def test_who_is_expected_and_never_spoke_is_waited_for_as_long_as_one_that_fell_silent() -> None:
    made = Upstreams(IDLE, ("a", "b"))
    made.told("a", 500, 1000)
    assert made.least() == 0
    made.told("a", 600, 1001 + IDLE)
    assert made.least() == 600
