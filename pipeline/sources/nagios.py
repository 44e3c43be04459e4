"""Nagios and Icinga: host and service notifications as JSON of their macros; performance data as metric samples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.sources.base import Decoded, Refused, decoded
from pipeline.sources.common import FAULT, as_object, build_known, build_sample, dump, parse_json, read_options
from pipeline.sources.macros import first_of, macros_of, need
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.times import epoch_millis
from schemas.base import BadRecord
from schemas.event import Event, EventKind, MetricSample, RawRecord, content_ids, fingerprint
from schemas.severity import Severity

HOST_STATES: dict[str, Severity] = {"DOWN": Severity.CRITICAL, "UNREACHABLE": Severity.MAJOR, "UP": Severity.INFO}
SERVICE_STATES: dict[str, Severity] = {
    "CRITICAL": Severity.CRITICAL,
    "UNKNOWN": Severity.MINOR,
    "WARNING": Severity.WARNING,
    "OK": Severity.INFO,
}
TYPES: dict[str, EventKind] = {
    "PROBLEM": EventKind.PROBLEM,
    "RECOVERY": EventKind.RESOLUTION,
    "ACKNOWLEDGEMENT": EventKind.INFORMATION,
    "FLAPPINGSTART": EventKind.INFORMATION,
    "FLAPPINGSTOP": EventKind.INFORMATION,
    "FLAPPINGEND": EventKind.INFORMATION,
    "FLAPPINGDISABLED": EventKind.INFORMATION,
    "DOWNTIMESTART": EventKind.INFORMATION,
    "DOWNTIMEEND": EventKind.INFORMATION,
    "DOWNTIMECANCELLED": EventKind.INFORMATION,
    "DOWNTIMEREMOVED": EventKind.INFORMATION,
    "CUSTOM": EventKind.INFORMATION,
}
_KEPT = (
    "hostaddress",
    "hostalias",
    "notificationauthor",
    "notificationcomment",
    "servicenotificationid",
    "hostnotificationid",
)
_PERFDATA = re.compile(
    r"\s*(?:'((?:[^']|'')+)'|([^\s=']+))=(U|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)"
    r"([^\s;\d][^\s;]{0,15})?(?:;[^\s;]*){0,4}(?=\s|$)"
)


class _About(NamedTuple):
    """What a notification is about."""

    host: str
    service: str
    state: str
    severity: Severity


class Nagios:
    """Notifications. Names of macros may carry their prefix NAGIOS_ or ICINGA_, in any case."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        read_options("nagios", options, {})
        self._tenant = tenant
        self._id = content_ids("nagios")

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode a notification, or the performance data of one check without a notification."""
        macros = macros_of(as_object(parse_json(raw.payload), "the notification"))
        host = need(macros, "hostname", "host_name")
        service = first_of(macros, "servicedesc", "servicename", "service_name")
        timet = macros.get("timet")
        now = raw.received if timet is None else epoch_millis(timet)
        perfdata = first_of(macros, "serviceperfdata" if service else "hostperfdata", "perfdata")
        if "notificationtype" not in macros and perfdata:
            return self._samples([], perfdata, now, raw, (host, service))
        event = self._event(macros, _about(macros, host, service), now, raw)
        return self._samples([event], perfdata, now, raw, (host, service)) if perfdata else decoded(([event], (), ()))

    def _event(self, macros: dict[str, str], about: _About, now: int, raw: RawRecord) -> Event:
        told = need(macros, "notificationtype")
        name = told.upper().split("(")[0].strip()
        kind = TYPES.get(name)
        if kind is None:
            raise BadRecord("unsupported", f"notification type {told[:80]!r}; known: {', '.join(TYPES)}")
        if (kind is EventKind.PROBLEM) == (about.severity is Severity.INFO) and kind is not EventKind.INFORMATION:
            raise BadRecord("bad-value", f"a {name} in state {about.state}")
        check = about.service or "host"
        output = first_of(macros, "serviceoutput" if about.service else "hostoutput", "output")
        identity = fingerprint(self._tenant, about.host, "", check)
        labels = {key: macros[key] for key in _KEPT if key in macros}
        labels["state"] = about.state
        if kind is EventKind.INFORMATION:
            labels["notification"] = name.lower()
        return build_known(
            {
                "id": self._id(identity, name, about.state, str(now), output),
                "kind": kind,
                "time": _start(macros, now, about.service) if kind is EventKind.PROBLEM else now,
                "received": raw.received,
                "source": raw.source,
                "tenant": self._tenant,
                "resource": about.host,
                "component": "",
                "check": check,
                "severity": about.severity,
                "signal": FAULT,
                "summary": output,
                "labels": labels,
                "value": None,
                "unit": "",
                "ends_at": None,
                "clear_key": None,
                "fingerprint": identity,
                "url": macros.get("serviceactionurl" if about.service else "hostactionurl", ""),
            }
        )

    def _samples(
        self, events: list[Event], perfdata: str, now: int, raw: RawRecord, subject: tuple[str, str]
    ) -> Decoded:
        samples: list[MetricSample] = []
        refused: list[Refused] = []
        fields: dict[str, Any] = {"time": now, "received": raw.received, "source": raw.source, "tenant": self._tenant}
        fields |= {"resource": subject[0], "component": subject[1]}
        at = 0
        while at < len(perfdata):
            found = _PERFDATA.match(perfdata, at)
            if found is None:
                rest = perfdata[at:].strip()
                alone = dump(
                    {"HOSTNAME": subject[0], "SERVICEDESC": subject[1], "TIMET": now // 1000, "PERFDATA": rest}
                )
                refused.append(Refused(BadRecord("bad-value", f"performance data: {rest[:80]!r}"), alone))
                break
            at = found.end()
            if found[3] != "U":
                metric = (found[1] or found[2]).replace("''", "'").strip()
                samples.append(
                    build_sample({**fields, "metric": metric, "value": float(found[3]), "unit": found[4] or ""})
                )
        return Decoded(events, samples, refused)


def _about(macros: dict[str, str], host: str, service: str) -> _About:
    states = SERVICE_STATES if service else HOST_STATES
    state = need(macros, "servicestate" if service else "hoststate").upper()
    severity = states.get(state)
    if severity is None:
        raise BadRecord("bad-severity", f"state {state[:80]!r}; known: {', '.join(states)}")
    return _About(host, service, state, severity)


def _start(macros: dict[str, str], now: int, service: str) -> int:
    """When a problem began: for its first notification the change of state, which checks in a soft state may delay."""
    kind = "service" if service else "host"
    number = macros.get(f"{kind}notificationnumber") or macros.get("notificationnumber")
    changed = macros.get(f"last{kind}statechange")
    if number != "1" or changed is None or changed == "0":
        return now
    return min(epoch_millis(changed), now)
