"""What stands in the messages between the steps: packs of rows, readable in any language, with no import path in them.

A pack is a JSON object: `v` the version, `kind`, `origin` the upstream partition it comes from, `high` the newest
event time of that partition so far, `sent` the sender's clock, and `rows` in the columns that `fields` names. One
without rows is a tick: it only says how far its origin is. A pack holds many rows because a message costs more than
a row.

All other messages (commands, replies, reference data, incidents, ledger, audit) are one record each, as its schema
says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from pipeline.stages.change import AlertChange, Opening
from pipeline.stages.fold import Spell
from schemas.base import BadRecord, Record
from schemas.command import Command
from schemas.event import Event, EventKind, MetricSample, Signal
from schemas.severity import Severity

VERSION = 1
EVENTS, CHANGES, SAMPLES, FEEDBACK = "events", "changes", "samples", "feedback"
EVENT_FIELDS = tuple(Event.model_fields)
SAMPLE_FIELDS = tuple(MetricSample.model_fields)
CHANGE_FIELDS = AlertChange._fields

R = TypeVar("R", bound=Record)

_EVENTS = TypeAdapter(list[Event])
_SAMPLES = TypeAdapter(list[MetricSample])
_event_row = itemgetter(*EVENT_FIELDS)
_sample_row = itemgetter(*SAMPLE_FIELDS)
_VALUE = SAMPLE_FIELDS.index("value")
_ALL_SET = set(EVENT_FIELDS)
_KINDS = {one.value: one for one in EventKind}
_SEVERITIES = {one.value: one for one in Severity}
_SIGNALS = {one.value: one for one in Signal}
_AT = {name: EVENT_FIELDS.index(name) for name in ("kind", "severity", "signal")}


class Events(NamedTuple):
    """A pack of events, in the order of their origin.

    `origin` is the raw topic and partition, as topic/partition. `high` is the greatest `vouched_time` (see
    `pipeline.stages.skew`) of its events so far, those of this pack included, whatever partition they went to; it may
    start again lower after a restart: readers keep the highest. `sent` is the clock of the sender. Times in
    milliseconds. `rests`: the origin is read to its end, and nobody need wait for it until it speaks again.

    What the models say comes from an origin of its own, detect/partition. Its packs that hold events are numbered, in
    growing order with gaps: the same number is always the same pack, so a reader drops those it has had. 0: no number.
    """

    origin: str
    high: int
    sent: int
    events: Sequence[Event] = ()
    rests: bool = False
    number: int = 0


class Samples(NamedTuple):
    """A pack of metric samples, in the order of their origin; the rest as of `Events`."""

    origin: str
    high: int
    sent: int
    samples: Sequence[MetricSample] = ()
    rests: bool = False


class Changes(NamedTuple):
    """A pack of changes of alerts, in order, for one partition of the correlating step.

    `origin` is the partition of the alert step. Its changes for one partition are numbered from 1 without gaps; `first`
    is the number of the first one here (of the next one to come, where there are none). The same number is always the
    same change, so a reader drops those it has had. `high` is a time of which the alert step's watermark is less.
    """

    origin: str
    high: int
    sent: int
    first: int
    changes: Sequence[AlertChange] = ()

    @property
    def rests(self) -> bool:
        """Never: the alert step says all the time how far it is."""
        return False


# -- writing -----------------------------------------------------------------------------------------------------------


def pack_events(pack: Events) -> bytes:
    """One message of the topic of events."""
    rows = [_event_row(event.__dict__) for event in pack.events]
    more = ({"rests": True} if pack.rests else {}) | ({"number": pack.number} if pack.number else {})
    return _pack(EVENTS, pack.origin, pack.high, pack.sent, EVENT_FIELDS, rows, **more)


def pack_samples(pack: Samples) -> bytes:
    """One message of the topic of metrics. What is not a finite number is written as text, for JSON has no such."""
    rows: list[Sequence[object]] = [_sample_row(sample.__dict__) for sample in pack.samples]
    for at, sample in enumerate(pack.samples):
        if not isfinite(sample.value):
            rows[at] = [*rows[at][:_VALUE], str(sample.value), *rows[at][_VALUE + 1 :]]
    more = {"rests": True} if pack.rests else {}
    return _pack(SAMPLES, pack.origin, pack.high, pack.sent, SAMPLE_FIELDS, rows, **more)


def pack_changes(pack: Changes) -> bytes:
    """One message of the topic of alerts."""
    return _pack(CHANGES, pack.origin, pack.high, pack.sent, CHANGE_FIELDS, pack.changes, first=pack.first)


def pack_feedback(command: Command) -> bytes:
    """One message of the topic of metrics, for the partition that is to be asked next."""
    return orjson.dumps({"v": VERSION, "kind": FEEDBACK, "command": command.model_dump(mode="json")})


def pack_record(record: Record) -> bytes:
    """One record as its schema says."""
    return record.model_dump_json().encode()


def _pack(
    kind: str, origin: str, high: int, sent: int, fields: tuple[str, ...], rows: Sequence[object], **more: object
) -> bytes:
    head: dict[str, object] = {"v": VERSION, "kind": kind, "origin": origin, "high": high, "sent": sent, **more}
    if rows:
        head |= {"fields": fields, "rows": rows}
    return orjson.dumps(head, tuple)  # `tuple`: orjson writes tuples, but not named ones


# -- reading -----------------------------------------------------------------------------------------------------------


def unpack_events(data: bytes) -> Events:
    """The inverse of `pack_events`. Raises BadRecord.

    Rows of our own version are taken as they are, for they were checked where they were made; others are checked.
    """
    head = _head(data, EVENTS)
    try:
        rows = head.get("rows", [])
        if not rows or tuple(head["fields"]) == EVENT_FIELDS:
            events = [_event(row) for row in rows]
        else:
            events = _EVENTS.validate_python(_known(head["fields"], rows, EVENT_FIELDS))
        rests, number = head.get("rests", False), head.get("number", 0)
        return Events(head["origin"], head["high"], head["sent"], events, rests, number)
    except (KeyError, TypeError, ValueError) as error:  # a ValidationError is a ValueError
        raise BadRecord("not-a-pack", f"of events: {error}") from error


def event_records(data: bytes) -> list[dict[str, Any]]:
    """The events of a pack in their JSON form, for those who only pass them on. Raises BadRecord as `unpack_events`."""
    head = _head(data, EVENTS)
    try:
        rows = head.get("rows", [])
        if not rows or tuple(head["fields"]) == EVENT_FIELDS:
            return [dict(zip(EVENT_FIELDS, row, strict=True)) for row in rows]
        events = _EVENTS.validate_python(_known(head["fields"], rows, EVENT_FIELDS))
        return [event.model_dump(mode="json") for event in events]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRecord("not-a-pack", f"of events: {error}") from error


def unpack_samples(data: bytes) -> Samples:
    """The inverse of `pack_samples`. Raises BadRecord."""
    return _samples(_head(data, SAMPLES))


def unpack_metrics(data: bytes) -> Samples | Command:
    """A message of the topic of metrics: the inverse of `pack_samples`, or of `pack_feedback`. Raises BadRecord."""
    head = _head(data, SAMPLES, FEEDBACK)
    if head["kind"] == SAMPLES:
        return _samples(head)
    try:
        return Command.model_validate(head.get("command"))
    except ValidationError as error:
        raise BadRecord("not-valid", f"feedback: {error.errors()[0]['msg']}") from error


def _samples(head: dict[str, Any]) -> Samples:
    try:
        samples = _SAMPLES.validate_python(_known(head.get("fields", ()), head.get("rows", []), SAMPLE_FIELDS))
        return Samples(head["origin"], head["high"], head["sent"], samples, head.get("rests", False))
    except (KeyError, TypeError, ValueError) as error:
        raise BadRecord("not-a-pack", f"of samples: {error}") from error


def unpack_changes(data: bytes) -> Changes:
    """The inverse of `pack_changes`. Raises BadRecord."""
    head = _head(data, CHANGES)
    try:
        rows = head.get("rows", [])
        changes = [_change(row) for row in _known(head.get("fields", ()), rows, CHANGE_FIELDS)]
        return Changes(head["origin"], head["high"], head["sent"], head["first"], changes)
    except (KeyError, TypeError, ValueError) as error:
        raise BadRecord("not-a-pack", f"of changes: {error}") from error


def unpack_record(kind: type[R], data: bytes) -> R:
    """The inverse of `pack_record`. Raises BadRecord."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRecord("not-valid", f"{kind.__name__} {where}: {first['msg']}") from error


