"""Influx line protocol, as Telegraf and many others write it: each number of a line is a metric sample."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from pipeline.sources.base import Decoded, Refused
from pipeline.sources.common import decode_utf8, read_options
from pipeline.sources.labelled import Subject, Subjects
from pipeline.sources.mapping import UNITS
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.times import epoch_millis
from schemas.base import BadRecord, ConfigError
from schemas.event import MetricSample, RawRecord

REMEMBERED = 65_536
"""Different tags whose reading is kept."""
_DEFAULTS = {
    "precision": "ns",
    "resource_tags": "host,hostname,agent_host,source,server,instance",
    "component_tags": "path,interface,ifName,ifDescr,name,device,cpu,container_name,database,db,topic,queue",
}
_MEASUREMENT = re.compile(r"((?:[^,\s\\]|\\.)+)")
_TAG = re.compile(r",((?:[^,=\s\\]|\\.)+)=((?:[^,=\s\\]|\\.)+)")
_TAGS = re.compile(r"(?:,(?:[^,=\s\\]|\\.)+=(?:[^,=\s\\]|\\.)+)+")
_FIELD = re.compile(r'((?:[^,=\s\\]|\\.)+)=("(?:[^"\\]|\\.|\\\n)*"|[^,\s"]+)')
_BLANK = re.compile(r"[ ]+")
_STAMP = re.compile(r"(?:[ ]+(-?[0-9]{1,20}))?[ ]*\r?(?:\n|$)")
_ESCAPED = re.compile(r"\\([,= ])")
_PLAIN_LINE = re.compile(
    r"([^,\s\\#][^,\s\\]*+(?:\\.[^,\s\\]*+)*+)((?:,[^,=\s\\]++=[^,=\s\\]++)*+) "  # measurement and tags
    r"([^,=\s\\\"]++=[^,=\s\\\"]++(?:,[^,=\s\\\"]++=[^,=\s\\\"]++)*+)"  # fields
    r"(?: (-?[0-9]{1,20}))?\r?(?:\n|$)"
)
"""A line without strings, needless blanks, and escapes in tags or fields: nearly all are, and are read in one go."""
_NUMBER = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)[iu]?")
_TRUTH = dict.fromkeys(("t", "T", "true", "True", "TRUE"), 1.0) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), 0.0
)


class Influx:
    """Lines. A field's metric is measurement_field, or the measurement where the field is called value."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("influx", options, _DEFAULTS)
        unit = UNITS.get(f"epoch-{chosen['precision']}")
        if unit is None:
            allowed = ", ".join(name.removeprefix("epoch-") for name in UNITS)
            raise ConfigError(
                f"source influx: option precision: {chosen['precision']!r} is unknown; allowed: {allowed}"
            )
        self._unit = unit
        self._known: dict[str, Subject] = {}
        self._subjects = Subjects(tenant, chosen, "resource_tags", "component_tags")

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode any number of lines; the good ones are kept although others are refused."""
        text = decode_utf8(raw.payload)
        if not text.strip():
            raise BadRecord("empty", "the payload has no content")
        samples: list[MetricSample] = []
        refused: list[Refused] = []
        at = 0
        while at < len(text):
            begin = at
            try:
                at, found = self._line(text, at, raw)
                samples += found
            except BadRecord as error:
                end = text.find("\n", begin)
                at = len(text) if end < 0 else end + 1
                refused.append(Refused(error, text[begin:at].encode()))
        return Decoded([], samples, refused)

    def _line(self, text: str, at: int, raw: RawRecord) -> tuple[int, list[MetricSample]]:
        """The samples of the line at a place, and where the next one begins. A string may hold line feeds."""
        plain = _PLAIN_LINE.match(text, at)
        if plain is not None:
            measurement, tags, fields, stamp = plain.groups()
            pairs = [field.partition("=") for field in fields.split(",")]
            numbers = [(name, _number(name, value)) for name, _, value in pairs]
            return plain.end(), self._samples(raw, _plain(measurement), tags, numbers, stamp)
        end = text.find("\n", at) + 1 or len(text)
        line = text[at:end].strip()
        if not line or line.startswith("#"):
            return end, []
        measured = _MEASUREMENT.match(text, at)
        if measured is None:
            raise BadRecord("missing-field", f"no measurement in {line[:80]!r}")
        tags = _TAGS.match(text, measured.end())
        fields, at = _fields(text, tags.end() if tags is not None else measured.end(), line)
        stamp = _STAMP.match(text, at)
        if stamp is None:
            raise BadRecord("bad-value", f"not understood: {text[at : at + 80]!r}")
        told = tags[0] if tags is not None else ""
        return stamp.end(), self._samples(raw, _plain(measured[1]), told, fields, stamp[1])

    def _samples(
        self, raw: RawRecord, measurement: str, tags: str, fields: list[tuple[str, float]], stamp: str | None
    ) -> list[MetricSample]:
        """One sample a field. A line of strings only has none, and need not name a resource."""
        time = raw.received if stamp is None else epoch_millis(int(stamp), self._unit)
        if not fields:
            return []
        subject = self._subject(tags)
        return [
            self._subjects.sample(
                raw,
                subject,
                time=time,
                metric=measurement if name == "value" else f"{measurement}_{name}",
                value=value,
            )
            for name, value in fields
        ]

    def _subject(self, tags: str) -> Subject:
        """What the tags of a line name; remembered, because they come again and again."""
        found = self._known.get(tags)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            labels = {_plain(name): _plain(value) for name, value in _TAG.findall(tags)}
            found = self._known[tags] = self._subjects.of(labels)
        return found


def _fields(text: str, at: int, line: str) -> tuple[list[tuple[str, float]], int]:
    """The fields that are numbers, and where they end."""
    blank = _BLANK.match(text, at)
    found = []
    place = -1 if blank is None else blank.end()
    for name, value, end in _pairs(text, place):
        if not value.startswith('"'):
            found.append((name, _number(name, value)))
        at = end
    if blank is None or at < place:
        raise BadRecord("missing-field", f"a measurement without fields: {line[:80]!r}")
    return found, at


def _pairs(text: str, at: int) -> Iterator[tuple[str, str, int]]:
    while at >= 0 and (field := _FIELD.match(text, at)):
        yield _plain(field[1]), field[2], field.end()
        at = field.end() + 1 if text[field.end() : field.end() + 1] == "," else -1


def _number(name: str, text: str) -> float:
    found = _NUMBER.fullmatch(text)
    if found is not None:
        return float(found[1])
    if text in _TRUTH:
        return _TRUTH[text]
    raise BadRecord("bad-value", f"{name[:80]}: not a number: {text[:80]!r}")


def _plain(text: str) -> str:
    """Without the backslashes that escape."""
    return _unescaped(text) if "\\" in text else text


@lru_cache(maxsize=4096)
def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
