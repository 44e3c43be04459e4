"""One anomaly begins once, and is over when it is."""

from models.alarm import Alarm, rarity


def begun(alarm: Alarm, scores: list[float]) -> list[int]:
    return [at for at, score in enumerate(scores) if alarm.step(score)]


def test_what_goes_on_is_one_anomaly() -> None:
    assert begun(Alarm(10.0), [0.0] * 10 + [20.0] * 500) == [10]


def test_after_the_rest_a_new_one_begins() -> None:
    assert begun(Alarm(10.0), [20.0] + [0.0] * 40 + [20.0]) == [0, 41]


def test_inside_the_rest_nothing_begins() -> None:
    assert begun(Alarm(10.0), [20.0, 0.0, 20.0, 0.0, 20.0]) == [0]


def test_it_stays_open_above_half_of_the_threshold() -> None:
    alarm = Alarm(10.0)
    begun(alarm, [20.0] + [6.0] * 200)
    assert alarm.open
    begun(alarm, [4.0])
    assert not alarm.open


def test_more_may_be_asked_for_than_the_threshold_and_what_goes_on_is_not_asked() -> None:
    alarm = Alarm(10.0)
    assert not alarm.step(12.0, more=3.0)
    assert alarm.step(13.0, more=3.0)
    begun(alarm, [6.0] * 200)
    assert alarm.open


def test_higher_is_rarer() -> None:
    assert rarity(20.0) > 8 * rarity(15.0)
