"""Any JSON or CSV described by a mapping file: for the monitor that nobody else has."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from operator import itemgetter
from typing import Any

from pipeline.sources.base import Decoded, Refused
from pipeline.sources.common import (
    as_list,
    as_object,
    build,
    build_sample,
    decode_utf8,
    dump,
    parse_json,
    read_options,
    text_of,
)
from pipeline.sources.mapping import UNITS, KindTable, SeverityTable, SourceMapping, TimeField, pieces
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.severities import severity_of
from pipeline.sources.times import epoch_millis, iso_millis, millis_of, no_time, zone_option
from schemas.base import BadRecord
from schemas.event import Event, EventKind, MetricSample, RawRecord, content_id, fingerprint
from schemas.severity import Severity

_TEXTS = ("resource", "component", "check", "summary", "unit", "clear_key", "url")

Row = Any
"""A list of cells, or a JSON object."""
Read = Callable[[Row], str]


class Mapped:
    """A source made from a mapping. Everything that the mapping fixes is worked out once, here."""

    def __init__(
        self, mapping: SourceMapping, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS
    ) -> None:
        read_options("mapped", options, {})
        self._mapping = mapping
        self._tenant = tenant
        self._columns = list(mapping.columns)
        given = ((key, getattr(mapping, key)) for key in _TEXTS)
        self._fixed: dict[str, Any] = {"tenant": tenant, "signal": mapping.signal}
        self._texts: list[tuple[str, Read]] = []
        for key, template in given:
            if "{" in template or "}" in template:
                self._texts.append((key, self._reader(template)))
            else:
                self._fixed[key] = template or None if key == "clear_key" else template
        self._labels = [(name, self._reader(template)) for name, template in mapping.labels.items()]
        self._skip = [
            (self._reader(condition.value), frozenset(condition.equals or condition.differs), bool(condition.equals))
            for condition in mapping.skip
        ]
        self._id = self._reader(mapping.id) if mapping.id else None
        self._value = self._reader(mapping.value) if mapping.value else None
        self._time = self._clock(mapping.time)
        self._ends = self._clock(mapping.ends_at)
        self._severity = self._severities(mapping.severity or Severity.INFO)
        self._kind = self._kinds(mapping.kind)
        self._metrics = [(self._reader(name), self._reader(number)) for name, number in mapping.metrics.items()]

    @property
    def sort_by_time(self) -> bool:
        """Whether a finite file is to be replayed in the order of its times."""
        return self._mapping.sort_by_time

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode a CSV line, several of them, or JSON. A header line and skipped rows give nothing."""
        if self._mapping.format == "json":
            return self._json(raw)
        text = decode_utf8(raw.payload)
        if text.startswith("\ufeff"):
            text = text[1:]
        if not text.strip():
            raise BadRecord("empty", "the payload has no content")
        line = text.rstrip("\r\n")
        if '"' not in line and "\n" not in line and "\r" not in line:
            return _decoded(self._row(line.split(self._mapping.delimiter), raw), [])
        return self._csv(text, raw)

    def _csv(self, text: str, raw: RawRecord) -> Decoded:
        # Not splitlines: that also splits at characters that are part of a cell.
        lines = [line + "\n" for line in text.removesuffix("\n").split("\n")]
        reader = csv.reader(lines, delimiter=self._mapping.delimiter, strict=True)
        found: list[Event | MetricSample] = []
        refused: list[Refused] = []
        at = 0
        while at < len(lines):
            try:
                cells = next(reader, None)
                if cells:
                    found += self._row(cells, raw, at)
            except (csv.Error, BadRecord) as error:
                reason = error if isinstance(error, BadRecord) else BadRecord("not-csv", str(error))
                payload = "".join(lines[at : max(reader.line_num, at + 1)])
                refused.append(Refused(reason, payload.encode()))
            at = max(reader.line_num, at + 1)
        return _decoded(found, refused)

    def _json(self, raw: RawRecord) -> Decoded:
        body = parse_json(raw.payload)
        if self._mapping.records:
            body = as_list(_at(body, self._mapping.records.split(".")), self._mapping.records)
        found: list[Event | MetricSample] = []
        refused: list[Refused] = []
        for number, item in enumerate(body if isinstance(body, list) else (body,)):
            try:
                found += self._row(as_object(item, "the record"), raw, number)
            except BadRecord as error:
                if not isinstance(body, list):
                    raise
                refused.append(Refused(error, self._alone(item)))
        return _decoded(found, refused)

    def _alone(self, item: object) -> bytes:
        """A refused record as a payload of its own."""
        body: object = item
        if self._mapping.records:
            body = [item]
            for step in reversed(self._mapping.records.split(".")):
                body = {step: body}
        return dump(body)

    def _row(self, row: Row, raw: RawRecord, ordinal: int = 0) -> Sequence[Event | MetricSample]:
        """What one record says, the `ordinal`th of its payload; nothing for a header or a row to be skipped."""
        if self._columns and len(row) != len(self._columns):
            raise BadRecord("bad-value", f"{len(row)} columns instead of {len(self._columns)}")
        if self._columns and row == self._columns:
            return ()
        if any((read(row) in values) == hit for read, values, hit in self._skip):
            return ()
        return self._samples(row, raw) if self._metrics else (self._event(row, raw, ordinal),)

    def _samples(self, row: Row, raw: RawRecord) -> list[MetricSample]:
        """A sample for each metric whose number is there."""
        texts = dict(self._texts)
        fields: dict[str, Any] = {"received": raw.received, "source": raw.source, "tenant": self._tenant}
        for key in ("resource", "component", "unit"):
            fields[key] = texts[key](row) if key in texts else self._fixed[key]
        fields["labels"] = {name: text for name, read in self._labels if (text := read(row))}
        fields["time"] = raw.received if self._time is None else self._time(row)
        return [
            build_sample({**fields, "metric": name(row), "value": _number(text)})
            for name, number in self._metrics
            if (text := number(row).strip())
        ]

    def _event(self, row: Row, raw: RawRecord, ordinal: int) -> Event:
        fields: dict[str, Any] = {**self._fixed, "received": raw.received, "source": raw.source}
        for key, read in self._texts:
            fields[key] = read(row)
        fields["clear_key"] = fields["clear_key"] or None
        fields["labels"] = {name: text for name, read in self._labels if (text := read(row))}
        fields["time"] = time = raw.received if self._time is None else self._time(row)
        fields["severity"] = self._severity(row)
        fields["kind"] = self._kind(row, fields["severity"])
        fields["ends_at"] = self._end(row, time) if fields["kind"] is EventKind.PROBLEM else None
        if self._value is not None and (number := self._value(row)):
            fields["value"] = _number(number)
        fields["fingerprint"] = fingerprint(*(_named(fields, name) for name in self._mapping.fingerprint))
        place = f"{raw.origin}\x1f{ordinal}" if self._mapping.equal_rows == "apart" else ""
        fields["id"] = self._identify(row, fields, place)
        return build(fields)

    def _identify(self, row: Row, fields: dict[str, Any], place: str) -> str:
        apart = (place,) if place else ()
        if self._id is not None and (own := self._id(row)):
            return content_id(fields["source"], self._tenant, own, fields["kind"], *apart)
        content = "\x1f".join(row).encode("utf-8", "surrogatepass") if self._columns else dump(row)
        # A record without a time of its own is told from the next one like it by when it came.
        moment = str(fields["time"]) if self._time is None else ""
        return content_id(fields["source"], self._tenant, moment, content, *apart)

    def _end(self, row: Row, time: int) -> int | None:
        end = None if self._ends is None else max(self._ends(row), time)
        after = self._mapping.ends_after
        return time + after if after is not None and (end is None or end == time) else end

    def _reader(self, template: str) -> Read:
        """A function from a row to the text of a template."""
        parts = [(literal, self._getter(column) if column else None) for literal, column in pieces("", template)]
        if len(parts) == 1 and parts[0][0] == "" and parts[0][1] is not None:
            return parts[0][1]
        return lambda row: "".join(literal + (get(row) if get else "") for literal, get in parts)

    def _getter(self, column: str) -> Read:
        if self._columns:
            getter: Read = itemgetter(self._columns.index(column))
            return getter
        path = column.split(".")
        return lambda row: text_of(_at(row, path))

    def _clock(self, field: TimeField | None) -> Callable[[Row], int] | None:
        """A function from a row to a time; a missing time is refused."""
        if field is None:
            return None
        read, base, zone = self._reader(field.value), field.base, zone_option("mapped", field.timezone)
        unit = UNITS.get(field.format)
        if unit is not None:
            # Whole milliseconds are added to the base before the bounds are checked once more, by the event itself.
            return lambda row: base + epoch_millis(read(row).strip(), unit)
        if field.format == "iso":
            return lambda row: iso_millis(read(row).strip(), zone)
        return lambda row: _strptime(read(row).strip(), field.format, zone)

    def _severities(self, given: Severity | SeverityTable) -> Callable[[Row], Severity]:
        if isinstance(given, Severity):
            return lambda _row: given
        read, table, default = self._reader(given.value), given.table, given.default

        def severity(row: Row) -> Severity:
            word = read(row)
            if (found := table.get(word, default)) is not None:
                return found
            if table:
                raise BadRecord("bad-severity", f"{word[:80]!r} is none of {', '.join(table)}")
            return severity_of(word)

        return severity

    def _kinds(self, given: EventKind | KindTable) -> Callable[[Row, Severity], EventKind]:
        if isinstance(given, EventKind):
            return lambda _row, severity: _no_problem(given, severity)
        read, table, default = self._reader(given.value), given.table, given.default

        def kind(row: Row, severity: Severity) -> EventKind:
            found = table.get(word := read(row), default)
            if found is None:
                raise BadRecord("bad-value", f"kind {word[:80]!r} is none of {', '.join(table)}")
            return _no_problem(found, severity)

        return kind


def _decoded(found: Sequence[Event | MetricSample], refused: Sequence[Refused]) -> Decoded:
    if not found and not refused:
        return Decoded()
    events = [one for one in found if isinstance(one, Event)]
    return Decoded(events, [one for one in found if isinstance(one, MetricSample)], refused)


def _named(fields: dict[str, Any], name: str) -> str:
    """One part of the fingerprint: a field of ours, or "label." and the name of a label."""
    text: str = fields["labels"].get(name[6:], "") if name.startswith("label.") else fields[name]
    return text


def _no_problem(kind: EventKind, severity: Severity) -> EventKind:
    """Severity "info" is never a problem."""
    return EventKind.INFORMATION if kind is EventKind.PROBLEM and severity is Severity.INFO else kind


def _strptime(text: str, form: str, zone: tzinfo) -> int:
    try:
        moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is set in the next line
        return millis_of(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        no_time(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadRecord("bad-value", f"value: not a number: {text[:80]!r}") from None


def _at(value: object, path: list[str]) -> object:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value
