"""What the store holds of the series that are learned, as a person wants to see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson

from models.packed import untexted
from pipeline.stages.series import load
from pipeline.state import Entry


class Watched(NamedTuple):
    """One series. Times in milliseconds since 1970; `bytes` is what it takes in the store."""

    tenant: str
    resource: str
    component: str
    metric: str
    labels: str
    points: int
    last: int
    usual: float
    threshold: float
    anomaly: bool
    forecast: bool
    expected_until: int
    bytes: int


def watched(entries: Iterable[Entry]) -> Iterator[Watched]:
    """The series of the entries of a store's table."""
    for entry in entries:
        value = entry.value or b""
        series = load(untexted(orjson.loads(value)))
        tenant, resource, component, metric, *labels = entry.key.split("\x1f")
        yield Watched(
            tenant,
            resource,
            component,
            metric,
            " ".join(labels),
            series.detector.points,
            series.time,
            series.detector.usual,
            series.alarm.threshold,
            series.alarm.open,
            bool(series.predicted),
            series.expected_until,
            len(value),
        )
