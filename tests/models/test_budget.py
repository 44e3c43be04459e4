"""A series that speaks must wait, or be the more surprising."""

import pytest

from models.budget import MONTH, RISE, Budget

START = 1_704_067_200_000
DAY = 86_400_000


def test_a_known_series_that_never_spoke_is_asked_for_nothing_more() -> None:
    assert Budget(START).asks(START + MONTH) == 0.0
    assert Budget().asks(START) == 0.0


def test_a_new_series_begins_with_half_an_alarm_and_earns_it_back_in_half_a_month() -> None:
    budget = Budget(START)
    assert budget.asks(START) == pytest.approx(RISE / 2, abs=0.01)
    assert 0.0 < budget.asks(START + 14 * DAY) < budget.asks(START + 7 * DAY)
    assert budget.asks(START + 15 * DAY) == 0.0


def test_an_alarm_raises_what_is_asked_and_a_month_takes_it_back() -> None:
    budget = Budget()
    budget.spend(START, 1.0)
    assert budget.asks(START) == pytest.approx(RISE, abs=0.01)
    assert budget.asks(START + MONTH // 2) == pytest.approx(RISE / 2, abs=0.01)
    assert budget.asks(START + MONTH) == 0.0


def test_alarms_add_up() -> None:
    budget = Budget()
    for at in range(3):
        budget.spend(START + at * DAY, 1.0)
    assert budget.asks(START + 2 * DAY) == pytest.approx(RISE * (3 - 2 / 30), abs=0.05)


def test_a_series_that_was_ever_so_restless_is_heard_again() -> None:
    budget = Budget()
    for at in range(1000):
        budget.spend(START + at * DAY, 1.0)
    assert budget.asks(START + 1000 * DAY) <= 4 * RISE
    assert budget.asks(START + 1000 * DAY + 4 * MONTH) == 0.0


def test_an_alarm_that_nothing_could_have_held_back_costs_nothing() -> None:
    budget = Budget()
    budget.spend(START, 4 * RISE)
    assert budget.asks(START) == 0.0


def test_an_alarm_that_was_worth_it_does_not_count() -> None:
    budget, other = Budget(START), Budget(START)
    budget.spend(START + DAY, 1.0)
    budget.refund()
    assert budget.asks(START + 2 * DAY) == other.asks(START + 2 * DAY)


def test_a_state_put_back_asks_the_same() -> None:
    budget, other = Budget(START), Budget()
    budget.spend(START + 12_345_678, 1.0)
    other.load(budget.dump())
    assert other.asks(START + 98_765_432) == budget.asks(START + 98_765_432) > 0.0
