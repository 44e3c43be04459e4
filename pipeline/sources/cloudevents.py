"""CloudEvents 1.0 in structured JSON, one or a batch. `data` carries our own fields, or options say where they are.

Every option names a field of ours and gives the dotted path to it in the whole envelope, such as "data.host.name".
"""

from __future__ import annotations

import binascii
from base64 import b64decode
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
    names_option,
    parse_json,
    read_options,
    require,
    text_of,
)
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.severities import severity_of
from pipeline.sources.times import iso_millis
from schemas.base import BadRecord
from schemas.event import Event, EventKind, RawRecord, content_id, fingerprint
from schemas.severity import Severity

_FIELDS = ("resource", "component", "check", "severity", "kind", "summary", "url", "clear_key")
_DEFAULTS = {field: f"data.{field}" for field in _FIELDS} | {
    "resolved_types": "resolved,recovered,cleared,closed,ok",
    "problem_types": "firing,raised,opened,triggered,failed",
}
_KINDS: dict[str, EventKind] = {
    "problem": EventKind.PROBLEM,
    "firing": EventKind.PROBLEM,
    "resolution": EventKind.RESOLUTION,
    "resolved": EventKind.RESOLUTION,
    "ok": EventKind.RESOLUTION,
    "information": EventKind.INFORMATION,
    "request": EventKind.REQUEST,
}


class CloudEvents:
    """Structured CloudEvents. One without a severity is information, unless its type says that a problem is over."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("cloudevents", options, _DEFAULTS)
        self._tenant = tenant
        self._paths = {field: chosen[field].split(".") for field in _FIELDS}
        self._resolved = frozenset(names_option(chosen, "resolved_types"))
        self._problems = frozenset(names_option(chosen, "problem_types"))

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one envelope or a batch of them."""
        body = parse_json(raw.payload)
        if isinstance(body, list):
            return each(body, lambda item: self._event(as_object(item, "the CloudEvent"), raw), dump)
        return Decoded([self._event(as_object(body, "the CloudEvent"), raw)])

    def _event(self, envelope: dict[str, Any], raw: RawRecord) -> Event:
        version = require(envelope, "specversion")
        if version != "1.0":
            raise BadRecord("unsupported", f"specversion {version[:20]!r}; only 1.0 is known")
        own, origin, kind_name = require(envelope, "id"), require(envelope, "source"), require(envelope, "type")
        envelope = {**envelope, "data": _data(envelope)}
        found = {field: _at(envelope, path) for field, path in self._paths.items()}
        stem, _, last = kind_name.rpartition(".")
        check = found["check"] or (stem if stem and last in self._resolved | self._problems else kind_name)
        severity = severity_of(found["severity"]) if found["severity"] else Severity.INFO
        resource = found["resource"] or first_text(envelope, "subject") or origin
        stamp = envelope.get("time")
        kind = _kind(found["kind"], severity, resolved=last in self._resolved)
        data = envelope["data"]
        labels = labels_of(data["labels"], "data.labels") if isinstance(data, dict) and data.get("labels") else {}
        return build(
            {
                # Source and id together are unique, by the specification.
                "id": content_id("cloudevents", self._tenant, origin, own),
                "kind": kind,
                "time": raw.received if stamp is None else iso_millis(stamp),
                "received": raw.received,
                "source": raw.source,
                "tenant": self._tenant,
                "resource": resource,
                "component": found["component"],
                "check": check,
                "severity": severity,
                "summary": found["summary"],
                "labels": {**labels, "ce_source": origin, "ce_type": kind_name},
                "clear_key": found["clear_key"] or None,
                "fingerprint": fingerprint(self._tenant, resource, found["component"], check),
                "url": found["url"],
            }
        )


def _kind(word: str, severity: Severity, *, resolved: bool) -> EventKind:
    if word:
        kind = _KINDS.get(word.lower())
        if kind is None:
            raise BadRecord("bad-value", f"kind {word[:80]!r} is none of {', '.join(_KINDS)}")
        return kind_at(severity) if kind is EventKind.PROBLEM else kind
    return EventKind.RESOLUTION if resolved else kind_at(severity)


def _data(envelope: dict[str, Any]) -> object:
    """The data: JSON as it is, or JSON in base64."""
    encoded = envelope.get("data_base64")
    if encoded is None:
        return envelope.get("data")
    try:
        return parse_json(b64decode(encoded if isinstance(encoded, str) else "-", validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadRecord("bad-value", f"data_base64: {error}") from None


def _at(envelope: dict[str, Any], path: list[str]) -> str:
    """The text at a dotted path; "" where there is nothing."""
    value: object = envelope
    for step in path:
        if not isinstance(value, dict):
            return ""
        value = value.get(step)
    return text_of(value)
