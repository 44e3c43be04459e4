"""When an incident is told to tools that know Alertmanager, and what: its webhook, version 4."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from pipeline.settings import Span
from schemas.base import HOUR, MINUTE, SECOND, Record
from schemas.incident import Incident, IncidentStatus, Member

OVER = frozenset({IncidentStatus.RESOLVED, IncidentStatus.CLOSED, IncidentStatus.MERGED, IncidentStatus.WITHDRAWN})
NEVER = "0001-01-01T00:00:00Z"
"""How Alertmanager writes that something has not ended."""


class NotifyTiming(Record):
    """How changes of an incident are gathered, so that not each of them is told on its own."""

    group_wait: Span = Field(
        default=30 * SECOND, description="From the first alert of an incident to its first notice."
    )
    group_interval: Span = Field(default=5 * MINUTE, description="Between two notices of one incident that changes.")
    repeat_interval: Span = Field(default=4 * HOUR, description="Until what still fires unchanged is told again.")


class Reason(StrEnum):
    """Why an incident is told."""

    FIRST = "first"
    NEW_ALERTS = "new alerts"
    ALL_RESOLVED = "all resolved"
    SOME_RESOLVED = "some resolved"
    REPEAT = "repeat"


class Told(NamedTuple):
    """The last notice of an incident: when, in milliseconds, and which alerts (fingerprints) it said to be firing."""

    at: int
    firing: frozenset[str]


class Decision(NamedTuple):
    """Why an incident is to be told, and when at the earliest."""

    reason: Reason
    at: int


def firing(incident: Incident) -> frozenset[str]:
    """Fingerprints of the alerts that fire in a version of an incident; none once it is over."""
    if incident.status in OVER:
        return frozenset()
    return frozenset(member.alert for member in incident.members if member.end is None)


def decide(now_firing: frozenset[str], since: int, told: Told | None, timing: NotifyTiming) -> Decision | None:
    """What is next to be told of an incident if nothing changes any more; None where nothing is.

    `since` is when it was first seen firing. What was never told firing is never told resolved.
    """
    if told is None or not told.firing:
        return Decision(Reason.FIRST, since + timing.group_wait) if now_firing else None
    soon = told.at + timing.group_interval
    if now_firing - told.firing:
        return Decision(Reason.NEW_ALERTS, soon)
    if not now_firing:
        return Decision(Reason.ALL_RESOLVED, soon)
    if told.firing - now_firing:
        return Decision(Reason.SOME_RESOLVED, soon)
    return Decision(Reason.REPEAT, told.at + timing.repeat_interval)


def alertmanager_body(incident: Incident, receiver: str, url: str) -> dict[str, object]:
    """The webhook body for one version of an incident: its alerts, with what they have in common.

    Shapes after the documentation of Alertmanager's webhook_config.
    """
    common = {"incident": incident.id, "priority": str(incident.priority), "severity": incident.severity.value}
    alerts = [_alert(member, common, url) for member in incident.members]
    return {
        "version": "4",
        "groupKey": f"incident:{incident.id}",
        "truncatedAlerts": 0,
        "status": "resolved" if incident.status in OVER else "firing",
        "receiver": receiver,
        "groupLabels": {"incident": incident.id},
        "commonLabels": common,
        "commonAnnotations": {"summary": incident.title},
        "externalURL": url,
        "alerts": alerts,
    }


def _alert(member: Member, common: dict[str, str], url: str) -> dict[str, object]:
    labels = {
        **common,
        "alertname": member.check,
        "instance": member.resource,
        "severity": member.severity.value,
    }
    if member.component:
        labels["component"] = member.component
    return {
        "status": "firing" if member.end is None else "resolved",
        "labels": labels,
        "annotations": {"summary": member.summary},
        "startsAt": _iso(member.start),
        "endsAt": NEVER if member.end is None else _iso(member.end),
        "generatorURL": url,
        "fingerprint": member.alert[:16],
    }


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
