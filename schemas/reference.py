"""Reference data: configuration items and relations, changes, silences, rules, calendars."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.base import DAY, Duration, Millis, Name, Record
from schemas.severity import Severity

Span = Annotated[Duration, Field(le=366 * DAY)]
"""A length of time that a person sets: a year at most."""
Weight = Annotated[float, Field(gt=0, le=10)]


class ConfigurationItem(Record):
    """A thing that matters to a service, physical or logical."""

    id: Name
    name: Name
    kind: Name = Field(description="Class of equipment: host, switch, database, service, ...")
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    tenant: Name = "default"
    site: str = ""
    owner: str = Field(default="", description="Group that looks after it.")
    supplier: str = ""
    criticality: int = Field(default=3, ge=1, le=5, description="1 most critical, 5 least.")
    runbook: str = ""
    version: int = Field(default=1, ge=1)


class RelationKind(StrEnum):
    """Physical and logical relations. All read: `source` needs `target`."""

    DEPENDS_ON = "depends_on"
    RUNS_ON = "runs_on"
    CONNECTS_TO = "connects_to"
    POWERED_BY = "powered_by"
    COOLED_BY = "cooled_by"
    PART_OF = "part_of"


class Relation(Record):
    """`source` needs `target`: a fault of the target can show at the source."""

    source: Name
    target: Name
    kind: RelationKind = RelationKind.DEPENDS_ON
    group: str = Field(default="", description="Targets of one source in the same group are redundant to each other.")

    @model_validator(mode="after")
    def _not_itself(self) -> Self:
        if self.source == self.target:
            raise ValueError("a relation needs two different items")
        return self


class Matcher(Record):
    """A test on one label, as in Alertmanager: =, !=, =~, !~; a missing label counts as empty."""

    label: Name
    op: Literal["=", "!=", "=~", "!~"] = "="
    value: str

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        if self.op in ("=~", "!~"):
            try:
                re.compile(self.value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return self


class Silence(Record):
    """Mutes what matches, from one time until another."""

    id: Name = Field(description="What it is called.")
    matchers: tuple[Matcher, ...] = Field(min_length=1, description="An alert must match all of them.")
    starts: Millis
    ends: Millis
    author: str = Field(default="", description="Who made it.")
    comment: str = Field(default="", description="Why.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("ends before it starts")
        return self


class InhibitionRule(Record):
    """While an alert that matches `source` is open, alerts that match `target` with equal labels open nothing."""

    id: Name = Field(description="What it is called.")
    source: tuple[Matcher, ...] = Field(min_length=1, description="All must match the alert that mutes.")
    target: tuple[Matcher, ...] = Field(min_length=1, description="All must match the alert that is muted.")
    equal: tuple[str, ...] = Field(
        default=(), description="Labels that must be equal in both; one that is missing counts as empty."
    )


class CorrelationRule(Record):
    """The user's own join: alerts that match, with equal labels, within a time, belong together."""

    id: Name = Field(description="What it is called; named in the proof of each join.")
    matchers: tuple[Matcher, ...] = Field(min_length=1, description="An alert must match all of them.")
    equal: tuple[str, ...] = Field(
        default=(),
        description="Labels that must be equal in alerts that are joined; one that is missing counts as empty.",
    )
    within: Span = Field(default=300_000, gt=0, description="Milliseconds between two alerts that follow each other.")
    title: str = Field(default="", description="What the incident is about, in words.")


class ChangeRisk(StrEnum):
    """Kind of a change by how it is approved."""

    ROUTINE = "routine"
    NORMAL = "normal"
    MAJOR = "major"
    EMERGENCY = "emergency"


class Change(Record):
    """A change to items, with its window. The window suppresses; its time and items are evidence."""

    id: Name = Field(description="Its number where changes are kept.")
    title: str = Field(default="", description="What is done.")
    items: tuple[str, ...] = Field(min_length=1, description="Ids of the configuration items that are changed.")
    risk: ChangeRisk = Field(default=ChangeRisk.NORMAL, description="By which way it is approved.")
    starts: Millis
    ends: Millis
    suppresses: bool = Field(
        default=False, description="True for a maintenance window: alerts of its items open nothing."
    )
    implementer: str = Field(default="", description="Person or group that does it.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("ends before it starts")
        return self


class Calendar(Record):
    """Business hours: which hours of which weekdays count, in a time zone, without holidays."""

    id: Name = Field(description="What targets call it.")
    timezone: Name = Field(default="UTC", description="IANA name, such as Europe/Oslo.")
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(
        default=(0, 1, 2, 3, 4, 5, 6), description="Monday is 0."
    )
    opens: str = Field(
        default="00:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="From when a day counts, by its own clock."
    )
    closes: str = Field(
        default="24:00", pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", description="Until when; 24:00 is midnight."
    )
    country: str = Field(default="", description="ISO 3166 code whose public holidays are closed; empty for none.")
    subdivision: str = Field(
        default="", description="Part of the country with holidays of its own, as ISO 3166-2 has it."
    )
    closed: tuple[date, ...] = Field(default=(), description="Further days that do not count.")

    @field_validator("weekdays")
    @classmethod
    def _some_day(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value:
            raise ValueError("at least one weekday")
        return tuple(sorted(set(value)))

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError("closes must be later than opens")
        return self


class ServiceTarget(Record):
    """Targets of time to own and time to resolve for one priority, on a calendar."""

    priority: int = Field(ge=1, le=5, description="Of the incidents it is for; 1 is the most urgent.")
    own: Annotated[Span, Field(description="Until somebody owns it.")]
    resolve: Annotated[Span, Field(description="Until it is resolved; pending does not count.")]
    calendar: Name = Field(default="always", description="Calendar whose time counts.")


class HoldRule(Record):
    """How long alerts that match are held before they may open anything: the transient ones end inside it."""

    id: Name = Field(description="What it is called.")
    matchers: tuple[Matcher, ...] = Field(default=(), description="An alert must match all of them; none: any alert.")
    severities: tuple[Severity, ...] = Field(default=(), description="Only at one of these; none: at any.")
    hold: Annotated[Span, Field(description="How long.")]


Reference = ConfigurationItem | Relation | Change | Silence | InhibitionRule | CorrelationRule | Calendar
"""Whatever may be upserted into the reference data of a running flow."""
