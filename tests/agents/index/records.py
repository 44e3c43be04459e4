"""Some records of every kind, as a small day of door alarms leaves them, and made ones of what that lacks."""

from __future__ import annotations

from typing import Any

from schemas.alert import Alert, AlertStatus, AlertTransition, LedgerEntry, Placement, SeverityChange, SuppressionReason
from schemas.command import Action, AuditEntry, Role
from schemas.event import DeadLetter, Event, EventKind, RawRecord, Signal
from schemas.incident import Candidate, Clock, Incident, IncidentStatus, Join, Member, ServiceLevelNotice, Term
from schemas.reference import Change, ConfigurationItem, Relation
from schemas.severity import Severity

T = 1_777_000_000_000

EVENT = Event(
    id="e-1", kind=EventKind.PROBLEM, time=T, received=T + 5, source="nagios", resource="db1", component="/var",
    check="disk", severity=Severity.MAJOR, summary="disk 97 % full", labels={"site": "oslo", "a.b": "c"}, value=97.5,
    unit="%", ends_at=T + 1000, clear_key="k", fingerprint="f1", url="https://nagios/db1",
)  # fmt: skip
BARE_EVENT = Event(
    id="e-2", kind=EventKind.RESOLUTION, time=T, received=T, source="person", resource="r", check="c",
    severity=Severity.INFO, fingerprint="f2",
)  # fmt: skip
ALERT = Alert(
    fingerprint="f1", version=3, tenant="default", scope="default", source="nagios", resource="db1", component="",
    check="disk", signal=Signal.FAULT, status=AlertStatus.RESOLVED, severity=Severity.MAJOR, highest=Severity.CRITICAL,
    summary="disk 97 % full", labels={"site": "oslo"}, count=2, total=3, spells=1, reopened=0, first=T, last=T + 9,
    ended=T + 9, flapping=False, late=0, history=(SeverityChange(time=T, severity=None),),
)  # fmt: skip
OPEN_ALERT = ALERT.model_copy(update={"status": AlertStatus.OPEN, "ended": None, "labels": {}, "summary": ""})
MEMBER = Member(
    alert="f1", start=T, severity=Severity.MAJOR, resource="db1", check="disk", item="CI-1", summary="disk full",
    join=Join(alert="f1", start=T, reason="first", terms=(Term(name="time", weight=1.0, text="near"),), apart="no"),
)  # fmt: skip
CLOCK = Clock(target=10, used=4, at=T, running=True, warns=T + 5, breaches=T + 9, state="warned")
INCIDENT = Incident(
    id="INC-1", version=4, tenant="default", scope="default", status=IncidentStatus.RESOLVED, reason="resolved",
    title="disk full on db1", severity=Severity.MAJOR, impact=2, urgency=2, priority=2, opened=T, changed=T + 50,
    started=T - 10, resolved=T + 50, alerts=2, active=0, services=("orders",), items=("CI-1",), own=CLOCK,
    members=(MEMBER, MEMBER.model_copy(update={"alert": "f2", "end": T + 1})), notes=("looked at it",),
    candidates=(Candidate(item="CI-1", name="db1", odds=0.7, check="disk"),), changes=("CHG-1",), assignee="ann",
)  # fmt: skip
NEW_INCIDENT = INCIDENT.model_copy(update={"members": (), "candidates": (), "resolved": None, "own": None, "notes": ()})

RECORDS: dict[str, tuple[Any, ...]] = {
    "event": (EVENT, BARE_EVENT),
    "transition": (
        AlertTransition(
            time=T, reason="opened", fingerprint="f1", severity=None, resource="db1", component="", check="disk"
        ),
    ),
    "incident-version": (INCIDENT, NEW_INCIDENT),
    "service-level": (
        ServiceLevelNotice(
            id="n", incident="INC-1", version=4, tenant="default", scope="default", clock="own", state="warned", at=T,
            priority=1, target=10, used=8, breaches=T + 9,
        ),
    ),
    "audit": (
        AuditEntry(
            id="a", time=T, by="ann", role=Role.OPERATOR, action=Action.NOTE, target="INC-1", ok=False,
            reason="not-found", text="no such incident",
        ),
    ),
    "alert": (ALERT, OPEN_ALERT),
    "placement": (
        Placement(alert="f1", version=2, scope="default", start=T, item="CI-1", incident="INC-1"),
        Placement(alert="f2", version=2, scope="default", start=T, suppressed=SuppressionReason.SILENCE),
    ),
    "incident": (INCIDENT, NEW_INCIDENT),
    "ledger": (
        LedgerEntry(
            id="l", version=1, alert="f1", start=T, reason=SuppressionReason.TRANSIENT, by="", since=T, until=T + 1,
            text="held",
        ),
    ),
    "dead": (
        DeadLetter(
            id="d", reason="not-json", detail="no JSON",
            raw=RawRecord(source="nagios", received=T, payload=b"\xff{", origin="10.0.0.1"), coordinates="raw.x/0@1",
        ),
    ),
    "item": (
        ConfigurationItem(
            id="CI-1", name="db1", kind="database", addresses=("10.0.3.7",), labels={"rack": "r7"}, site="oslo"
        ),
    ),
    "relation": (Relation(source="web1", target="db1", group="g"),),
    "change": (Change(id="CHG-1", items=("CI-1",), starts=T, ends=T + 9, title="upgrade", implementer="bob"),),
}  # fmt: skip

SOME: dict[str, list[dict[str, Any]]] = {
    name: [one.model_dump(mode="json") for one in records] for name, records in RECORDS.items()
}
"""Records of each kind in their JSON form."""
SOME["member"] = [{**one, "incident": "INC-1"} for one in SOME["incident"][0]["members"]]
