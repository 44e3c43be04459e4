"""The step of the models: metric samples in, events out. Keyed by series, so that it can be spread over workers."""

from __future__ import annotations

from typing import Protocol

from pipeline.clock import Clock
from pipeline.settings import FlowSettings
from pipeline.stages.trend import Trends
from pipeline.state import Table
from schemas.base import HOUR
from schemas.command import Command
from schemas.event import Event, EventKind, MetricSample


class Learned(Protocol):
    """Series of some sort that people can say something of."""

    def key_of(self, alert: str) -> str | None:
        """The series of which an alert tells."""
        ...

    def feedback(self, key: str, *, right: bool) -> float:
        """An anomaly of a series was worth it or not; its threshold is then what is returned."""
        ...

    def expect(self, key: str, until: int) -> None:
        """Nothing is to be said of a series until then."""
        ...


class TrendStep:
    """Any number of series. The caller moves its clock."""

    def __init__(self, settings: FlowSettings, clock: Clock) -> None:
        self.clock = clock
        self.trends = Trends(settings.models)
        self.learned: tuple[Learned, ...] = (self.trends,)
        self._enabled, self._shadow, self._skew = settings.models.enabled, settings.models.shadow, settings.time.skew

    @property
    def tables(self) -> list[Table[object]]:
        """The state, beside that of the clock."""
        return [self.trends.table]  # type: ignore[list-item]

    def begin(self, sample: MetricSample) -> MetricSample:
        """Begin with a sample. One from a clock that is ahead was measured when it was received."""
        self.clock.begin("samples")
        if sample.time - sample.received <= self._skew:
            return sample
        self.clock.count("samples ahead")
        return sample.model_copy(update={"time": sample.received})

    def events(self, sample: MetricSample) -> list[Event]:
        """Learn from the sample just begun with; what begins or ends with it."""
        if not self._enabled:
            return []
        if self.trends.full and not self.trends.knows(sample):
            self.clock.count("samples of too many series")
            return []
        events = self.trends.sample(sample)
        if not self._shadow:
            return events
        for event in events:
            if event.kind is EventKind.PROBLEM:
                self.clock.count(f"shadow {event.check.rpartition(' ')[2]}")
        return []

    def feedback(self, command: Command) -> tuple[str, str]:
        """What a person says of an anomaly or forecast, whose alert is the target: reason ("done" or not) and text."""
        verdict = command.arguments.get("verdict", "")
        found = ((series, series.key_of(command.target)) for series in self.learned)
        series, key = next(((series, key) for series, key in found if key is not None), (self.trends, None))
        if key is None:
            return "not-found", f"no series is known whose alert is {command.target!r}"
        if verdict in ("right", "wrong"):
            threshold = series.feedback(key, right=verdict == "right")
            text = f"an anomaly of this series now begins at a surprise of {threshold:.1f}"
        elif verdict == "expected":
            until = str(command.arguments.get("until", ""))
            if not until.isdigit():
                return "wrong-arguments", "expected needs until, a time in milliseconds since 1970"
            series.expect(key, int(until))
            text = "nothing is said of this series until then; it goes on learning"
        else:
            return "wrong-arguments", "verdict is one of right, wrong, expected"
        self.clock.count(f"feedback {verdict}")
        return "done", text

    def advance(self) -> None:
        """Forget, once an hour of event time, the series that are silent for long."""
        if self.clock.watermark >= self.trends.due:
            self.trends.forget(self.clock.watermark)

    def resume(self) -> None:
        """After a restore of the tables, the clock's included."""
        self.trends.due = (self.clock.watermark // HOUR + 1) * HOUR
