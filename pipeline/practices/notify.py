"""What is sent of an incident to tools that already accept the Alertmanager webhook, version 4."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.incident import Incident, IncidentStatus, Member

OVER = frozenset({IncidentStatus.RESOLVED, IncidentStatus.CLOSED, IncidentStatus.MERGED, IncidentStatus.WITHDRAWN})
NEVER = "0001-01-01T00:00:00Z"
"""How Alertmanager writes that something has not ended."""


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
