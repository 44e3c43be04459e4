"""The proof of an incident or an alert in words: what was decided, on what evidence, and what would have changed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from agents.cli.output import moment, span
from schemas.alert import Alert, LedgerEntry, Placement
from schemas.base import HOUR
from schemas.command import AuditEntry
from schemas.incident import Candidate, Clock, Incident, Member, Term

BEFORE = HOUR
"""How long before an incident what was held back may have to do with it."""


class Line(NamedTuple):
    """One line for a person: its text, how deep it stands, and a style."""

    text: str
    depth: int = 0
    style: str = ""


class Evidence(NamedTuple):
    """What is kept about the alerts of one proof, by fingerprint where it is a mapping."""

    alerts: Mapping[str, Alert]
    placements: Mapping[str, Placement]
    ledger: list[LedgerEntry]
    audit: list[AuditEntry]


def what(resource: str, component: str, check: str) -> str:
    """An alert by what it is about."""
    return f"{resource}/{component} {check}" if component else f"{resource} {check}"


def of_incident(incident: Incident, evidence: Evidence) -> Iterator[Line]:
    """The whole proof of an incident."""
    yield from _head(incident)
    yield from _members(incident, evidence.alerts)
    yield from _candidates(incident.candidates)
    yield from _held_back_near(incident, evidence)
    yield from _asked(evidence.audit)


def of_alert(alert: Alert, evidence: Evidence, incident: Incident | None) -> Iterator[Line]:
    """The whole proof of an alert: what it went through, where it was put, and what held it back."""
    yield Line(f"Alert {alert.fingerprint}: {what(alert.resource, alert.component, alert.check)}", style="bold")
    ended = f", ended {moment(alert.ended)}" if alert.ended is not None else ""
    yield Line(
        f"{alert.status.value}, {alert.severity.value} (worst {alert.highest.value}), by {alert.source}{ended}", 1
    )
    if alert.summary:
        yield Line(alert.summary, 1)
    yield Line(_counts(alert), 1)
    if alert.flapping:
        yield Line("It is flapping: until it is steady it neither opens nor closes anything.", 1, "yellow")
    yield Line("What it went through", style="bold")
    for step in alert.history:
        yield Line(f"{moment(step.time)}  {step.severity.value if step.severity else 'resolved'}", 1)
    yield from _placed(alert, evidence.placements.get(alert.fingerprint), incident)
    yield from _held_back(evidence.ledger, "What held it back")


def _counts(alert: Alert) -> str:
    parts = [f"{alert.count} problem events folded into this spell, {alert.total} events in all, spell {alert.spells}"]
    parts += [f"reopened {alert.reopened} times"] if alert.reopened else []
    parts += [f"{alert.late} came late"] if alert.late else []
    return "; ".join(parts)


def _head(incident: Incident) -> Iterator[Line]:
    yield Line(f"Incident {incident.id}: {incident.title}", style="bold")
    ended = f", resolved {moment(incident.resolved)}" if incident.resolved is not None else ""
    yield Line(f"{incident.status.value}, {incident.severity.value}, since {moment(incident.started)}{ended}", 1)
    urgency = f"impact {incident.impact} and urgency {incident.urgency}"
    yield Line(f"priority {incident.priority}, from {urgency} by the matrix flow.incident.priority", 1)
    facts = {
        "services": ", ".join(incident.services),
        "items": ", ".join(incident.items),
        "acknowledged by": incident.acknowledged_by,
        "assigned to": " / ".join(part for part in (incident.group, incident.assignee) if part),
        "changes on its items": ", ".join(incident.changes),
        "merged from": ", ".join(incident.merged_from),
        "merged into": incident.merged_into or "",
        "supplier of the likeliest cause": incident.supplier,
        "runbook of the likeliest cause": incident.runbook,
        "other runbooks": ", ".join(one for one in incident.runbooks if one != incident.runbook),
        "time to own": _clock(incident.own),
        "time to resolve": _clock(incident.resolve),
    }
    yield from (Line(f"{name}: {value}", 1) for name, value in facts.items() if value)
    yield from (Line(f"note: {note}", 1) for note in incident.notes)


def _clock(clock: Clock | None) -> str:
    if clock is None:
        return ""
    used = span(clock.used) or "0s"
    more = f", breaches {moment(clock.breaches)}" if clock.running and clock.breaches is not None else ""
    odds = f"; by how long others took, {clock.odds:.0%} are late" if clock.odds is not None else ""
    return f"{used} of {span(clock.target)} used ({clock.state}{more}){odds}"


def _members(incident: Incident, alerts: Mapping[str, Alert]) -> Iterator[Line]:
    yield Line(f"What belongs together, and why ({incident.alerts} alerts, {incident.active} open)", style="bold")
    names = {member.alert: what(member.resource, member.component, member.check) for member in incident.members}
    names.update({name: what(alert.resource, alert.component, alert.check) for name, alert in alerts.items()})
    for member in sorted(incident.members, key=lambda member: (member.start, member.alert)):
        yield from _member(member, names)
    hidden = incident.alerts - len(incident.members)
    if hidden > 0:
        yield Line(f"... and {hidden} more", 1)


def _member(member: Member, names: Mapping[str, str]) -> Iterator[Line]:
    state = f"until {moment(member.end)}" if member.end is not None else "still open"
    title = what(member.resource, member.component, member.check)
    yield Line(f"{moment(member.start)}  {member.severity.value:8}  {title}  [{member.alert[:8]}], {state}", 1)
    join = member.join
    by = f" to {names.get(join.to, join.to)}" if join.to else ""
    yield Line(f"joined{by}: {join.reason}" if join.reason != "first" else "the first of it", 2)
    yield from _terms(join.terms, 3)
    if join.apart:
        yield Line(f"kept apart if: {join.apart}", 3, "dim")


def _terms(terms: Iterable[Term], depth: int) -> Iterator[Line]:
    return (Line(f"{term.weight:+.2f}  {term.name}: {term.text}", depth) for term in terms)


def _candidates(candidates: tuple[Candidate, ...]) -> Iterator[Line]:
    yield Line("Where it comes from: candidates for the root cause", style="bold")
    if not candidates:
        yield Line("none: no alert of it is bound to a configuration item", 1)
    for place, candidate in enumerate(candidates, 1):
        seen = f"its {candidate.check} alert" if candidate.check else "no alert of its own: it was silent"
        yield Line(f"{place}. {candidate.odds:4.0%}  {candidate.name} ({seen})", 1, "bold green" if place == 1 else "")
        yield from _terms(candidate.terms, 3)


def _placed(alert: Alert, placement: Placement | None, incident: Incident | None) -> Iterator[Line]:
    yield Line("Where it was put", style="bold")
    if placement is None:
        yield Line("nowhere yet: the correlating step has not heard of it", 1)
        return
    yield Line(f"item: {placement.item or 'none: no configuration item has this name, address, alias or label'}", 1)
    if placement.suppressed is not None:
        yield Line(f"it opens nothing now: {placement.suppressed.value}", 1, "yellow")
    elif placement.incident is None:
        yield Line("in no incident: it opens none by itself, and nothing near it did", 1)
    else:
        yield Line(f"incident: {placement.incident}", 1)
    for member in incident.members if incident is not None else ():
        if member.alert == alert.fingerprint and member.start == placement.start:
            yield from _member(member, {})


def _held_back_near(incident: Incident, evidence: Evidence) -> Iterator[Line]:
    """What was held back about the time of the incident; a day's other entries of its alerts are only counted."""
    begin, end = incident.started - BEFORE, incident.resolved
    near = [
        one
        for one in evidence.ledger
        if (one.until is None or one.until >= begin) and (end is None or one.since <= end)
    ]
    yield from _held_back(near, "What was held back of these alerts, from an hour before it began", evidence.alerts)
    others = Counter(entry.reason.value for entry in evidence.ledger) - Counter(entry.reason.value for entry in near)
    if others:
        counted = ", ".join(f"{count} {reason}" for reason, count in others.most_common())
        yield Line(f"at other times: {counted} (`tocsin why ALERT` tells of each)", 1, "dim")


def _held_back(ledger: list[LedgerEntry], title: str, alerts: Mapping[str, Alert] | None = None) -> Iterator[Line]:
    """With `alerts` each line names its alert."""
    yield Line(title, style="bold")
    if not ledger:
        yield Line("nothing", 1)
    for entry in sorted(ledger, key=lambda entry: (entry.since, entry.id)):
        until = f"until {moment(entry.until)}" if entry.until is not None else "still"
        by = f" by {entry.by}" if entry.by else ""
        alert = (alerts or {}).get(entry.alert)
        name = f"{what(alert.resource, alert.component, alert.check)}: " if alert is not None else ""
        yield Line(f"{moment(entry.since)}  {name}{entry.reason.value}{by}, {until}: {entry.text}", 1)


def _asked(audit: list[AuditEntry]) -> Iterator[Line]:
    if audit:
        yield Line("What people asked for", style="bold")
    for entry in audit:
        done = entry.text if entry.ok else f"refused ({entry.reason}): {entry.text}"
        yield Line(f"{moment(entry.time)}  {entry.by}: {entry.action.value}, {done}", 1)
