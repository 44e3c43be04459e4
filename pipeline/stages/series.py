"""What is kept of one series of samples: its models, and whether something was said of it."""

from __future__ import annotations

from typing import Any

from models.alarm import Alarm
from models.catalogue.lookup import Indicator
from models.detector import Detector
from models.forecast import Forecaster
from models.rate import Counter


class Series:
    """The models of one series. Size and cost per point don't grow."""

    __slots__ = (
        "alarm",
        "counter",
        "detector",
        "expected_until",
        "forecaster",
        "peak",
        "predicted",
        "settled",
        "time",
        "told",
    )

    def __init__(self, threshold: float, counting: bool) -> None:
        self.detector = Detector()
        self.forecaster = Forecaster()
        self.alarm = Alarm(threshold)
        self.counter = Counter() if counting else None
        self.told = self.predicted = 0
        """When the anomaly that is on was last told, and the forecast; 0 where there is none."""
        self.peak = 0.0
        self.time = 0
        self.expected_until = 0
        self.settled = 0

    def dump(self) -> list[Any]:
        """The state as plain data."""
        return [
            *(self.detector.dump(), self.forecaster.dump(), self.alarm.dump()),
            self.counter.dump() if self.counter is not None else None,
            *(self.predicted, self.peak, self.time, self.expected_until, self.settled, self.alarm.threshold, self.told),
        ]


def load(state: list[Any]) -> Series:
    """The inverse of `Series.dump`."""
    detector, forecaster, alarm, counter, predicted, peak, time, expected_until, settled, threshold, told = state
    series = Series(threshold, counter is not None)
    series.detector.load(detector)
    series.forecaster.load(forecaster)
    series.alarm.load(alarm)
    if series.counter is not None:
        series.counter.load(counter)
    series.predicted, series.told, series.peak, series.time = predicted, told, peak, time
    series.expected_until, series.settled = expected_until, settled
    return series


def bound(indicator: Indicator | None) -> float | None:
    """The bound that a growing (or falling) indicator must not reach; None where there is none."""
    if indicator is None or indicator.counter:
        return None
    return {"up": indicator.high, "down": indicator.low}.get(indicator.bad)
