"""What is let through after a rebalance is what comes next, and nothing before it."""

from __future__ import annotations

from agents.stream.worker.transport import Held

P, Q = ("metrics", 0), ("metrics", 1)


def held(*fetched: dict[tuple[str, int], list[int]]) -> Held:
    made = Held()
    for some in fetched:
        made.fetched(some)
        made.keep(some)
    return made


def test_what_was_fetched_waits_in_order_until_its_partition_is_let_through() -> None:
    kept = held({P: [1, 2], Q: [7]}, {P: [3]})
    assert kept.take({Q}) == {Q: [7]}
    assert kept.take({P, Q}) == {P: [1, 2, 3]}
    assert kept.take({P, Q}) == {}


def test_what_was_fetched_before_we_went_elsewhere_is_dropped() -> None:
    kept = held({P: [8, 9], Q: [7]})
    kept.sought([P])
    assert kept.take({P, Q}) == {Q: [7]}


def test_what_is_fetched_after_it_is_not_put_behind_what_was_there_before() -> None:
    kept = held({P: [8, 9]})
    kept.sought([P])
    kept.fetched({P: [4]})
    kept.keep({P: [4]})
    assert kept.take({P}) == {P: [4]}


def test_a_fetch_that_is_told_of_late_counts_as_of_when_it_was() -> None:
    kept = Held()
    kept.fetched({P: [8]})
    kept.sought([P])
    kept.keep({P: [8]})
    assert kept.take({P}) == {}
