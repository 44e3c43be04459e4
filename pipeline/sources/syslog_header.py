"""The header of a syslog message: RFC 5424, RFC 3164, and what Cisco devices and relays make of the latter."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from pipeline.sources.times import EPOCH, iso_millis, millis_of, no_time
from schemas.base import BadRecord

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
MONTHS = {name: number for number, name in enumerate(_MONTHS.split("|"), 1)}

_PRIORITY = r"<(0|[1-9]\d{0,2})>"
_PRI = re.compile(_PRIORITY, re.ASCII)
_RFC5424 = re.compile(
    _PRIORITY + r"1 (\S{1,64}) (?:-|(\S{1,255})) (?:-|(\S{1,48})) \S{1,128} (?:-|(\S{1,32})) (.*)",
    re.ASCII | re.DOTALL,
)
_DATA = re.compile(r'\[([^\s="\]]{1,128})((?: [^\s="\]]{1,128}="(?:[^"\\\]]|\\.)*")*)\]', re.DOTALL)
_PARAMETER = re.compile(r' ([^\s="\]]+)="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
_BSD = re.compile(
    r"(?:(" + _MONTHS + r") +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?"
    r"|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[-+]\d\d:\d\d))) (\S{1,255}) (.*)",
    re.ASCII | re.DOTALL,
)
_CISCO = re.compile(
    r"(?:\d+: )?(?:([\w.\-]{1,255}): )?(?:\d+: )?"
    r"(?:[*.]?(" + _MONTHS + r") +(\d{1,2})(?: (\d{4}))? (\d\d):(\d\d):(\d\d)"
    r"(?:\.\d{1,6})?(?: [A-Z]{2,5})?: )?(%[A-Z].*)",
    re.ASCII | re.DOTALL,
)
_TAG = re.compile(r"([^\s:\[\]]{1,64})(?:\[[^\]\s]{0,64}\])?: ?(.*)", re.DOTALL)


Message = tuple[int, int, int | None, str, str, str, dict[str, str], str]
"""Severity, facility, time (None where the header has none), host, application, message id, structured data, text."""


def read(text: str, received: int, zone: tzinfo) -> Message:
    """Take a message apart; raises BadRecord. Times without an offset are in `zone`; the year comes from `received`."""
    if found := _RFC5424.match(text):
        return _modern(*found.groups(""))
    pri = _PRI.match(text)
    if pri is None:
        raise BadRecord("missing-field", "no priority: a syslog message begins with <0> to <191>")
    facility, severity = _priority(pri[1])
    rest = text[pri.end() :]
    if rest.startswith("1 "):
        raise BadRecord("missing-field", "RFC 5424: the header lacks a part")
    return _traditional(rest, severity, facility, received, zone)


@lru_cache(maxsize=1000)
def _priority(digits: str) -> tuple[int, int]:
    """Facility and severity."""
    priority = int(digits)
    if priority > 191:
        raise BadRecord("bad-value", f"priority {priority} is above 191")
    return divmod(priority, 8)


def _modern(pri: str, stamp: str, host: str, app: str, msgid: str, tail: str) -> Message:
    facility, severity = _priority(pri)
    data: dict[str, str] = {}
    if tail.startswith("- ") or tail == "-":
        message = tail[2:]
    elif tail.startswith("["):
        at = 0
        while element := _DATA.match(tail, at):
            for name, value in _PARAMETER.findall(element[2]):
                data[f"{element[1]}.{name}"] = re.sub(r'\\(["\\\]])', r"\1", value) if "\\" in value else value
            at = element.end()
        if at == 0 or (at < len(tail) and tail[at] != " "):
            raise BadRecord("bad-value", f"RFC 5424: broken structured data: {tail[at : at + 80]!r}")
        message = tail[at + 1 :]
    else:
        raise BadRecord("bad-value", f"RFC 5424: structured data must be - or begin with [: {tail[:80]!r}")
    time = None if stamp == "-" else iso_millis(stamp)
    return severity, facility, time, host, app, msgid, data, message.removeprefix("\ufeff")


def _traditional(rest: str, severity: int, facility: int, received: int, zone: tzinfo) -> Message:
    time: int | None
    if found := _BSD.match(rest):
        month, day, hour, minute, second, stamp, host, text = found.groups()
        time = iso_millis(stamp) if stamp else _nearest(month, (day, hour, minute, second), None, received, zone)
        if host.startswith("%") or (host.endswith(":") and not text.startswith("%")):
            # There is no host: what stands in its place is the mnemonic or the tag already.
            host, text = "", f"{host} {text}"
        host = host.removesuffix(":")
    elif found := _CISCO.match(rest):
        named, month, day, year, hour, minute, second, text = found.groups()
        time = _nearest(month, (day, hour, minute, second), year, received, zone) if month else None
        host = named or ""
    else:
        time, host, text = None, "", rest
    tag = None if text.startswith("%") else _TAG.match(text)
    if tag is None:
        return severity, facility, time, host, "", "", {}, text
    return severity, facility, time, host, tag[1], "", {}, tag[2]


def _nearest(month: str, numbers: tuple[str, str, str, str], year: str | None, received: int, zone: tzinfo) -> int:
    """The time in the year that brings it nearest to `received`: in January the last of December is days ago."""
    day, hour, minute, second = map(int, numbers)
    # A leap second has no place in datetime; it is shown as the last second before it.
    second = min(second, 59) if second == 60 else second
    now = EPOCH + timedelta(milliseconds=received)
    years = (int(year),) if year else _years(now, MONTHS[month])
    best: int | None = None
    for candidate in years:
        try:
            moment = datetime(candidate, MONTHS[month], day, hour, minute, second, tzinfo=zone)
            millis = millis_of(moment if zone is UTC else moment.astimezone(UTC))
        except (ValueError, OverflowError):
            continue
        if best is None or abs(millis - received) < abs(best - received):
            best = millis
    return no_time(f"{month} {day} {hour}:{minute}:{second}") if best is None else best


def _years(now: datetime, month: int) -> tuple[int, ...]:
    """The years in question; mostly one, unless the two dates are half a year apart or it may be a 29 February."""
    if month != 2 and abs(now.month - month) < 5:
        return (now.year,)
    return tuple(year for year in (now.year - 1, now.year, now.year + 1) if 1970 <= year <= 9999)
