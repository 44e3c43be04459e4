"""All wiring, in one visible expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.alert_step import AlertStep
from pipeline.clock import Clock
from pipeline.output import Output
from pipeline.rate_step import RateStep
from pipeline.scope_step import ScopeStep
from pipeline.settings import FlowSettings
from pipeline.stages.change import AlertChange, transition_of
from pipeline.stages.fold import NEVER
from pipeline.state import Entry, Tables
from pipeline.trend_step import TrendStep
from schemas.alert import Alert, Placement
from schemas.base import Millis, Record
from schemas.command import Command
from schemas.event import Event, MetricSample
from schemas.incident import Incident


class Flow:
    """The whole core, for one process: events and commands in, records out. No I/O, no clock.

    It is the keyed steps, one behind the other, on one clock. A host that spreads them over processes gives each a
    clock of its own.

    The host feeds inputs one at a time in the order of its log; the same log gives the same outputs, byte for byte.
    Every method that takes an input returns the records that changed because of it, in order.
    """

    def __init__(self, settings: FlowSettings) -> None:
        self.settings = settings
        self.clock = Clock(settings.time.lateness)
        self.trend_step = TrendStep(settings, self.clock)
        self.alert_step = AlertStep(settings, self.clock)
        self.scope_step = ScopeStep(settings, self.clock)
        self.rate_step = RateStep(settings, self.clock, self.scope_step.inventory)
        self.trend_step.learned = (self.trend_step.trends, self.rate_step.trends)
        self.scope_step.desk.models = self.trend_step.feedback
        self._counting = self.rate_step.enabled
        if self._counting:
            self.scope_step.scope.counted = self.rate_step.tally.alert
            self.scope_step.practice.counted = self.rate_step.tally.incident
        self.intake = self.alert_step.intake
        self.scope, self.practice = self.scope_step.scope, self.scope_step.practice
        self.reference = self.scope_step.reference
        self.tables = Tables(
            [
                *(*self.clock.tables, *self.trend_step.tables, *self.alert_step.tables, *self.scope_step.tables),
                *self.rate_step.tables,
            ],
        )

    # -- inputs ----------------------------------------------------------------------------------------------------

    def event(self, event: Event) -> list[Output]:
        """One decoded event: skew -> watermark and timers -> dedup, flapping, hold -> enrich, suppress, correlate.

        It is counted where it is no duplicate; what is unusual about the counts comes back in `_advance`.
        """
        time = self.alert_step.time_of(event)
        self.scope.seq = self.clock.seq
        out = self._advance(time)
        change = self.alert_step.fold(event, time)
        if self._counting and self.intake.last_reason != "duplicate":
            self.rate_step.tally.event(event, time)
        return out if change is None else [*out, *self._changed(change)]

    def sample(self, sample: MetricSample) -> list[Output]:
        """One metric sample: watermark and timers -> models; what they say -> dedup, and all that follows."""
        sample = self.trend_step.begin(sample)
        self.intake.seq = self.scope.seq = self.clock.seq
        out = self._advance(sample.time)
        return [*out, *self._said(self.trend_step.events(sample))]

    def command(self, command: Command) -> list[Output]:
        """One thing asked for; the first output is the Reply, the second the AuditEntry."""
        self.scope_step.begin("commands")
        return self.scope_step.command(command)

    def put(self, record: Record, at: Millis) -> list[Output]:
        """Insert or replace one record of reference data (see `schemas.reference.Reference`), in force from `at` on."""
        self.scope_step.begin("reference")
        self.rate_step.tally.forget()
        return self.scope_step.put(record, at)

    def tick(self, now: Millis) -> list[Output]:
        """Time has passed without events: `now` is a time that the host has seen."""
        self.scope_step.begin("ticks")
        self.intake.seq = self.clock.seq
        return self._advance(now)

    # -- the way through -------------------------------------------------------------------------------------------

    def _advance(self, time: Millis) -> list[Output]:
        """Move the watermark and let happen what was waiting for it."""
        if not self.clock.advance(time):
            return []
        self.trend_step.advance()
        self.scope_step.advance()
        out: list[Output] = []
        for change in self.alert_step.advance():
            out += self._changed(change)
        while (fired := self.scope_step.fire()) is not None:
            out += fired
        if self.clock.watermark >= self.rate_step.due:
            for records, events in self.rate_step.final():
                out += records
                out += self._said(events)
        return out

    def _said(self, events: Iterable[Event]) -> list[Output]:
        """What the models say goes the way of all events, and is not counted with them."""
        out: list[Output] = []
        for event in events:
            self.intake.seq = self.scope.seq = self.clock.arrive(event.kind.value, event.source)
            change = self.alert_step.fold(event, event.time)
            if change is not None:
                out += self._changed(change)
        return out

    def _changed(self, change: AlertChange) -> list[Output]:
        """An alert changed: tell the correlating step."""
        return [transition_of(change), *self.scope_step.change(change)]

    # -- state -----------------------------------------------------------------------------------------------------

    def drain(self) -> list[Entry]:
        """State entries changed since the last drain; what a checkpoint must hold beside the input offsets."""
        return self.tables.drain()

    def restore(self, entries: Iterable[Entry]) -> None:
        """Put back what all drains so far held; only on a new flow."""
        self.tables.restore(entries)
        self.clock.resume()
        self.trend_step.resume()
        self.alert_step.resume()
        self.scope_step.resume()
        self.rate_step.resume()

    def export(self, alerts: bool = True) -> list[Alert | Placement]:
        """Current records of all alerts that changed since the last drain (repeats change counts without an output).

        A host that shows what is in memory off the state (see `stored_alert`) needs no `alerts` but those forgotten.

        What was forgotten meanwhile comes as it was last, so that it does not matter how often this is called.
        """
        return [*self.alert_step.export(alerts), *self.scope_step.export()]

    # -- reading ---------------------------------------------------------------------------------------------------

    def alerts(self) -> Iterable[Alert]:
        """All alerts in memory, current, in the order of their fingerprints."""
        for key in sorted(self.intake.alerts.live):
            record = self.intake.record(key)
            if record is not None:
                yield record

    def incidents(self) -> Iterable[Incident]:
        """All incidents in memory, current, in the order of their ids."""
        for incident in sorted(self.practice.by_id):
            yield self.practice.current(incident)

    def counters(self) -> Mapping[str, int]:
        """Exactly-once totals since the beginning: events by source and kind, repeats, late, ... Part of the state."""
        return self.clock.counters()

    def open_alerts(self) -> int:
        """How many spells are open."""
        return sum(1 for node in self.scope.nodes.live.values() if node.spell.end == NEVER)

    @property
    def high(self) -> int:
        """The newest event time seen."""
        return self.clock.high

    @property
    def watermark(self) -> int:
        """No event before this time is expected any more."""
        return self.clock.watermark
