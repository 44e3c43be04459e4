"""The step of the stream's own trends: what comes in and what becomes of it is counted; what is unusual is said."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.clock import Clock
from pipeline.settings import FlowSettings
from pipeline.stages.enrich import Inventory
from pipeline.stages.rates import RateTrends
from pipeline.stages.tally import NEVER, Tally
from pipeline.state import Table
from schemas.base import HOUR
from schemas.event import Event, EventKind
from schemas.rates import Rates


class RateStep:
    """Counts in event time, by interval. The caller moves its clock, and says what there is to count."""

    def __init__(self, settings: FlowSettings, clock: Clock, inventory: Inventory) -> None:
        rates, models = settings.models.rates, settings.models
        self.clock = clock
        self.tally = Tally(inventory, rates.interval, settings.time.lateness, rates.most)
        self.trends = RateTrends(rates, inventory, models.again, models.forget)
        self.enabled = rates.enabled
        if not rates.enabled:
            self.tally.due = NEVER
        self._silent, self._shadow, self._lateness = not models.enabled, models.shadow, settings.time.lateness
        self._due = 0

    @property
    def tables(self) -> list[Table[object]]:
        """The state, beside that of the clock."""
        return [self.tally.intervals, self.trends.table, self.trends.quiet]  # type: ignore[list-item]

    @property
    def due(self) -> int:
        """The watermark at which `final` has something to tell."""
        return self.tally.due

    def final(self) -> Iterator[tuple[list[Rates], list[Event]]]:
        """The intervals that the watermark has passed: their records, and the anomalies that begin or end."""
        watermark = self.clock.watermark
        for counted in self.tally.final(watermark):
            records, events = self.trends.take(counted, self._lateness, learn=not self._silent)
            if self._shadow:
                for event in events:
                    if event.kind is EventKind.PROBLEM:
                        self.clock.count("shadow rate anomaly")
                events = []
            yield records, events
        if watermark >= self._due:
            self._due = (watermark // HOUR + 1) * HOUR
            self.trends.forget(watermark)

    def resume(self) -> None:
        """After a restore of the tables, the clock's included."""
        if self.enabled:
            self.tally.resume(self.clock.watermark)
        self._due = (self.clock.watermark // HOUR + 1) * HOUR
        self.trends.resume()
