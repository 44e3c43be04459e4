"""What comes every day at the same time is a habit."""

import pytest

from models.habit import Habit

DAY, HOUR = 86_400_000, 3_600_000


def lived(hour: float, days: int) -> Habit:
    habit = Habit()
    for day in range(days):
        for slot in range(48):
            at = day * DAY + slot * HOUR // 2
            habit.learn(at, 20.0 if slot == int(hour * 2) else 1.0)
    return habit


def test_a_surprise_of_each_night_is_discounted_at_night_alone() -> None:
    habit = lived(3.0, 20)
    assert habit.discount(20 * DAY + 3 * HOUR, 20.0) == pytest.approx(0.8 * 13.0, rel=0.05)
    assert habit.discount(20 * DAY + 15 * HOUR, 20.0) == 0.0


def test_the_first_time_is_news() -> None:
    assert Habit().discount(3 * HOUR, 20.0) == 0.0


def test_a_greater_one_than_usual_is_news_by_what_it_is_greater() -> None:
    habit = lived(3.0, 20)
    at = 20 * DAY + 3 * HOUR
    assert 40.0 - habit.discount(at, 40.0) > 20.0 + 20.0 - habit.discount(at, 20.0) - 1.0
