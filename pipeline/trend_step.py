"""The step of the models: metric samples in, events out. Keyed by series, so that it can be spread over workers."""

from __future__ import annotations

from pipeline.clock import Clock
from pipeline.settings import FlowSettings
from pipeline.stages.trend import Trends
from pipeline.state import Table
from schemas.base import HOUR
from schemas.event import Event, MetricSample


class TrendStep:
    """Any number of series. The caller moves its clock."""

    def __init__(self, settings: FlowSettings, clock: Clock) -> None:
        self.clock = clock
        self.trends = Trends(settings.models)
        self._enabled, self._skew = settings.models.enabled, settings.time.skew

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
        return self.trends.sample(sample)

    def advance(self) -> None:
        """Forget, once an hour of event time, the series that are silent for long."""
        if self.clock.watermark >= self.trends.due:
            self.trends.forget(self.clock.watermark)

    def resume(self) -> None:
        """After a restore of the tables, the clock's included."""
        self.trends.due = (self.clock.watermark // HOUR + 1) * HOUR
