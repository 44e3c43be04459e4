"""Payloads in the monitors' own formats. `start` is when a problem began, `now` when the monitor says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import orjson


class Said(NamedTuple):
    """What a monitor says, with its own name for the item and by its own clock: a problem or its end.

    `number` tells this problem from earlier ones of the same check.
    """

    name: str
    address: str
    check: str
    severity: str
    start: int
    now: int
    ended: bool
    number: int


def alertmanager(said: Said) -> bytes:
    """Webhook, version 4."""
    alert = {
        "status": "resolved" if said.ended else "firing",
        "labels": {"alertname": said.check, "instance": f"{said.name}:9100", "severity": said.severity},
        "annotations": {"summary": f"{said.check} on {said.name}"},
        "startsAt": _iso(said.start),
        "endsAt": _iso(said.now) if said.ended else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
    }
    body = {"version": "4", "groupKey": "{}", "status": alert["status"], "receiver": "tocsin", "alerts": [alert]}
    return orjson.dumps(body)


ZABBIX = {"critical": "5", "major": "4", "minor": "3", "warning": "2", "info": "1"}


def zabbix(said: Said) -> bytes:
    """Webhook with the event's macros."""
    day, clock = _zabbix_time(said.start)
    body = {
        "event_id": str(said.number * 2),
        "event_value": "0" if said.ended else "1",
        "event_update_status": "0",
        "event_name": f"{said.check} on {said.name}",
        "event_nseverity": ZABBIX[said.severity],
        "event_date": day,
        "event_time": clock,
        "trigger_id": str(1000 + sum(said.check.encode())),
        "trigger_name": said.check,
        "host_name": said.name,
        "host_ip": said.address,
    }
    if said.ended:
        day, clock = _zabbix_time(said.now)
        body |= {
            "event_recovery_id": str(said.number * 2 + 1),
            "event_recovery_date": day,
            "event_recovery_time": clock,
        }
    return orjson.dumps(body)


NAGIOS = {"critical": "CRITICAL", "major": "CRITICAL", "minor": "WARNING", "warning": "WARNING", "info": "UNKNOWN"}


def nagios(said: Said) -> bytes:
    """Macros of a service notification."""
    return orjson.dumps(
        {
            "NAGIOS_NOTIFICATIONTYPE": "RECOVERY" if said.ended else "PROBLEM",
            "NAGIOS_HOSTNAME": said.name,
            "NAGIOS_HOSTADDRESS": said.address,
            "NAGIOS_SERVICEDESC": said.check,
            "NAGIOS_SERVICESTATE": "OK" if said.ended else NAGIOS[said.severity],
            "NAGIOS_SERVICEOUTPUT": f"{said.check} {'is well again' if said.ended else 'is bad'}",
            "NAGIOS_LASTSERVICESTATECHANGE": str(said.start // 1000),
            "NAGIOS_TIMET": str(said.now // 1000),
        }
    )


def snmptrap(said: Said) -> bytes:
    """LinkDown and linkUp as a receiver decodes them."""
    trap = ("4", "linkUp") if said.ended else ("3", "linkDown")
    return orjson.dumps(
        {
            "name": "snmp_trap",
            "tags": {"source": said.address, "oid": f".1.3.6.1.6.3.1.1.5.{trap[0]}", "name": trap[1], "mib": "IF-MIB"},
            "fields": {"sysUpTimeInstance": said.now % 10**9, "ifIndex.1": 1, "ifDescr.1": "Uplink1"},
            "timestamp": said.now // 1000,
        }
    )


def syslog(said: Said) -> bytes:
    """An RFC 3164 message of a switch."""
    stamp = datetime.fromtimestamp(said.now / 1000, UTC)
    state = "up" if said.ended else "down"
    text = f"{stamp:%b} {stamp.day:2d} {stamp:%H:%M:%S} {said.name} 45: %LINK-3-UPDOWN: Interface {said.check}"
    return f"<187>{text}, changed state to {state}".encode()


def chatter(item: str, now: int, number: int) -> bytes:
    """An RFC 5424 message that is nobody's problem."""
    return f"<165>1 {_iso(now)} {item} daemon {number % 9000} ID{number} - job {number} finished".encode()


CLOUD = {"critical": "critical", "major": "high", "minor": "medium", "warning": "low", "info": "info"}


def cloudevents(said: Said) -> bytes:
    """A structured CloudEvent."""
    verb = "recovered" if said.ended else "failed"
    check = said.check.replace(" ", "-")
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{said.name}-{said.number}-{verb}-{said.now}",
            "source": f"/monitor/{said.name}",
            "type": f"example.{check}.{verb}",
            "subject": said.name,
            "time": _iso(said.now),
            "datacontenttype": "application/json",
            "data": {"severity": CLOUD[said.severity], "summary": f"{said.check} on {said.name}"},
        }
    )


def person(item: str, now: int, number: int) -> bytes:
    """A request of a person."""
    body = {
        "kind": "request",
        "id": f"R-{number}",
        "who": "A. Weber",
        "what": "Please look at my account",
        "about": item,
    }
    return orjson.dumps({**body, "urgency": 4, "when": _iso(now)})


WRITERS = {
    "alertmanager": alertmanager,
    "zabbix": zabbix,
    "nagios": nagios,
    "snmptrap": snmptrap,
    "syslog": syslog,
    "cloudevents": cloudevents,
}


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _zabbix_time(at: int) -> tuple[str, str]:
    stamp = datetime.fromtimestamp(at / 1000, UTC)
    return f"{stamp:%Y.%m.%d}", f"{stamp:%H:%M:%S}"
