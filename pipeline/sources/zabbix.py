"""Zabbix: problem, recovery and update messages of a webhook media type whose parameters are Zabbix's own macros.

The fingerprint is (tenant, host, component, trigger id), because the name of an event may hold values that change;
without a trigger id its name takes that place. A recovery carries the id of the problem's event as clear key, because
one trigger may have several problems open at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

import orjson

from pipeline.sources.base import Decoded, decoded
from pipeline.sources.common import (
    FAULT,
    INFORMATION,
    RESOLUTION,
    as_list,
    as_object,
    build_known,
    each,
    first_text,
    kind_at,
    parse_json,
    read_options,
    text_of,
)
from pipeline.sources.common import dump as dump_part
from pipeline.sources.macros import first_of, macros_of, need
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.times import epoch_millis, iso_millis, zone_option
from schemas.base import BadRecord
from schemas.event import Event, EventKind, RawRecord, content_ids, fingerprint
from schemas.severity import Severity

SEVERITIES: dict[str, Severity] = {
    "0": Severity.INFO,
    "1": Severity.INFO,
    "2": Severity.WARNING,
    "3": Severity.MINOR,
    "4": Severity.MAJOR,
    "5": Severity.CRITICAL,
    "not classified": Severity.INFO,
    "information": Severity.INFO,
    "warning": Severity.WARNING,
    "average": Severity.MINOR,
    "high": Severity.MAJOR,
    "disaster": Severity.CRITICAL,
}
_COMPONENT_TAGS = ("interface", "filesystem", "disk", "device", "service", "database", "container", "queue")
_TIMES = {
    stage: (f"{stage}_timestamp", f"{stage}_date", f"{stage}_time")
    for stage in ("event", "event_recovery", "event_update")
}
_KEPT = ("trigger_id", "event_opdata", "host_ip", "event_update_action", "event_update_message", "user_fullname")


class Zabbix:
    """Messages of the webhook. Dates and times come without a zone; option `timezone` says which one they are in."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("zabbix", options, {"timezone": "UTC"})
        self._tenant = tenant
        self._id = content_ids("zabbix", tenant)
        self._zone = zone_option("zabbix", chosen["timezone"])

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one message or an array of them."""
        body = parse_json(raw.payload)
        if isinstance(body, list):
            return each(body, lambda item: self._event(macros_of(as_object(item, "the message")), raw), dump_part)
        return decoded(([self._event(macros_of(as_object(body, "the message")), raw)], (), ()))

    def _event(self, macros: dict[str, str], raw: RawRecord) -> Event:
        event_id = need(macros, "event_id")
        host = need(macros, "host_name", "host_host", "host_ip")
        check = need(macros, "trigger_name", "event_name")
        severity = _severity(macros)
        kind, stage = _kind(macros, severity)
        when = _time(macros, stage, self._zone, raw.received)
        tags = _tags(macros)
        component = next((tags[name] for name in _COMPONENT_TAGS if name in tags), "") if tags else ""
        for name in _KEPT:
            if name in macros:
                tags[name] = macros[name]
        what = macros.get("event_recovery_id" if stage == "event_recovery" else "event_update_action", "")
        update = macros.get("event_update_message", "") if stage == "event_update" else ""
        # A problem and its recovery happen once; an event may be updated twice in the same words.
        moment = str(when) if stage == "event_update" else ""
        return build_known(
            {
                "id": self._id(event_id, stage, what, update, severity, moment),
                "kind": kind,
                "time": when,
                "received": raw.received,
                "source": raw.source,
                "tenant": self._tenant,
                "resource": host,
                "component": component,
                "check": check,
                "severity": severity,
                "signal": FAULT,
                "summary": first_of(macros, "event_name", "alert_subject", "trigger_name"),
                "labels": tags,
                "value": None,
                "unit": "",
                "ends_at": None,
                "clear_key": None if kind is INFORMATION else f"zabbix:{event_id}",
                "fingerprint": fingerprint(self._tenant, host, component, macros.get("trigger_id") or check),
                "url": first_of(macros, "trigger_url", "event_url"),
            }
        )


def _severity(macros: dict[str, str]) -> Severity:
    word = need(macros, "event_nseverity", "event_severity", "trigger_nseverity", "trigger_severity")
    severity = SEVERITIES.get(word.lower())
    if severity is None:
        raise BadRecord("bad-severity", f"{word[:80]!r} is no Zabbix severity: 0 to 5, or Not classified to Disaster")
    return severity


def _kind(macros: dict[str, str], severity: Severity) -> tuple[EventKind, str]:
    """What the message says, and the prefix of the macros that say when."""
    value = need(macros, "event_value", "trigger_value")
    if value not in {"0", "1"}:
        raise BadRecord("bad-value", f"event_value must be 1 (problem) or 0 (recovery), not {value[:80]!r}")
    if macros.get("event_update_status") == "1":
        # An update that names a new severity must reach the alert; an acknowledgement or a comment is only told.
        changed = value == "1" and "severity" in macros.get("event_update_action", "").lower()
        return (kind_at(severity) if changed else INFORMATION), "event_update"
    if value == "0" or macros.get("event_recovery_value") == "0":
        return RESOLUTION, "event_recovery"
    return kind_at(severity), "event"


def _time(macros: dict[str, str], stage: str, zone: tzinfo, received: int) -> int:
    told, day, clock = _TIMES[stage]
    if stamp := macros.get(told):
        return epoch_millis(stamp)
    date, time = macros.get(day), macros.get(clock)
    if date is None or time is None:
        if date or time or stage == "event":
            raise BadRecord("missing-field", f"{stage}_timestamp, or {stage}_date and {stage}_time, is missing")
        return received
    return iso_millis(f"{date.replace('.', '-')}T{time}", zone)


def _tags(macros: dict[str, str]) -> dict[str, str]:
    """Tags from {EVENT.TAGSJSON}, or from the text of {EVENT.TAGS}: "name:value, name"."""
    text = macros.get("event_tagsjson") or macros.get("event_tags")
    if not text:
        return {}
    if text[0] != "[":
        pairs = [part.partition(":") for part in text.split(",")]
        return {key: value.strip() for name, _, value in pairs if (key := name.strip())}
    try:
        listed = as_list(orjson.loads(text), "event_tags")
    except orjson.JSONDecodeError as error:
        raise BadRecord("bad-value", f"event_tags: {error}") from None
    tags = (as_object(item, "a tag") for item in listed)
    return {name: text_of(tag.get("value")) for tag in tags if (name := first_text(tag, "tag"))}
