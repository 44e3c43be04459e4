"""SNMP traps as common receivers decode them, brought to one form: snmptrapd, Telegraf, Logstash, plain JSON."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from pipeline.sources.common import as_list, as_object, first_text, text_of
from pipeline.sources.snmp_oids import COLUMNS, OIDS
from pipeline.sources.times import guessed_millis
from schemas.base import BadRecord

TRAP_OID = "1.3.6.1.6.3.1.1.4.1"
_UPTIME = "1.3.6.1.2.1.1.3"
_ADDRESS = "1.3.6.1.6.3.18.1.3"
_GENERIC = "1.3.6.1.6.3.1.1.5"
_TRANSPORT = re.compile(r"(?:UDP6?|TCP6?|DTLS|SSH)[^\[]{0,20}\[([^\]]{1,64})\]", re.ASCII)
_NUMERIC = re.compile(r"\.?\d+(?:\.\d+)+", re.ASCII)
_TYPED = re.compile(r"(?:STRING|INTEGER|OID|Timeticks|IpAddress|Gauge32|Counter32|Counter64|Hex-STRING|Unsigned32): ?")


class Trap(NamedTuple):
    """One trap. `oid` is numeric where it is known; variables are named by number without a leading dot, or by name."""

    host: str
    oid: str
    name: str
    time: int | None
    uptime: str
    variables: dict[str, str]
    labels: dict[str, str]


@lru_cache(maxsize=4096)
def numeric(name: str) -> str:
    """The number of "IF-MIB::ifName.3", ".1.3.6..." and "iso.3.6..." where it is known; otherwise the name itself."""
    if name.startswith("iso."):
        name = f"1.{name[4:]}"
    if name[:1].isdigit() or name.startswith("."):
        return name.removeprefix(".")
    short = name.rpartition("::")[2]
    base, dot, index = short.partition(".")
    known = OIDS.get(base) or COLUMNS.get(base)
    return f"{known}{dot}{index}" if known else short


def from_text(text: str) -> Trap:
    """What snmptrapd gives to a traphandle program: host, transport address, then one variable a line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 3:
        raise BadRecord("missing-field", "a trap needs the host, the transport address and at least one variable")
    host, transport = lines[0], _TRANSPORT.search(lines[1])
    address = transport[1] if transport else ""
    if host == "<UNKNOWN>" or host.startswith(("UDP:", "TCP:")):
        host = address
    variables: dict[str, str] = {}
    for line in lines[2:] if transport else lines[1:]:
        name, _, value = line.partition(" ")
        variables[numeric(name)] = clean(value.removeprefix("= "))
    return _finish(host, variables, "", "", None, {"address": address} if address else {})


def from_json(body: dict[str, Any]) -> Trap:
    """Any of the JSON forms."""
    if body.get("name") == "snmp_trap" or ("tags" in body and "fields" in body):
        return _telegraf(body)
    message = body.get("message")
    if isinstance(message, str) and message.startswith("{"):
        try:
            inner = orjson.loads(message)
        except orjson.JSONDecodeError as error:
            raise BadRecord("bad-value", f"message: {error}") from None
        body = {**as_object(inner, "message"), **{key: value for key, value in body.items() if key != "message"}}
    variables = _variables(body)
    oid = first_text(body, "trap_oid", "oid", "snmpTrapOID", "trapOID", "trap") or _version1(body)
    stamp = next((body[key] for key in ("@timestamp", "time", "datetime", "received_at") if body.get(key)), None)
    labels = {key: text for key in ("version", "mib", "enterprise") if (text := first_text(body, key))}
    time = None if stamp is None else guessed_millis(stamp)
    return _finish(_host(body), variables, oid, first_text(body, "name", "trap_name"), time, labels)


def _telegraf(body: dict[str, Any]) -> Trap:
    tags = as_object(body.get("tags"), "tags")
    fields = as_object(body.get("fields"), "fields")
    variables = {numeric(name): clean(text_of(value)) for name, value in fields.items()}
    stamp = body.get("timestamp")
    labels = {key: text for key in ("version", "mib", "context_name") if (text := first_text(tags, key))}
    host = first_text(tags, "agent_address", "source", "agent_host")
    time = None if stamp is None else guessed_millis(stamp)
    return _finish(host, variables, first_text(tags, "oid"), first_text(tags, "name"), time, labels)


def _host(body: dict[str, Any]) -> str:
    """The device: an SNMPv1 trap names it in its own field, which a relay does not change."""
    host = body.get("host")
    if isinstance(host, dict):
        host = first_text(host, "name", "hostname", "ip")
    named = first_text(body, "agent_addr", "agent_address", "device", "hostname")
    plain = host if isinstance(host, str) else ""
    return named if named and named != "0.0.0.0" else plain or first_text(body, "source", "source_ip", "address")


def _version1(body: dict[str, Any]) -> str:
    """The identifier of an SNMPv1 trap, by the rule of RFC 3584."""
    generic, enterprise = first_text(body, "generic_trap", "generic"), first_text(body, "enterprise")
    if not generic.isdigit() or not generic.isascii() or len(generic) > 3:
        return ""
    if generic != "6":
        return f"{_GENERIC}.{int(generic) + 1}"
    specific = first_text(body, "specific_trap", "specific")
    return f"{numeric(enterprise)}.0.{specific}" if enterprise and specific else ""


def _variables(body: dict[str, Any]) -> dict[str, str]:
    given = next((body[key] for key in ("varbinds", "variables", "variable_bindings") if body.get(key)), None)
    if given is None:
        pairs = {key: value for key, value in body.items() if "::" in key or _NUMERIC.fullmatch(key)}
        return {numeric(name): clean(text_of(value)) for name, value in pairs.items()}
    if isinstance(given, dict):
        return {numeric(name): clean(text_of(value)) for name, value in given.items()}
    listed = (as_object(item, "a variable") for item in as_list(given, "varbinds"))
    return {
        numeric(name): clean(text_of(item.get("value")))
        for item in listed
        if (name := first_text(item, "oid", "name", "object"))
    }


def clean(value: str) -> str:
    """A value without its type ("INTEGER: ") and its quotes."""
    if found := _TYPED.match(value):
        value = value[found.end() :]
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _finish(
    host: str, variables: dict[str, str], oid: str, name: str, time: int | None, labels: dict[str, str]
) -> Trap:
    """Find the trap among its variables where the receiver left it there, and the address where a relay put it."""
    rest: dict[str, str] = {}
    uptime = ""
    for key, value in variables.items():
        if key.startswith(TRAP_OID):
            oid = oid or value
        elif key.startswith(_ADDRESS):
            host = value or host
        elif key.startswith(_UPTIME):
            uptime = value
        else:
            rest[key] = value
    if not host:
        raise BadRecord("missing-field", "the trap names no host")
    if not oid and not name:
        raise BadRecord("missing-field", "the trap names neither its object identifier nor its name")
    number = numeric(oid or name)
    return Trap(host, number, name or (oid.rpartition("::")[2] if "::" in oid else ""), time, uptime, rest, labels)
