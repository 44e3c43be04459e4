"""Syslog, one message a payload: RFC 5424, RFC 3164 and its relatives.

Well-known messages (see syslog_patterns.py) become pairs of problem and resolution. Of all others those of severity err
and worse become problems that end by themselves, because nobody will say when they are over; the rest is information.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from pipeline.sources.base import Decoded, decoded
from pipeline.sources.common import FAULT, INFORMATION, PROBLEM, build_known, duration_option, read_options
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.syslog_header import read
from pipeline.sources.syslog_patterns import PATTERNS
from pipeline.sources.times import zone_option
from schemas.base import BadRecord
from schemas.event import EventKind, RawRecord, content_id, content_ids, fingerprint
from schemas.severity import Severity

SEVERITIES: Mapping[int, Severity] = MappingProxyType(
    {
        0: Severity.CRITICAL,
        1: Severity.CRITICAL,
        2: Severity.CRITICAL,
        3: Severity.MAJOR,
        4: Severity.WARNING,
        5: Severity.INFO,
        6: Severity.INFO,
        7: Severity.INFO,
    }
)
"""Severity of the priority, emergency to debug."""

FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"),
)
"""Facility of the priority, by number."""

ERROR = 3
LOOKED_AT = 1000
"""Characters of a message in which patterns are searched; keeps the cost of a long one bounded."""

_MNEMONIC = re.compile(r"%([A-Z][A-Z0-9_\-]{1,60}?)-[0-7]-([A-Z][A-Z0-9_]{0,60}) ?:", re.ASCII)
_NAME = re.compile(r"([A-Z][A-Z0-9]{1,20}_[A-Z0-9_]{1,60}): ", re.ASCII)


class _Meaning(NamedTuple):
    """What a message says. `paired`: somebody will say when it is over."""

    kind: EventKind
    check: str
    component: str
    severity: Severity
    paired: bool


class Syslog:
    """Syslog messages. Option `timezone` is that of times without an offset."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("syslog", options, {"timezone": "UTC", "ends_after": "10m"})
        self._tenant = tenant
        self._id = content_ids("syslog", tenant)
        self._zone = zone_option("syslog", chosen["timezone"])
        self._ends_after = duration_option("syslog", chosen, "ends_after")

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one message."""
        payload = raw.payload.strip(b"\r\n\0 \t")
        if not payload:
            raise BadRecord("empty", "the payload has no content")
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            # Old devices write Latin-1, in which every byte is a letter; the priority still tells a message from noise.
            text = payload.decode("latin-1")
        received = raw.received
        level, facility, stamp, host, app, msgid, data, said = read(text, received, self._zone)
        host = host or raw.origin
        if not host:
            raise BadRecord("missing-field", "neither the message nor the transport names a host")
        time = received if stamp is None else stamp
        kind, check, component, severity, paired = _meaning(level, app, _key(app, msgid, said), said)
        event = build_known(
            {
                "id": self._identity(host, str(time), text, payload),
                "kind": kind,
                "time": time,
                "received": received,
                "source": raw.source,
                "tenant": self._tenant,
                "resource": host,
                "component": component,
                "check": check,
                "severity": severity,
                "signal": FAULT,
                "summary": said,
                "labels": _labels(facility, app, msgid, data),
                "value": None,
                "unit": "",
                "ends_at": None if paired or kind is not PROBLEM else time + self._ends_after,
                "clear_key": None,
                "fingerprint": fingerprint(self._tenant, host, component, check),
                "url": "",
            }
        )
        return decoded(([event], (), ()))

    def _identity(self, host: str, time: str, text: str, payload: bytes) -> str:
        if text.isascii():
            return self._id(host, time, text)
        return content_id("syslog", self._tenant, host, time, payload)  # the text may have been read as Latin-1


def _key(app: str, msgid: str, text: str) -> str:
    """Under which name the message is known: its mnemonic, its message id or the application that wrote it."""
    if text.startswith("%") and (found := _MNEMONIC.match(text)):
        return f"{found[1]}-{found[2]}"
    if msgid in PATTERNS:
        return msgid
    if found := _NAME.match(text):
        return found[1]
    return app


def _meaning(level: int, app: str, key: str, text: str) -> _Meaning:
    patterns = PATTERNS.get(key) or PATTERNS.get(app, ())
    for pattern in patterns:
        if found := pattern.pattern.search(text, 0, LOOKED_AT):
            part = found["part"]
            if found.groupdict().get("good"):
                return _Meaning(EventKind.RESOLUTION, pattern.check, part, Severity.INFO, True)
            return _Meaning(EventKind.PROBLEM, pattern.check, part, pattern.severity, pattern.paired)
    return _plain(level, key)


@lru_cache(maxsize=4096)
def _plain(level: int, key: str) -> _Meaning:
    """The meaning of a message that no pattern knows."""
    return _Meaning(PROBLEM if level <= ERROR else INFORMATION, key or "syslog", "", SEVERITIES[level], False)


def _labels(facility: int, app: str, msgid: str, data: dict[str, str]) -> dict[str, str]:
    """The structured data, with what else the header has; it takes the mapping over."""
    data["facility"] = FACILITIES[facility]
    if app:
        data["app"] = app
    if msgid:
        data["msgid"] = msgid
    return data
