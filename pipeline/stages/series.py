"""What is kept of one series of samples: its models, and whether something was said of it."""

from __future__ import annotations

import marshal
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import orjson

from models.alarm import Alarm
from models.budget import Budget
from models.catalogue.lookup import Indicator
from models.detector import Detector
from models.forecast import Forecaster
from models.packed import text, untexted
from models.rate import Counter
from pipeline.state import Entry, Table
from schemas.base import exact

AWAKE = 2048
"""Series that are held ready to learn; all others are packed, which takes a third of the memory."""
_TIME = 8
"""Bytes before a packed series: when its last point was."""


class Series:
    """The models of one series. Size and cost per point don't grow."""

    __slots__ = (
        *("alarm", "budget", "counter", "detector", "expected_until", "forecaster"),
        *("predicted", "settled", "told"),
    )

    def __init__(self, threshold: float, counting: bool, first: int = 0) -> None:
        self.detector = Detector()
        self.budget = Budget(first)
        self.forecaster = Forecaster()
        self.alarm = Alarm(threshold)
        self.counter = Counter() if counting else None
        self.told = self.predicted = 0
        """When the anomaly that is on was last told, and the forecast; 0 where there is none."""
        self.expected_until = 0
        self.settled = 0

    @property
    def time(self) -> int:
        """When its last point was; 0 before there was any."""
        return self.forecaster.time if self.counter is None else self.counter.time or 0

    def dump(self) -> list[Any]:
        """The state as plain data."""
        return [
            *(self.detector.dump(), self.forecaster.dump(), self.alarm.dump()),
            self.counter.dump() if self.counter is not None else None,
            *(self.predicted, self.told, self.expected_until, self.settled, self.alarm.threshold),
            self.budget.dump(),
        ]


def load(state: list[Any]) -> Series:
    """The inverse of `Series.dump`; of what was written before series had a budget, all of it is left."""
    detector, forecaster, alarm, counter, predicted, told, expected_until, settled, threshold, *budget = state
    series = Series(threshold, counter is not None)
    series.detector.load(detector)
    series.forecaster.load(forecaster)
    series.alarm.load(alarm)
    if budget:
        series.budget.load(budget[0])
    if series.counter is not None:
        series.counter.load(counter)
    series.predicted, series.told = predicted, told
    series.expected_until, series.settled = expected_until, settled
    return series


class SeriesTable(Table[bytes]):
    """All series by key, most of them packed. Which of them are awake makes no difference to what comes out.

    Packed means `marshal`, which is quick and is read by nobody but this process; what is written is JSON.
    """

    __slots__ = ("_awake",)

    def __init__(self, name: str) -> None:
        super().__init__(name, bytes, lambda _, value: value)
        self._awake: OrderedDict[str, Series] = OrderedDict()

    def find(self, key: str) -> Series | None:
        """The series, awake; say `touch` after changing it."""
        series = self._awake.get(key)
        if series is not None:
            self._awake.move_to_end(key)
            return series
        packed = self.live.get(key)
        if packed is None:
            return None
        series = load(marshal.loads(packed[_TIME:]))
        self._wake(key, series)
        return series

    def add(self, key: str, series: Series) -> None:
        """Put in a new series."""
        self._wake(key, series)
        self.touch(key)

    def _wake(self, key: str, series: Series) -> None:
        self.live[key] = b""
        self._awake[key] = series
        if len(self._awake) > AWAKE:
            oldest, other = self._awake.popitem(last=False)
            self.live[oldest] = _packed(other.time, other.dump())

    def __delitem__(self, key: str) -> None:
        self._awake.pop(key, None)
        super().__delitem__(key)

    def times(self) -> Iterator[tuple[str, int]]:
        """Each key with when its last point was."""
        for key, packed in self.live.items():
            yield key, int.from_bytes(packed[:_TIME], "little") if packed else self._awake[key].time

    def entry(self, key: str) -> Entry:
        """One entry as it is now; without a value where there is none."""
        packed = self.live.get(key)
        if packed is None:
            return Entry(self.name, key, None)
        state = marshal.loads(packed[_TIME:]) if packed else self._awake[key].dump()
        return Entry(self.name, key, exact(orjson.dumps(state, text)))

    def restore(self, key: str, value: bytes) -> None:
        """Put back one entry of a checkpoint, packed."""
        state = untexted(orjson.loads(value))
        self.live[key] = _packed(load(state).time, state)


def _packed(time: int, state: list[Any]) -> bytes:
    return time.to_bytes(_TIME, "little") + marshal.dumps(state)


def bound(indicator: Indicator | None) -> float | None:
    """The bound that a growing (or falling) indicator must not reach; None where there is none."""
    if indicator is None or indicator.counter:
        return None
    return indicator.high if indicator.bad == "up" else indicator.low if indicator.bad == "down" else None
