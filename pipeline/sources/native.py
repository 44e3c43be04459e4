"""Tocsin's own event as JSON, one or an array: for senders that can write it directly."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pipeline.sources.base import Decoded
from pipeline.sources.common import as_object, build, dump, each, names_option, parse_json, read_options
from pipeline.sources.times import iso_millis
from schemas.base import BadRecord
from schemas.event import Event, EventKind, RawRecord, content_id, fingerprint
from schemas.severity import Severity

_IDENTITY = ("tenant", "resource", "component", "check")
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


class Native:
    """Events in our own words. May be left out: id, tenant, source, received, fingerprint, time (then: received).

    A sender speaks for the tenant of its source alone, unless option `tenants` lists others, by commas; * for any.
    """

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("native", options, {"tenants": ""})
        self._tenant = tenant
        self._tenants = frozenset({tenant, *names_option(chosen, "tenants")})

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one event or an array of them; the good ones of an array are kept."""
        body = parse_json(raw.payload)
        if isinstance(body, list):
            return each(body, lambda item: self.event(as_object(item, "the event"), raw), dump)
        return Decoded([self.event(as_object(body, "the event"), raw)])

    def event(self, given: dict[str, Any], raw: RawRecord) -> Event:
        """One event from its fields; raises BadRecord."""
        fields = {"tenant": self._tenant, "component": "", **given, "source": raw.source, "received": raw.received}
        for key in ("time", "ends_at"):
            if isinstance(fields.get(key), str):
                fields[key] = iso_millis(fields[key])
        fields.setdefault("time", raw.received)
        names = [part for key in _IDENTITY if isinstance(part := fields.get(key), str)]
        if "fingerprint" not in fields and len(names) == len(_IDENTITY):
            fields["fingerprint"] = fingerprint(*names)
        # Without an id and a time, only the moment of receipt tells a repeat from a second delivery.
        fields.setdefault("id", content_id("native", self._tenant, str(fields["time"]), dump(given)))
        event = build(fields)
        if event.tenant not in self._tenants and "*" not in self._tenants:
            allowed = ", ".join(sorted(self._tenants))
            raise BadRecord("bad-value", f"this source may not name tenant {event.tenant[:80]!r}; allowed: {allowed}")
        if event.kind is EventKind.PROBLEM and event.severity is Severity.INFO:
            raise BadRecord("bad-severity", "a problem cannot be info; send kind information, or a severity above info")
        return event
