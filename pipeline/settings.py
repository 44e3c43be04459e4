"""Everything about the flow that a user can set. Times are milliseconds; files may say "5m" (see `parse_duration`)."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from schemas.base import DAY, HOUR, MINUTE, SECOND, Record
from schemas.reference import Calendar, Change, CorrelationRule, HoldRule, InhibitionRule, ServiceTarget, Silence
from schemas.severity import Severity

_UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def parse_duration(value: object) -> object:
    """Turn "90s", "5m", "1h30m" or a number of milliseconds into milliseconds; leave the rest to pydantic."""
    if not isinstance(value, str):
        return value
    parts = re.findall(r"(\d+)(ms|s|m|h|d)", value)
    if not parts or "".join(number + unit for number, unit in parts) != value.replace(" ", ""):
        raise ValueError("a duration is like 30s, 5m, 1h30m or 1d, or a whole number of milliseconds")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


Span = Annotated[int, BeforeValidator(parse_duration), Field(ge=0, le=366 * DAY)]
Share = Annotated[float, Field(gt=0, lt=1)]


class TimeSettings(Record):
    """Event time."""

    lateness: Span = Field(default=3 * MINUTE, description="How late an event may come and still be put in its place.")
    idle: Span = Field(
        default=2 * MINUTE, description="A partition silent for this long no longer holds the watermark."
    )
    skew: Span = Field(default=30 * SECOND, description="A steady clock error beyond this is corrected.")


class DedupSettings(Record):
    """Folding of repeats."""

    reopen: Span = Field(default=5 * MINUTE, description="A problem this soon after its resolution reopens the spell.")
    expire: Span = Field(default=DAY, description="An open alert without news for this long ends by itself.")
    remember: Span = Field(default=DAY, description="How long an ended alert's identity is remembered.")


class FlappingSettings(Record):
    """Weighted share of state changes over the last 20 checks."""

    start: Share = Field(default=0.30, description="Above this share it flaps.")
    stop: Share = Field(
        default=0.25, description="At this share or less it is steady again; in between nothing changes."
    )
    steady: Span = Field(default=5 * MINUTE, description="This long without news counts as one check without change.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.stop >= self.start:
            raise ValueError("stop must be below start")
        return self


class CorrelateSettings(Record):
    """What counts as evidence, and for how long."""

    same_item: Span = Field(default=10 * MINUTE, description="Two alerts of one item.")
    depends: Span = Field(
        default=5 * MINUTE, description="An alert behind another one, one relation apart; shrinks with distance."
    )
    before: Span = Field(default=3 * MINUTE, description="How much earlier than its cause an effect may be seen.")
    active: Span = Field(default=30 * MINUTE, description="An alert behind a thing that is still down.")
    common_cause: Span = Field(default=3 * MINUTE, description="Alerts behind one silent item.")
    coverage: Share = Field(default=0.5, description="Share of a silent item's direct dependants that must alert.")
    change: Span = Field(default=30 * MINUTE, description="Alerts on the items of a change after it began.")
    rare_label: Span = Field(default=2 * MINUTE, description="Alerts that share a rare label or word; 0 for never.")
    rare_share: Share = Field(default=0.005, description="Rare is what at most this share of the recent alerts had.")
    rare_history: Span = Field(default=DAY, ge=MINUTE, description="How far back that is counted.")
    rare_after: int = Field(
        default=100, ge=1, description="Nothing counts as rare before so many alerts were seen in that time."
    )
    hops: int = Field(default=4, ge=1, le=8, description="How many relations apart still counts.")
    rules: tuple[CorrelationRule, ...] = ()


class IncidentSettings(Record):
    """When an incident opens, how it is ranked by priority, when it closes."""

    open_at: Severity = Field(
        default=Severity.MAJOR, description="At least one alert as bad as this opens an incident."
    )
    open_count: int = Field(default=3, ge=1, description="Or this many alerts below it, on at least two items.")
    open_anomalies: int = Field(
        default=12, ge=1, description="Of what the models say so many are needed instead; both kinds add up."
    )
    close_after: Span = Field(default=HOUR, description="Resolved for this long, it is closed.")
    report_every: Span = Field(default=30 * SECOND, description="Growth is told this often.")
    priority: tuple[tuple[int, int, int, int], ...] = Field(
        default=((1, 1, 2, 4), (1, 2, 3, 4), (2, 3, 3, 4)), description="Rows impact 1 to 3, columns urgency 1 to 4."
    )
    targets: tuple[ServiceTarget, ...] = (
        ServiceTarget(priority=1, own=15 * MINUTE, resolve=4 * HOUR),
        ServiceTarget(priority=2, own=30 * MINUTE, resolve=8 * HOUR),
        ServiceTarget(priority=3, own=2 * HOUR, resolve=DAY),
        ServiceTarget(priority=4, own=8 * HOUR, resolve=3 * DAY),
    )
    calendars: tuple[Calendar, ...] = (Calendar(id="always"),)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.priority) != 3 or any(not 1 <= cell <= 5 for row in self.priority for cell in row):
            raise ValueError("priority needs three rows of four numbers from 1 to 5")
        known = {calendar.id for calendar in self.calendars}
        missing = sorted({target.calendar for target in self.targets} - known)
        if missing:
            raise ValueError(f"unknown calendar {missing[0]!r}; known: {', '.join(sorted(known))}")
        return self


class ScopeSettings(Record):
    """The shard of correlation."""

    by: Literal["tenant", "label"] = Field(
        default="tenant",
        description="Faults of different scopes never meet: one for each tenant, or each value of a label.",
    )
    label: str = Field(default="", description="With by: label, the label that names the part of the tenant.")


class RateSettings(Record):
    """How often events come, alerts begin and incidents open, by source, service, kind of fault and item."""

    enabled: bool = Field(default=False, description="True: they are counted, which takes up to a tenth of the core.")
    interval: Span = Field(
        default=5 * MINUTE, ge=MINUTE, le=30 * MINUTE, description="Counted for so long each; items by the hour."
    )
    threshold: float = Field(
        default=20.0, ge=1, le=1000, description="Surprise at which an anomaly begins, as that of samples."
    )
    least: int = Field(default=20, ge=1, description="Fewer in one interval are never too many; of incidents, than 3.")
    most: int = Field(
        default=10_000, ge=0, description="Series that are learned at once, and different keys in one interval."
    )

    @model_validator(mode="after")
    def _even(self) -> Self:
        if HOUR % self.interval:
            raise ValueError("an hour must be a whole number of intervals")
        return self


class ModelSettings(Record):
    """What is learned of metric samples, and when a series is worth an event."""

    enabled: bool = Field(default=True, description="False: samples are counted and nothing more.")
    shadow: bool = Field(
        default=False, description="True: all is learned, and what would have been told is only counted."
    )
    threshold: float = Field(
        default=16.0, ge=1, le=1000, description="Surprise at which an anomaly begins; one more is half as often."
    )
    ahead: Span = Field(default=7 * DAY, description="A bound that is reached later than that is not told of.")
    certain: Share = Field(
        default=0.8, description="Nor one that is reached with lower odds than that by the end of the interval."
    )
    again: Span = Field(
        default=12 * HOUR,
        ge=MINUTE,
        description="What goes on is told again after this long, so that it does not expire.",
    )
    forget: Span = Field(default=30 * DAY, ge=HOUR, description="A series that is silent for so long is forgotten.")
    most: int = Field(
        default=100_000,
        ge=0,
        description="Series that are learned at once, at 4 KB each; what is beyond is only counted.",
    )
    rates: RateSettings = RateSettings()


class FlowSettings(Record):
    """All of the flow."""

    time: TimeSettings = TimeSettings()
    scope: ScopeSettings = ScopeSettings()
    dedup: DedupSettings = DedupSettings()
    flapping: FlappingSettings = FlappingSettings()
    holds: tuple[HoldRule, ...] = (
        HoldRule(id="default-low", severities=(Severity.WARNING, Severity.MINOR), hold=3 * MINUTE),
        HoldRule(id="default-major", severities=(Severity.MAJOR,), hold=MINUTE),
    )
    silences: tuple[Silence, ...] = ()
    inhibitions: tuple[InhibitionRule, ...] = ()
    changes: tuple[Change, ...] = ()
    correlate: CorrelateSettings = CorrelateSettings()
    incident: IncidentSettings = IncidentSettings()
    models: ModelSettings = ModelSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.models.again >= self.dedup.expire:
            raise ValueError("models.again must be below dedup.expire")
        return self
