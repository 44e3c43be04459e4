"""Records for the tests of what is shown."""

from __future__ import annotations

from schemas.alert import Alert, AlertStatus, LedgerEntry, Placement, SeverityChange, SuppressionReason
from schemas.event import Signal
from schemas.incident import Candidate, Clock, Incident, IncidentStatus, Join, Member, Term
from schemas.severity import Severity

NOON = 1_777_636_800_000
"""2026-05-01 12:00:00Z."""


def alert(fingerprint: str = "aaaa1111", resource: str = "sw1", *, status: AlertStatus = AlertStatus.OPEN) -> Alert:
    return Alert(
        fingerprint=fingerprint,
        version=3,
        tenant="default",
        scope="default",
        source="snmptrap",
        resource=resource,
        component="Gi0/1",
        check="link",
        signal=Signal.FAULT,
        status=status,
        severity=Severity.MAJOR,
        highest=Severity.CRITICAL,
        summary="Link down",
        labels={},
        count=17,
        total=18,
        spells=2,
        reopened=1,
        first=NOON,
        last=NOON + 60_000,
        flapping=True,
        late=4,
        history=(
            SeverityChange(time=NOON, severity=Severity.CRITICAL),
            SeverityChange(time=NOON + 30_000, severity=None),
            SeverityChange(time=NOON + 60_000, severity=Severity.MAJOR),
        ),
    )


def member(fingerprint: str, resource: str, join: Join, *, after: int = 0) -> Member:
    return Member(
        alert=fingerprint,
        start=NOON + after,
        severity=Severity.MAJOR,
        resource=resource,
        component="Gi0/1",
        check="link",
        item=resource,
        summary="Link down",
        join=join,
    )


def incident(name: str = "inc-1", *, priority: int = 1, status: IncidentStatus = IncidentStatus.NEW) -> Incident:
    near = Term(name="topology", weight=0.625, text="web1 needs sw1, one relation apart")
    first = Join(alert="aaaa1111", start=NOON, reason="first")
    behind = Join(
        alert="bbbb2222",
        start=NOON + 5_000,
        to="aaaa1111",
        reason="depends",
        terms=(near,),
        apart="more than 5m between them",
    )
    return Incident(
        id=name,
        version=2,
        tenant="default",
        scope="default",
        status=status,
        reason="grown",
        title="Core switch 1: link down",
        severity=Severity.CRITICAL,
        impact=1,
        urgency=1,
        priority=priority,
        opened=NOON,
        changed=NOON + 5_000,
        started=NOON,
        alerts=3,
        active=3,
        group="network",
        members=(member("bbbb2222", "web1", behind, after=5_000), member("aaaa1111", "sw1", first)),
        items=("sw1", "web1"),
        services=("shop",),
        candidates=(
            Candidate(item="sw1", name="Core switch 1", alert="aaaa1111", check="link", odds=0.8, terms=(near,)),
            Candidate(item="ups1", name="UPS 1", odds=0.2),
        ),
        changes=("CHG-7",),
        own=Clock(target=900_000, used=60_000, at=NOON, running=True, breaches=NOON + 840_000),
    )


def placement(fingerprint: str = "aaaa1111", *, name: str | None = "inc-1") -> Placement:
    return Placement(alert=fingerprint, version=1, scope="default", start=NOON, item="sw1", incident=name)


def entry(fingerprint: str = "aaaa1111") -> LedgerEntry:
    return LedgerEntry(
        id="l1",
        version=1,
        alert=fingerprint,
        start=NOON,
        reason=SuppressionReason.FLAPPING,
        by="",
        since=NOON,
        until=NOON + 60_000,
        text="It changed its mind in 40 % of the last 20 checks.",
    )
