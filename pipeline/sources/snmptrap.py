"""SNMP traps, decoded by a receiver: generic traps, and those of enterprises by a map of object identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.sources.base import Decoded
from pipeline.sources.common import (
    as_list,
    as_object,
    build,
    decode_utf8,
    dump,
    duration_option,
    each,
    kind_at,
    parse_json,
    read_options,
)
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.snmp_oids import IF_ADMIN_STATUS, NAMES, TRAPS, TrapRule, rule_of
from pipeline.sources.snmp_read import Trap, from_json, from_text
from schemas.base import BadRecord
from schemas.event import Event, EventKind, RawRecord, content_id, fingerprint
from schemas.severity import Severity

_UNKNOWN = TrapRule("", EventKind.INFORMATION)
_DOWN = {"2", "down", "down(2)"}
_OSPF_STATE = "1.3.6.1.2.1.14.10.1.6"
_OSPF_FULL = {"8", "full", "full(8)"}


class Snmptrap:
    """Traps. Options named "oid.<object identifier>" add to the map, or replace what is in it."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        own = {key.removeprefix("oid."): text for key, text in options.items() if key.startswith("oid.")}
        rest = {key: text for key, text in options.items() if not key.startswith("oid.")}
        chosen = read_options("snmptrap", rest, {"ends_after": "15m", "oid.<identifier>": ""})
        self._tenant = tenant
        self._ends_after = duration_option("snmptrap", chosen, "ends_after")
        self._rules = TRAPS | {oid.strip("."): rule_of(oid, text) for oid, text in own.items()}

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one trap, or a batch of Telegraf ({"metrics": [...]}) or as an array."""
        payload = raw.payload.strip()
        if payload[:1] not in {b"{", b"["}:
            if not payload:
                raise BadRecord("empty", "the payload has no content")
            return Decoded([self._event(from_text(decode_utf8(payload)), raw, payload)])
        body = parse_json(payload)
        if isinstance(body, dict) and "metrics" in body:
            body = as_list(body["metrics"], "metrics")
        if isinstance(body, list):
            return each(body, lambda item: self._one(item, raw), dump)
        return Decoded([self._event(from_json(as_object(body, "the trap")), raw, payload)])

    def _one(self, item: Any, raw: RawRecord) -> Event:
        return self._event(from_json(as_object(item, "the trap")), raw, dump(item))

    def _event(self, trap: Trap, raw: RawRecord, payload: bytes) -> Event:
        rule = self._rule(trap.oid)
        name = trap.name or rule.name or trap.oid
        check = rule.check or name
        component = _part(trap, rule)
        kind = _kind(trap, rule)
        time = raw.received if trap.time is None else trap.time
        moment = "" if trap.time is None and trap.uptime else str(time)
        problem = kind is EventKind.PROBLEM
        labels = {**trap.labels, "trap": name, "oid": trap.oid}
        for key, value in trap.variables.items():
            labels[NAMES.get(key.rpartition(".")[0], key)] = value
        return build(
            {
                "id": content_id("snmptrap", self._tenant, trap.host, moment, payload),
                "kind": kind,
                "time": time,
                "received": raw.received,
                "source": raw.source,
                "tenant": self._tenant,
                "resource": trap.host,
                "component": component,
                "check": check,
                "severity": rule.severity if problem else Severity.INFO,
                "summary": f"{name} {component}".rstrip(),
                "labels": labels,
                "ends_at": time + self._ends_after if problem and rule.ends else None,
                "fingerprint": fingerprint(self._tenant, trap.host, component, check),
            }
        )

    def _rule(self, oid: str) -> TrapRule:
        """The rule of the longest known beginning of an identifier."""
        while oid:
            if rule := self._rules.get(oid):
                return rule
            oid = oid.rpartition(".")[0]
        return _UNKNOWN


def _kind(trap: Trap, rule: TrapRule) -> EventKind:
    """What the trap says, where that hangs on its variables."""
    if rule.name == "linkDown" and _value(trap, IF_ADMIN_STATUS) in _DOWN:
        # Somebody switched it off: that is no fault.
        return EventKind.INFORMATION
    if rule.name == "ospfNbrStateChange" and _value(trap, _OSPF_STATE) in _OSPF_FULL:
        return EventKind.RESOLUTION
    return kind_at(rule.severity) if rule.kind is EventKind.PROBLEM else rule.kind


def _value(trap: Trap, column: str) -> str:
    return next((value for name, value in trap.variables.items() if _in_column(name, column)), "")


def _in_column(name: str, column: str) -> bool:
    return name.startswith(column) and (len(name) == len(column) or name[len(column)] == ".")


def _part(trap: Trap, rule: TrapRule) -> str:
    """The component: the first variable of the rule that has a value."""
    for column in rule.part:
        if value := _value(trap, column):
            return value
    return ""
