"""A person's report of a fault, or request for something.

A report folds with other reports about the same thing: ten callers on one outage are one alert. A request never folds
with another: its fingerprint is taken from its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.sources.base import Decoded
from pipeline.sources.common import (
    as_object,
    build,
    dump,
    each,
    first_text,
    kind_at,
    labels_of,
    parse_json,
    read_options,
    require,
)
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.severities import severity_of, severity_option
from pipeline.sources.times import guessed_millis
from schemas.base import BadRecord
from schemas.event import Event, EventKind, RawRecord, content_id, fingerprint
from schemas.severity import Severity

URGENCIES: dict[str, Severity] = {
    "1": Severity.CRITICAL,
    "2": Severity.MAJOR,
    "3": Severity.MINOR,
    "4": Severity.WARNING,
}
KINDS = ("report", "request", "resolved")


class Person:
    """What somebody said: who, what, about which resource, how urgent."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("person", options, {"default_urgency": "minor"})
        self._tenant = tenant
        self._default = severity_option("person", "default_urgency", chosen["default_urgency"])

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one report or request, or an array of them."""
        body = parse_json(raw.payload)
        if isinstance(body, list):
            return each(body, lambda item: self._event(as_object(item, "the report"), raw), dump)
        return Decoded([self._event(as_object(body, "the report"), raw)])

    def _event(self, said: dict[str, Any], raw: RawRecord) -> Event:
        who, what = require(said, "who"), require(said, "what")
        resource = require(said, "about", "resource")
        told = first_text(said, "kind") or "report"
        if told not in KINDS:
            raise BadRecord("bad-value", f"kind must be one of {', '.join(KINDS)}, not {told[:80]!r}")
        urgency = first_text(said, "urgency")
        severity = (URGENCIES.get(urgency) or severity_of(urgency)) if urgency else self._default
        component, check = (
            first_text(said, "component"),
            first_text(said, "check") or told.replace("resolved", "report"),
        )
        when = said.get("when")
        time = raw.received if when is None else guessed_millis(when)
        own = first_text(said, "id")
        # Without an id of its own, the same words at another time are another message.
        key = content_id("person", self._tenant, own or dump(said), "" if own else str(time), told if own else "")
        kind = {"report": kind_at(severity), "request": EventKind.REQUEST, "resolved": EventKind.RESOLUTION}[told]
        names = (self._tenant, resource, component, check)
        labels = labels_of(said["labels"], "labels") if said.get("labels") else {}
        return build(
            {
                "id": key,
                "kind": kind,
                "time": time,
                "received": raw.received,
                "source": raw.source,
                "tenant": self._tenant,
                "resource": resource,
                "component": component,
                "check": check,
                "severity": severity,
                "summary": what,
                "labels": {**labels, "who": who},
                "fingerprint": fingerprint(*names, key) if kind is EventKind.REQUEST else fingerprint(*names),
                "url": first_text(said, "url"),
            }
        )
