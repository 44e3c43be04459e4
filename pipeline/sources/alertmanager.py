"""Prometheus Alertmanager: its webhook (version 4), and what a Prometheus posts to /api/v2/alerts.

The fingerprint is taken from all labels except those that say how bad it is (and those named by the option
`ignore_labels`), because labels are what identifies an alert there: two alerts with one alertname on one
instance, told apart by a device label, must not fold into one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.sources.base import Decoded
from pipeline.sources.common import (
    as_list,
    as_object,
    build,
    dump,
    duration_option,
    each,
    kind_at,
    names_option,
    parse_json,
    read_options,
)
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.severities import WORDS, severity_option
from pipeline.sources.times import iso_millis
from schemas.base import BadRecord
from schemas.event import Event, EventKind, RawRecord, content_id, fingerprint

_SEVERITY_LABELS = ("severity", "priority")
_DEFAULTS = {
    "resolve_timeout": "5m",
    "default_severity": "warning",
    "resource_labels": "instance,host,hostname,node,nodename,server,pod,service,job,namespace,cluster",
    "component_labels": "device,interface,ifName,ifDescr,mountpoint,volume,disk,container,queue,topic,database,name",
    "ignore_labels": "",
}
RESENT = 60_000
"""Prometheus sends what fires again after this long at the earliest, with the same start and a later end."""
TOLD_AGAIN = 6 * 3_600_000
"""What a webhook tells this long after its start is a repeat, not a first notice that was held up: Alertmanager repeats
what goes on (repeat_interval, 4 hours unless it was changed), always with the same start."""
REMEMBERED = 65_536
"""Alerts whose reading is kept, because they come again and again."""


class Alertmanager:
    """Alerts of both shapes. `received` stands for Alertmanager's own clock wherever that would ask the time."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("alertmanager", options, _DEFAULTS)
        self._tenant = tenant
        self._timeout = duration_option("alertmanager", chosen, "resolve_timeout")
        self._default = severity_option("alertmanager", "default_severity", chosen["default_severity"])
        self._resource = names_option(chosen, "resource_labels")
        self._component = names_option(chosen, "component_labels")
        self._known: dict[bytes, tuple[Event, bytes]] = {}
        self._ignored = frozenset((*_SEVERITY_LABELS, *names_option(chosen, "ignore_labels")))

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode a webhook, or an array of alerts; the good alerts are kept although others are refused."""
        body = parse_json(raw.payload)
        if isinstance(body, list):
            return each(body, lambda item: self._posted(as_object(item, "the alert"), raw), lambda item: dump([item]))
        webhook = as_object(body, "the payload")
        if "alerts" not in webhook:
            raise BadRecord("missing-field", "alerts is missing")
        if webhook.get("version", "4") != "4":
            raise BadRecord("unsupported", f"webhook version {str(webhook['version'])[:20]!r}; only 4 is known")
        alerts = as_list(webhook["alerts"], "alerts")
        return each(alerts, lambda item: self._told(as_object(item, "the alert"), raw), _alone)

    def _told(self, alert: dict[str, Any], raw: RawRecord) -> Event:
        """One alert of a webhook: Alertmanager has decided already whether it fires."""
        status = alert.get("status")
        starts, ends = _time(alert, "startsAt"), _time(alert, "endsAt")
        if status == "firing":
            # An end in a firing alert is only the time at which Alertmanager itself would give up on it.
            again = starts is not None and raw.received - starts >= TOLD_AGAIN
            return self._event(alert, raw, starts, None, resolved=False, at=raw.received if again else None)
        if status == "resolved":
            return self._event(alert, raw, starts, ends, resolved=True)
        raise BadRecord("bad-value", f"status must be firing or resolved, not {str(status)[:80]!r}")

    def _posted(self, alert: dict[str, Any], raw: RawRecord) -> Event:
        """One alert as Prometheus posts it: whether it fires follows from its end."""
        starts, ends = _time(alert, "startsAt"), _time(alert, "endsAt")
        if starts is None:
            starts = ends if ends is not None and ends < raw.received else raw.received
        if ends is None:
            ends = raw.received + self._timeout
        elif ends < starts:
            raise BadRecord("bad-time", "endsAt is before startsAt")
        if ends <= raw.received:
            return self._event(alert, raw, starts, ends, resolved=True)
        # One that began long ago is a repeat: at its start it would be older than what may still come, and not be news.
        at = starts if raw.received - starts < RESENT else raw.received
        return self._event(alert, raw, starts, ends, resolved=False, at=at)

    def _event(
        self,
        alert: dict[str, Any],
        raw: RawRecord,
        starts: int | None,
        ends: int | None,
        *,
        resolved: bool,
        at: int | None = None,
    ) -> Event:
        starts = raw.received if starts is None else starts
        ended = raw.received if ends is None else ends
        time = ended if resolved else _updated(alert, starts) if at is None else at
        known, annotations = self._read(alert, raw)
        state = "resolved" if resolved else "firing"
        until = str(ended if resolved else at if ends is None else ends)  # each repeat is an event of its own
        identity = content_id(known.fingerprint, state, known.severity, str(starts), until, annotations)
        # Times are in range since they were read, and nothing else differs from the record that was validated.
        return Event.trusted(
            {
                **known.__dict__,
                "id": identity,
                "kind": EventKind.RESOLUTION if resolved else kind_at(known.severity),
                "time": time,
                "received": raw.received,
                "source": raw.source,
                "ends_at": None if resolved else ends,
            }
        )

    def _read(self, alert: dict[str, Any], raw: RawRecord) -> tuple[Event, bytes]:
        """What an alert says apart from its times, as an event, and its annotations; remembered by its bytes."""
        key = dump([alert.get("labels"), alert.get("annotations"), alert.get("generatorURL")])
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._understood(alert, raw)
        return found

    def _understood(self, alert: dict[str, Any], raw: RawRecord) -> tuple[Event, bytes]:
        given = alert.get("labels")
        if given is None:
            raise BadRecord("missing-field", "labels is missing")
        labels = _texts(given, "labels")
        if not labels:
            raise BadRecord("missing-field", "an alert needs at least one label with a value")
        annotations = _texts(alert.get("annotations") or {}, "annotations")
        pairs = [part for name in sorted(labels) if name not in self._ignored for part in (name, labels[name])]
        identity = fingerprint(self._tenant, *pairs)
        severity = WORDS.get(
            next((labels[name] for name in _SEVERITY_LABELS if name in labels), "").lower(), self._default
        )
        check = labels.get("alertname", "alert")
        event = build(
            {
                "id": identity,
                "kind": kind_at(severity),
                "time": raw.received,
                "received": raw.received,
                "source": raw.source,
                "tenant": self._tenant,
                "resource": without_port(next((labels[name] for name in self._resource if name in labels), check)),
                "component": next((labels[name] for name in self._component if name in labels), ""),
                "check": check,
                "severity": severity,
                "summary": annotations.get("summary")
                or annotations.get("description")
                or annotations.get("message")
                or "",
                "labels": labels,
                "fingerprint": identity,
                "url": alert.get("generatorURL") or "",
            }
        )
        return event, dump(annotations)


def _alone(alert: object) -> bytes:
    """A refused alert as a webhook of its own, which can be mended and sent again."""
    return dump({"version": "4", "alerts": [alert]})


def _time(alert: dict[str, Any], key: str) -> int | None:
    """A time of an alert; Go's zero time, in the year 1, is no time."""
    value = alert.get(key)
    if value is None or value == "" or (type(value) is str and value.startswith("0001-01-01T")):
        return None
    return iso_millis(value)


def _updated(alert: dict[str, Any], starts: int) -> int:
    updated = _time(alert, "updatedAt")
    return starts if updated is None else max(updated, starts)


def _texts(value: object, what: str) -> dict[str, str]:
    """Labels must be text already: anything else there is a fault of the sender. Empty ones are left out."""
    fields = as_object(value, what)
    for name, item in fields.items():
        if type(item) is not str:
            raise BadRecord("bad-value", f"{what}: {name[:80]} must be a string")
    return {name: item for name, item in fields.items() if item and name}


def without_port(instance: str) -> str:
    """The host of "host:9100" and "[::1]:9100"; anything else as it is."""
    host, colon, port = instance.rpartition(":")
    if not colon or not host or not port.isdigit() or (":" in host and not host.endswith("]")):
        return instance
    return host[1:-1] or instance if host.startswith("[") and host.endswith("]") else host
