"""The scorer against the protocol's own definitions, reckoned by hand."""

import math

import pytest

from benchmarks.nab_score import Profile, judge, normalised, probation, sigmoid

STANDARD = Profile("standard", 1.0, 0.11, 1.0)
ROWS = 1000
WINDOW = (500, 599)


def test_the_beginning_is_not_judged() -> None:
    assert probation(1000) == 150
    assert probation(100_000) == 750
    assert judge(ROWS, [WINDOW], [10, 149], STANDARD) == judge(ROWS, [WINDOW], [], STANDARD)


def test_the_sigmoid_falls_from_one_to_minus_one() -> None:
    assert sigmoid(-1.0) == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    assert sigmoid(0.0) == 0.0
    assert sigmoid(3.1) == -1.0


def test_the_first_row_of_each_window_is_perfect() -> None:
    assert normalised([judge(ROWS, [WINDOW, (800, 849)], [500, 800], STANDARD)]) == pytest.approx(100.0)


def test_nothing_detected_is_zero() -> None:
    assert normalised([judge(ROWS, [WINDOW], [], STANDARD)]) == 0.0


def test_only_the_first_detection_in_a_window_counts() -> None:
    assert judge(ROWS, [WINDOW], [550, 551, 599], STANDARD) == judge(ROWS, [WINDOW], [550], STANDARD)


def test_a_late_detection_is_worth_less() -> None:
    late = judge(ROWS, [WINDOW], [550], STANDARD).raw
    assert late == pytest.approx(sigmoid(-0.5) / sigmoid(-1.0))


def test_a_detection_before_any_window_costs_the_full_weight() -> None:
    assert judge(ROWS, [WINDOW], [300, 500], STANDARD).raw == pytest.approx(1.0 - 0.11)


def test_a_detection_soon_after_a_window_costs_less() -> None:
    soon = judge(ROWS, [WINDOW], [500, 609], STANDARD).raw
    assert soon == pytest.approx(1.0 + 0.11 * sigmoid(10 / 99))
    assert judge(ROWS, [WINDOW], [500, 950], STANDARD).raw == pytest.approx(1.0 - 0.11)


def test_a_missed_window_costs_by_the_profile() -> None:
    low_fn = Profile("low_fn", 1.0, 0.11, 2.0)
    assert judge(ROWS, [WINDOW], [], low_fn).raw == -2.0
    assert judge(ROWS, [WINDOW], [500], low_fn).found == 1