def _head(data: bytes, *kinds: str) -> dict[str, Any]:
    try:
        head = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRecord("not-json", str(error)) from error
    if not isinstance(head, dict) or head.get("kind") not in kinds:
        raise BadRecord("not-a-pack", f"of {' or '.join(kinds)}")
    if head.get("v") != VERSION:
        raise BadRecord("unknown-version", f"{head.get('v')!r} of {head['kind']}; this reader knows {VERSION}")
    return head


def _known(fields: Iterable[str], rows: Iterable[Sequence[Any]], ours: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows by the names of their columns; columns that we don't know are from a newer sender, and left out."""
    columns = [(at, name) for at, name in enumerate(fields) if name in ours]
    return [{name: row[at] for at, name in columns} for row in rows]


def _event(row: list[Any]) -> Event:
    """An event that was valid when it was packed, made without checking it again (that costs as much as folding it)."""
    if len(row) != len(EVENT_FIELDS):
        raise ValueError(f"a row of {len(row)} columns, not {len(EVENT_FIELDS)}")
    row[_AT["kind"]] = _KINDS[row[_AT["kind"]]]
    row[_AT["severity"]] = _SEVERITIES[row[_AT["severity"]]]
    row[_AT["signal"]] = _SIGNALS[row[_AT["signal"]]]
    event = Event.__new__(Event)
    fill = object.__setattr__
    fill(event, "__dict__", dict(zip(EVENT_FIELDS, row, strict=True)))
    fill(event, "__pydantic_fields_set__", _ALL_SET)
    fill(event, "__pydantic_extra__", None)
    fill(event, "__pydantic_private__", None)
    return event


def _change(values: dict[str, Any]) -> AlertChange:
    values["spells"] = tuple(Spell(*spell) for spell in values["spells"])
    values["gone"] = tuple(values["gone"])
    values["openings"] = tuple(Opening(*opening) for opening in values.get("openings", ()))
    return AlertChange(**values)
