"""Forecasts say when a bound is reached, and nothing where they can't know."""

import json
import math
import random

from models.forecast import Forecaster
from models.packed import text, untexted

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_700_006_400_000


def taught(values: list[float], step: int = 5 * MINUTE) -> Forecaster:
    forecaster = Forecaster()
    for at, value in enumerate(values):
        forecaster.learn_one(START + at * step, value)
    return forecaster


def test_a_disk_that_fills_steadily_is_full_when_the_line_says() -> None:
    chance = random.Random(1)
    forecast = taught([20.0 + 0.05 * at + chance.gauss(0.0, 0.2) for at in range(800)]).reaches(100.0)
    full = START + 1600 * 5 * MINUTE
    assert forecast is not None
    assert abs(forecast.at - full) < 0.1 * 800 * 5 * MINUTE
    assert forecast.earliest <= forecast.at <= forecast.latest


def test_a_falling_level_reaches_a_low_bound() -> None:
    chance = random.Random(2)
    forecast = taught([80.0 - 0.05 * at + chance.gauss(0.0, 0.2) for at in range(1000)]).reaches(0.0)
    assert forecast is not None
    assert abs(forecast.at - (START + 1600 * 5 * MINUTE)) < 12 * HOUR


def test_noise_without_a_trend_reaches_nothing() -> None:
    chance = random.Random(3)
    assert taught([50.0 + chance.gauss(0.0, 5.0) for _ in range(3000)]).reaches(100.0) is None


def test_the_morning_rise_of_each_day_is_no_trend() -> None:
    chance = random.Random(4)
    values = [50.0 - 20.0 * math.cos(at / 144 * math.pi) + chance.gauss(0.0, 1.0) for at in range(288 * 6 + 100)]
    assert taught(values).reaches(100.0) is None


def test_a_trend_away_from_the_bound_reaches_nothing() -> None:
    assert taught([80.0 - 0.05 * at for at in range(800)]).reaches(100.0) is None


def test_too_little_past_says_nothing() -> None:
    assert Forecaster().reaches(1.0) is None
    assert taught([1.0, 2.0, 3.0]).reaches(100.0) is None


def test_a_bound_out_of_sight_is_not_guessed_at() -> None:
    assert taught([20.0 + 0.001 * at for at in range(800)]).reaches(100.0) is None


def test_the_odds_rise_with_time() -> None:
    chance = random.Random(5)
    forecaster = taught([20.0 + 0.05 * at + chance.gauss(0.0, 1.0) for at in range(800)])
    odds = [forecaster.odds(100.0, days * DAY) for days in (1, 2, 3, 4)]
    assert odds == sorted(odds)
    assert odds[0] < 0.05
    assert odds[-1] > 0.95


def test_a_shape_that_breaks_its_own_forecasts_makes_them_silent() -> None:
    saw = [float(at % 40) for at in range(2000)]
    assert taught(saw, MINUTE * 10).reaches(60.0) is None


def test_a_state_put_back_goes_on_as_if_nothing_had_happened() -> None:
    chance = random.Random(6)
    values = [20.0 + 0.05 * at + chance.gauss(0.0, 1.0) for at in range(900)]
    whole, second = taught(values), Forecaster()
    second.load(untexted(json.loads(json.dumps(taught(values[:437]).dump(), default=text))))
    for at, value in enumerate(values[437:], start=437):
        second.learn_one(START + at * 5 * MINUTE, value)
    assert second.dump() == whole.dump()
    assert second.reaches(100.0) == whole.reaches(100.0)


def test_gaps_and_late_points_do_no_harm() -> None:
    forecaster = Forecaster()
    chance = random.Random(7)
    for at in range(1200):
        if not 500 <= at < 560:
            forecaster.learn_one(START + at * 5 * MINUTE, 20.0 + 0.04 * at + chance.gauss(0.0, 0.3))
    assert forecaster.learn_one(START, 1e9) is False
    forecast = forecaster.reaches(100.0)
    assert forecast is not None
    assert abs(forecast.at - (START + 2000 * 5 * MINUTE)) < 6 * HOUR
