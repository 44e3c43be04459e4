"""Reference data: configuration items and relations, changes, silences, rules, calendars."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.base import Duration, Millis, Name, Record
from schemas.severity import Severity

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

    id: Name
    matchers: tuple[Matcher, ...] = Field(min_length=1)
    starts: Millis
    ends: Millis
    author: str = ""
    comment: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("ends before it starts")
        return self


class InhibitionRule(Record):
    """While an alert that matches `source` is open, alerts that match `target` with equal labels open nothing."""

    id: Name
    source: tuple[Matcher, ...] = Field(min_length=1)
    target: tuple[Matcher, ...] = Field(min_length=1)
    equal: tuple[str, ...] = ()


class CorrelationRule(Record):
    """The user's own join: alerts that match, with equal labels, within a time, belong together."""

    id: Name
    matchers: tuple[Matcher, ...] = Field(min_length=1)
    equal: tuple[str, ...] = ()
    within: Duration = Field(
        default=300_000, gt=0, description="Milliseconds between two alerts that follow each other."
    )
    title: str = ""


class ChangeRisk(StrEnum):
    """Kind of a change by how it is approved."""

    ROUTINE = "routine"
    NORMAL = "normal"
    MAJOR = "major"
    EMERGENCY = "emergency"


class Change(Record):
    """A change to items, with its window. The window suppresses; its time and items are evidence."""

    id: Name
    title: str = ""
    items: tuple[str, ...] = Field(min_length=1)
    risk: ChangeRisk = ChangeRisk.NORMAL
    starts: Millis
    ends: Millis
    suppresses: bool = Field(
        default=False, description="True for a maintenance window: alerts of its items open nothing."
    )
    implementer: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("ends before it starts")
        return self


class Calendar(Record):
    """Business hours: which hours of which weekdays count, in a time zone, without holidays."""

    id: Name
    timezone: Name = "UTC"
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(
        default=(0, 1, 2, 3, 4, 5, 6), description="Monday is 0."
    )
    opens: str = Field(default="00:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    closes: str = Field(default="24:00", pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")
    country: str = Field(default="", description="ISO 3166 code whose public holidays are closed; empty for none.")
    subdivision: str = ""
    closed: tuple[date, ...] = ()

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

    priority: int = Field(ge=1, le=5)
    own: Duration
    resolve: Duration
    calendar: Name = "always"


class HoldRule(Record):
    """How long alerts that match are held before they may open anything: the transient ones end inside it."""

    id: Name
    matchers: tuple[Matcher, ...] = ()
    severities: tuple[Severity, ...] = ()
    hold: Duration


Reference = ConfigurationItem | Relation | Change | Silence | InhibitionRule | CorrelationRule | Calendar
"""Whatever may be upserted into the reference data of a running flow."""
