"""The mapping file: how any JSON or CSV of a monitor that nobody else has becomes events or metric samples.

Every text is a template: "dev-{device_id}" takes the column (CSV) or the dotted path (JSON) `device_id`; "{{" is a
brace.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from pipeline.settings import Span
from pipeline.sources.times import iso_millis, zone_option
from schemas.base import BadRecord, ConfigError, Millis, Name, Record
from schemas.event import EventKind, Signal
from schemas.faults import faults
from schemas.severity import Severity


def _base(value: object) -> object:
    """A moment in the file is text, or what YAML has made of it."""
    text = value.isoformat() if hasattr(value, "isoformat") else value
    if not isinstance(text, str):
        return text
    try:
        return iso_millis(text)
    except BadRecord:
        raise ValueError("must be a time with an offset, such as 2024-01-01T00:00:00Z") from None


Moment = Annotated[Millis, BeforeValidator(_base)]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
FINGERPRINT = ("tenant", "resource", "component", "check")


class TimeField(Record):
    """Where a time is, and how it is written."""

    value: Name = Field(description="Template, such as {raw_time}.")
    format: Name = Field(default="iso", description="iso, epoch-s, epoch-ms, epoch-us, epoch-ns, or a strptime format.")
    base: Moment = Field(default=0, description="What a number counts from; the epoch unless given.")
    timezone: str = Field(default="UTC", description="Of times without an offset.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.format not in UNITS and self.format != "iso" and "%" not in self.format:
            raise ValueError(f"format must be iso, {', '.join(UNITS)}, or a strptime format such as %d.%m.%Y %H:%M:%S")
        try:
            zone_option("mapped", self.timezone)
        except ConfigError:
            raise ValueError(f"{self.timezone!r} is no time zone; allowed: IANA names such as Europe/Berlin") from None
        if "%" in self.format:
            moment = datetime(2024, 2, 29, 13, 14, 15, tzinfo=UTC)
            # Reading back what it writes shows a directive that does not exist.
            datetime.strptime(moment.strftime(self.format), self.format).astimezone(UTC)
        return self


UNITS: dict[str, float] = {"epoch-s": 1000, "epoch-ms": 1, "epoch-us": 1e-3, "epoch-ns": 1e-6}


class SeverityTable(Record):
    """Severity by a value of the input."""

    value: Name
    table: dict[Text, Severity] = Field(
        default_factory=dict, description="Empty: the usual words, such as high or warn."
    )
    default: Severity | None = Field(default=None, description="For values that are not in the table; else refused.")


class KindTable(Record):
    """Kind by a value of the input."""

    value: Name
    table: dict[Text, EventKind] = Field(min_length=1)
    default: EventKind | None = Field(default=None, description="For values that are not in the table; else refused.")


class Condition(Record):
    """A row for which all that is given here is true is skipped."""

    value: Name
    equals: tuple[Text, ...] = Field(default=(), description="Skip if it is one of these.")
    differs: tuple[Text, ...] = Field(default=(), description="Skip if it is none of these.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.equals) == bool(self.differs):
            raise ValueError("needs either equals or differs, a list of values")
        return self


class SourceMapping(Record):
    """One mapping file."""

    format: Literal["json", "csv"]
    columns: tuple[Name, ...] = Field(default=(), description="CSV: names of the columns, in order.")
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    records: str = Field(default="", description="JSON: dotted path of the list of records; empty: the payload itself.")
    time: TimeField | None = Field(default=None, description="None: when it was received.")
    ends_at: TimeField | None = None
    ends_after: Span | None = Field(
        default=None, description="It is over this long after its time. With ends_at: if that is not after its time."
    )
    resource: Name
    component: str = ""
    check: str = Field(default="", description="Needed, unless there are metrics.")
    kind: EventKind | KindTable = EventKind.PROBLEM
    severity: Severity | SeverityTable | None = Field(default=None, description="Needed, unless there are metrics.")
    metrics: dict[Name, Text] = Field(
        default_factory=dict, description="Template of a metric's name: template of its number. Makes rows samples."
    )
    signal: Signal = Signal.FAULT
    summary: str = ""
    value: str = Field(default="", description="Template of a number.")
    unit: str = ""
    labels: dict[Name, Text] = Field(default_factory=dict)
    clear_key: str = ""
    url: str = ""
    id: str = Field(default="", description="Template of the source's own id; empty: a hash of the record.")
    equal_rows: Literal["one", "apart"] = Field(
        default="one", description="Equal records are one event; or apart: where a record came from tells it apart."
    )
    fingerprint: tuple[Name, ...] = Field(default=FINGERPRINT, min_length=1, description="Our fields, or label.<name>.")
    skip: tuple[Condition, ...] = ()
    sort_by_time: bool = Field(default=False, description="A finite file is to be replayed in the order of its times.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.format == "csv") != bool(self.columns):
            raise ValueError("columns are needed with format csv, and only there")
        if self.records and self.format == "csv":
            raise ValueError("records is only for format json")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("columns must differ from each other")
        if not self.metrics and not (self.check and self.severity):
            raise ValueError("needs check and severity, or else metrics")
        for name in self.fingerprint:
            if name not in FINGERPRINT and name not in {f"label.{label}" for label in self.labels}:
                allowed = ", ".join((*FINGERPRINT, *(f"label.{label}" for label in self.labels)))
                raise ValueError(f"fingerprint: {name!r} is unknown; allowed: {allowed}")
        self._check_templates()
        return self

    def _check_templates(self) -> None:
        for key, template in self._templates():
            for _, column in pieces(key, template):
                if self.format == "csv" and column and column not in self.columns:
                    raise ValueError(f"{key}: {column!r} is no column; allowed: {', '.join(self.columns)}")

    def _templates(self) -> Iterator[tuple[str, str]]:
        for key in ("resource", "component", "check", "summary", "value", "unit", "clear_key", "url", "id"):
            yield key, getattr(self, key)
        for key in ("time", "ends_at", "kind", "severity"):
            field = getattr(self, key)
            if isinstance(field, TimeField | KindTable | SeverityTable):
                yield f"{key}.value", field.value
        yield from ((f"labels.{name}", template) for name, template in self.labels.items())
        for name, template in self.metrics.items():
            yield from ((f"metrics.{name}", text) for text in (name, template))
        yield from ((f"skip.{number}.value", condition.value) for number, condition in enumerate(self.skip))


def pieces(key: str, template: str) -> list[tuple[str, str]]:
    """A template as pairs of literal text and the column after it ("" for none); raises ValueError."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{key}: {template!r}: {error}") from None
    for _, column, form, conversion in parsed:
        if column == "" or form or conversion:
            raise ValueError(f"{key}: {template!r}: a template holds names in braces, such as {{host}}")
    return [(literal, column or "") for literal, column, _, _ in parsed]


def parse_mapping(given: Mapping[str, Any], where: str) -> SourceMapping:
    """The mapping from what a YAML file holds; raises ConfigError: for each fault `where`, key and what is allowed."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: needs keys with values; known: {', '.join(SourceMapping.model_fields)}")
    try:
        return SourceMapping.model_validate(dict(given))
    except ValidationError as error:
        told = dict.fromkeys(f"{where}: {fault}" for fault in faults(error, SourceMapping, given))
        raise ConfigError("\n".join(told)) from None
