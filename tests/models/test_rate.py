"""Counters become rates, and a reset is not taken for one."""

import json
import math

from models.rate import Counter


def test_the_rate_is_by_the_second() -> None:
    counter = Counter()
    assert [counter.rate_one(at * 10_000, at * 500.0) for at in range(3)] == [None, 50.0, 50.0]


def test_after_a_reset_counting_goes_on_from_the_new_value() -> None:
    counter = Counter()
    values = [1000.0, 2000.0, 10.0, 1010.0]
    assert [counter.rate_one(at * 1000, value) for at, value in enumerate(values)] == [None, 1000.0, None, 1000.0]


def test_what_is_no_number_or_no_newer_is_passed_over() -> None:
    counter = Counter()
    counter.rate_one(1000, 5.0)
    assert counter.rate_one(2000, math.nan) is None
    assert counter.rate_one(1000, 9.0) is None
    assert counter.rate_one(2000, 6.0) == 1.0


def test_the_state_is_plain_data() -> None:
    counter, other = Counter(), Counter()
    counter.rate_one(1000, 5.0)
    other.load(json.loads(json.dumps(counter.dump())))
    assert other.rate_one(2000, 8.0) == 3.0


def test_what_rounding_makes_of_an_even_pace_is_no_change() -> None:
    counter = Counter()
    rates = {counter.rate_one(at * 300_000, 0.02 * at) for at in range(1, 3000)}
    assert len(rates - {None}) == 1


def test_a_small_change_of_pace_is_one() -> None:
    counter = Counter()
    values = [0.0, 1000.0, 2000.0, 3000.001]
    rates = [counter.rate_one(at * 1000, value) for at, value in enumerate(values)]
    assert rates[2] == 1000.0
    assert rates[3] is not None
    assert rates[3] > 1000.0005
