"""Which field of a record is which field of a document: ECS names where ECS has one, ours under `tocsin.` else.

A table reads both ways, so a document is enough to get the record back. What ECS wants beside it (a rank of the
severity, a duration) and what questions are asked by (the hour, the root) is derived, and not read back.
"""

from __future__ import annotations

_NAMING = {"resource": "host.name", "component": "tocsin.component", "check": "tocsin.check"}
_PLACE = {"tenant": "organization.name", "scope": "tocsin.scope", "version": "tocsin.version"}

EVENT: dict[str, str] = {
    **_NAMING,
    "id": "event.id",
    "kind": "tocsin.event.kind",
    "time": "@timestamp",
    "received": "event.created",
    "source": "event.provider",
    "tenant": "organization.name",
    "severity": "tocsin.severity",
    "signal": "tocsin.signal",
    "summary": "message",
    "labels": "labels",
    "value": "tocsin.event.value",
    "unit": "tocsin.event.unit",
    "ends_at": "event.end",
    "clear_key": "tocsin.event.clear_key",
    "fingerprint": "tocsin.alert.id",
    "url": "event.url",
}

TRANSITION: dict[str, str] = {
    **_NAMING,
    "time": "@timestamp",
    "reason": "event.reason",
    "fingerprint": "tocsin.alert.id",
    "severity": "tocsin.severity",
}

AUDIT: dict[str, str] = {
    "id": "event.id",
    "time": "@timestamp",
    "by": "user.name",
    "role": "user.roles",
    "action": "event.action",
    "target": "tocsin.target",
    "ok": "tocsin.ok",
    "reason": "event.reason",
    "text": "message",
}

SERVICE_LEVEL: dict[str, str] = {
    **_PLACE,
    "id": "event.id",
    "incident": "tocsin.incident.id",
    "clock": "tocsin.clock.name",
    "state": "tocsin.clock.state",
    "at": "@timestamp",
    "priority": "tocsin.incident.priority",
    "target": "tocsin.clock.target",
    "used": "tocsin.clock.used",
    "breaches": "tocsin.clock.breaches",
    "odds": "tocsin.clock.odds",
    "assignee": "tocsin.incident.assignee",
    "group": "tocsin.incident.group",
}

ALERT: dict[str, str] = {
    **_NAMING,
    **_PLACE,
    "fingerprint": "tocsin.alert.id",
    "source": "event.provider",
    "signal": "tocsin.signal",
    "status": "tocsin.alert.status",
    "severity": "tocsin.severity",
    "highest": "tocsin.alert.highest",
    "summary": "message",
    "labels": "labels",
    "count": "tocsin.alert.count",
    "total": "tocsin.alert.total",
    "spells": "tocsin.alert.spells",
    "reopened": "tocsin.alert.reopened",
    "first": "event.start",
    "last": "@timestamp",
    "ended": "event.end",
    "expires": "tocsin.alert.expires",
    "flapping": "tocsin.alert.flapping",
    "late": "tocsin.alert.late",
    "history": "tocsin.alert.history",
    "url": "event.url",
}

PLACEMENT: dict[str, str] = {
    "alert": "tocsin.alert.id",
    "version": "tocsin.version",
    "scope": "tocsin.scope",
    "start": "@timestamp",
    "item": "tocsin.item.id",
    "incident": "tocsin.incident.id",
    "suppressed": "tocsin.suppressed",
}

LEDGER: dict[str, str] = {
    "id": "event.id",
    "version": "tocsin.version",
    "alert": "tocsin.alert.id",
    "start": "event.start",
    "reason": "tocsin.suppressed",
    "by": "rule.id",
    "since": "@timestamp",
    "until": "event.end",
    "text": "message",
}

INCIDENT: dict[str, str] = {
    **_PLACE,
    "id": "tocsin.incident.id",
    "status": "tocsin.incident.status",
    "reason": "event.reason",
    "title": "message",
    "severity": "tocsin.severity",
    "opened": "@timestamp",
    "started": "event.start",
    "resolved": "event.end",
    "services": "service.name",
    **{
        name: f"tocsin.incident.{name}"
        for name in (
            *("impact", "urgency", "priority", "changed", "closed", "acknowledged_by", "assignee", "group"),
            *("merged_into", "merged_from", "alerts", "active", "members", "items", "candidates", "changes"),
            *("runbooks", "own", "resolve", "notes", "supplier", "runbook"),
        )
    },
}

VERSION: dict[str, str] = {
    name: "@timestamp" if name == "changed" else "tocsin.incident.opened" if name == "opened" else path
    for name, path in INCIDENT.items()
    if name not in ("members", "candidates", "items", "runbooks", "runbook", "notes")
}
"""A version of an incident in the history: what changes over time, without what only its current state needs."""

DEAD: dict[str, str] = {
    "id": "event.id",
    "reason": "error.code",
    "detail": "error.message",
    "raw.source": "event.provider",
    "raw.received": "@timestamp",
    "raw.payload": "tocsin.payload",
    "raw.origin": "tocsin.origin",
    "coordinates": "tocsin.coordinates",
}

ITEM: dict[str, str] = {
    "id": "tocsin.item.id",
    "tenant": "organization.name",
    "version": "tocsin.version",
    "labels": "labels",
    **{
        name: f"tocsin.item.{name}"
        for name in ("name", "kind", "addresses", "aliases", "site", "owner", "supplier", "criticality", "runbook")
    },
}

RELATION: dict[str, str] = {name: f"tocsin.relation.{name}" for name in ("source", "target", "kind", "group")}

CHANGE: dict[str, str] = {
    "id": "tocsin.change.id",
    "title": "message",
    "items": "tocsin.item.id",
    "risk": "tocsin.change.risk",
    "starts": "@timestamp",
    "ends": "event.end",
    "suppresses": "tocsin.change.suppresses",
    "implementer": "user.name",
}

MEMBER: dict[str, str] = {
    **_NAMING,
    "alert": "tocsin.alert.id",
    "start": "@timestamp",
    "end": "event.end",
    "severity": "tocsin.severity",
    "item": "tocsin.item.id",
    "summary": "message",
    "join": "tocsin.join",
    "incident": "tocsin.incident.id",
}
"""One member of one incident: a row of its own, because Kibana draws no tables of what lies inside a document."""
