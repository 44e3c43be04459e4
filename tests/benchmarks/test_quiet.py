"""Ordinary samples beside a day of alerts open no incident of their own."""

import pytest

from benchmarks.quiet import recorded_day


@pytest.mark.slow
def test_ordinary_samples_beside_the_recorded_day_open_nothing() -> None:
    found = recorded_day()
    assert found["samples"] > 100_000
    assert found["opened_by_samples"] == 0
    assert found["incidents_with"] == found["incidents_without"] > 0
