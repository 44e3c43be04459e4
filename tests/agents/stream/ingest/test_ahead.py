"""Which partitions wait for others, by what was read of them and what is left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.stream.clients import Partition, partition
from agents.stream.ingest.ahead import AHEAD, BEHIND, MOST, STALLED, Ahead

NOW = 1_714_521_600_000
ONE, TWO, THREE = (partition("raw.native", number) for number in range(3))


def ahead_of(left: dict[Partition, int | None], **times: int) -> Ahead:
    """Partitions ONE and TWO, read up to these times before now."""
    made = Ahead(left.get)
    for one, time in zip((ONE, TWO), (times["one"], times["two"]), strict=True):
        made.read(one, NOW - time, NOW)
    return made


def test_what_is_more_than_an_hour_ahead_waits_until_the_slowest_has_come_as_far() -> None:
    found = ahead_of({ONE: BEHIND, TWO: 1}, one=5 * AHEAD, two=3 * AHEAD)
    assert found.waiting(NOW) == {TWO}
    found.read(ONE, NOW - 4 * AHEAD, NOW)
    assert found.waiting(NOW) == set()


def test_nobody_waits_for_a_partition_that_is_nearly_read_or_stands_still() -> None:
    for left in (BEHIND - 1, 0, None):
        assert ahead_of({ONE: left, TWO: BEHIND}, one=5 * AHEAD, two=0).waiting(NOW) == set()
    found = ahead_of({ONE: BEHIND, TWO: BEHIND}, one=5 * AHEAD, two=0)
    assert found.waiting(NOW + STALLED - 1) == {TWO}
    assert found.waiting(NOW + STALLED) == set()


def test_what_is_read_to_its_end_does_not_wait() -> None:
    """It would be told of late when something comes."""
    assert ahead_of({ONE: BEHIND, TWO: 0}, one=5 * AHEAD, two=0).waiting(NOW) == set()


def test_a_clock_that_is_years_ahead_counts_as_ours() -> None:
    found = ahead_of({ONE: BEHIND, TWO: BEHIND}, one=AHEAD, two=-1000 * AHEAD)
    assert found.waiting(NOW) == set()


def test_a_clock_that_is_years_behind_holds_others_for_some_seconds_only() -> None:
    found = ahead_of({ONE: BEHIND, TWO: BEHIND}, one=NOW, two=0)
    assert found.waiting(NOW) == {TWO}
    found.read(ONE, 0, NOW + MOST)
    assert found.waiting(NOW + MOST) == set()


def test_partitions_that_are_read_again_are_where_they_are_read() -> None:
    found = ahead_of({ONE: BEHIND, TWO: BEHIND}, one=5 * AHEAD, two=0)
    found.forget()
    assert found.waiting(NOW) == set()
    found.read(TWO, NOW - 6 * AHEAD, NOW)
    found.read(ONE, NOW - 5 * AHEAD, NOW)
    assert found.waiting(NOW) == set()


READS = st.lists(st.tuples(st.sampled_from([ONE, TWO, THREE]), st.integers(0, 20 * AHEAD), st.integers(0, 2 * BEHIND)))


@given(READS)
def test_never_do_all_wait(reads: list[tuple[Partition, int, int]]) -> None:
    left: dict[Partition, int] = {}
    found = Ahead(left.get)
    for one, time, more in reads:
        left[one] = more
        found.read(one, time, NOW)
        waiting = found.waiting(NOW)
        assert not waiting or any(left[other] >= BEHIND for other in left.keys() - waiting)
        assert all(left[waits] for waits in waiting)
