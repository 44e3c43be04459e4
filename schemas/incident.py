"""Incidents: what is broken, why, how much it matters, and the proof of it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Millis, Name, Record
from schemas.severity import Severity


class IncidentStatus(StrEnum):
    """Lifecycle of an incident (ITIL)."""

    NEW = "new"
    ASSIGNED = "assigned"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


class Term(Record):
    """One piece of evidence in a proof."""

    name: Name = Field(
        description="time, topology, same-item, rule, rare-word, rare-name, change, common-cause, command, ..."
    )
    weight: float
    text: str


class Join(Record):
    """Why one alert belongs to an incident: the proof."""

    alert: Name
    start: Millis
    to: str = Field(
        default="", description="The alert, item, rule, change or command it was joined by; empty for the first."
    )
    reason: Name
    terms: tuple[Term, ...] = ()
    apart: str = Field(default="", description="What would have kept it apart.")


class Member(Record):
    """One spell of one alert inside an incident."""

    alert: Name
    start: Millis
    end: Millis | None = None
    severity: Severity
    resource: Name
    component: str = ""
    check: Name
    item: str | None = None
    summary: str = ""
    join: Join


class Candidate(Record):
    """One candidate for the root cause."""

    item: Name
    name: Name
    alert: str | None = Field(
        default=None, description="Fingerprint of its own earliest alert; None for a silent item."
    )
    check: str = ""
    odds: float = Field(ge=0, le=1, description="Share of belief among the candidates.")
    terms: tuple[Term, ...] = ()


class Clock(Record):
    """One service-level clock on a business calendar."""

    target: int = Field(ge=0, description="Milliseconds of business time allowed.")
    used: int = Field(ge=0, description="Milliseconds of business time used up to `at`.")
    at: Millis
    running: bool
    warns: Millis | None = Field(default=None, description="When 75 % will be reached if it goes on running.")
    breaches: Millis | None = Field(default=None, description="When 100 % will be reached if it goes on running.")
    state: str = Field(
        default="ok",
        description="ok, warned, breached or met, as of `at`; what passing time alone makes of it is told by notices.",
    )
    odds: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Odds of a breach, by how long incidents of this priority took; empty while too few were closed.",
    )


class ServiceLevelNotice(Record):
    """A clock of an incident has reached 75 % or 100 % of its time.

    Time alone does not change an incident, so it gets no new version; who sees to service levels gets this instead.
    """

    id: Name = Field(description="Incident, clock, state and time: the same for a repeat.")
    incident: Name
    version: int = Field(ge=1, description="Only grows, as the incident's own versions do.")
    tenant: Name
    scope: Name
    clock: str = Field(description="own (time to own) or resolve (time to resolve).")
    state: str = Field(description="warned or breached.")
    at: Millis
    priority: int = Field(ge=1, le=5)
    target: int = Field(ge=0, description="Milliseconds of business time allowed.")
    used: int = Field(ge=0, description="Milliseconds of business time used up to `at`.")
    breaches: Millis | None = Field(default=None, description="When 100 % will be reached if it goes on running.")
    odds: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Odds of a breach, by how long incidents of this priority took; empty while too few were closed.",
    )
    assignee: str = ""
    group: str = ""


class Incident(Record):
    """The current state of one incident."""

    id: Name
    version: int = Field(ge=1, description="Only grows. Keep the highest.")
    tenant: Name
    scope: Name
    status: IncidentStatus
    reason: Name = Field(
        description="Why this version: opened, grown, escalated, resolved, reopened, merged, acknowledged, ..."
    )
    title: str
    severity: Severity
    impact: int = Field(ge=1, le=3)
    urgency: int = Field(ge=1, le=4)
    priority: int = Field(ge=1, le=5)
    opened: Millis
    changed: Millis = Field(description="Event time of this version.")
    started: Millis = Field(description="Start of the earliest member.")
    resolved: Millis | None = None
    closed: Millis | None = None
    acknowledged_by: str = ""
    assignee: str = ""
    group: str = ""
    merged_into: str | None = None
    merged_from: tuple[str, ...] = ()
    alerts: int = Field(ge=0, description="How many spells of alerts it has.")
    active: int = Field(ge=0, description="How many of them are open.")
    members: tuple[Member, ...] = ()
    items: tuple[str, ...] = ()
    services: tuple[str, ...] = Field(default=(), description="Services that depend on its items.")
    candidates: tuple[Candidate, ...] = ()
    changes: tuple[str, ...] = Field(default=(), description="Changes on its items near its start.")
    supplier: str = Field(default="", description="Supplier of the likeliest root cause.")
    runbook: str = Field(default="", description="Runbook of the likeliest root cause.")
    runbooks: tuple[str, ...] = Field(default=(), description="Those of all candidates.")
    own: Clock | None = None
    resolve: Clock | None = None
    notes: tuple[str, ...] = ()
