"""What stands in the messages between the steps: packs of rows, readable in any language, with no import path in them.

A pack is a JSON object: first `v`, the version, `kind`, `origin` the upstream partition it comes from, `high` the
newest event time of that partition so far, `sent` the sender's clock, and `rows` in the columns that `fields` names.
One without rows is a tick: it only says how far its origin is; a pack of events holds those of many origins, under
`ticks`. It holds many rows because a message costs more than a row, and a message many packs: `agents.stream.parcel`.

In a pack of events `rows` are those that have to be looked at: they open or end an alert, or came late. The others,
most of a day, are in a second line that has `fields`, `rows`, and as `places` where they stand among all. The first
line says under `plain` what they are together, source by source: see `pipeline.stages.arrival.Plain`. So the step that
need not know more does not read the second line.

All other messages (commands, replies, reference data, incidents, ledger, audit) are one record each, as its schema
says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from agents.stream.sizes import LARGEST, PACK_BYTES
from pipeline.stages.arrival import FOLDED, WITHIN, Arrival, EventRow, Passing, Plain
from pipeline.stages.change import AlertChange, Opening
from pipeline.stages.fold import NEVER, Spell
from pipeline.state import maker
from schemas.base import BadRecord, Millis, Record
from schemas.command import Command
from schemas.event import Event, EventKind, MetricSample, Signal
from schemas.severity import Severity

EVENTS, CHANGES, SAMPLES, FEEDBACK = "events", "changes", "samples", "feedback"
VERSIONS = {EVENTS: 5, CHANGES: 1, SAMPLES: 1, FEEDBACK: 1}
"""What is written; what is older is understood as well. 1 of events: all of them were in the rows. 2: the first line
had under `passing` what the clock needs of each of those that are in the second line, which might be left out. 3: a
tick was a message. 4: a pack was a message."""
EVENT_FIELDS = tuple(Event.model_fields)
SAMPLE_FIELDS = tuple(MetricSample.model_fields)
CHANGE_FIELDS = AlertChange._fields
PASSING_FIELDS = ("place", *Passing._fields)
PLAIN_FIELDS = Plain._fields

_Rows = list[tuple[Any, ...]]

A = TypeVar("A")
R = TypeVar("R", bound=Record)

_EVENTS = TypeAdapter(list[Event])
_SAMPLES = TypeAdapter(list[MetricSample])
_fields_of = attrgetter("__dict__")
_event_row: Callable[[dict[str, Any]], tuple[Any, ...]] = itemgetter(*EVENT_FIELDS)
_sample_row = itemgetter(*SAMPLE_FIELDS)
_VALUE = SAMPLE_FIELDS.index("value")
_KINDS = {one.value: one for one in EventKind}
_SEVERITIES = {one.value: one for one in Severity}
_SIGNALS = {one.value: one for one in Signal}
_SPELLS, _GONE, _OPENINGS = map(CHANGE_FIELDS.index, ("spells", "gone", "openings"))
_KIND, _SEVERITY, _SIGNAL = map(EVENT_FIELDS.index, ("kind", "severity", "signal"))
_TIME, _RECEIVED, _SOURCE = map(EVENT_FIELDS.index, ("time", "received", "source"))
_FOLDED = tuple(map(EventKind, FOLDED))
"""The kinds themselves: one is found among them at once, and compared as a text otherwise."""
_event_row_of = maker(EventRow)


class Tick(NamedTuple):
    """How far an origin is, as of `Events`."""

    origin: str
    high: int
    rests: bool = False


TICK_FIELDS = Tick._fields


class Events(NamedTuple):
    """A pack of events, in the order of their origin.

    `origin` is the raw topic and partition, as topic/partition. `high` is the greatest `vouched_time` (see
    `pipeline.stages.skew`) of its events so far, those of this pack included, whatever partition they went to; it may
    start again lower after a restart: readers keep the highest. `sent` is the clock of the sender. Times in
    milliseconds. `rests`: the origin is read to its end, and nobody need wait for it until it speaks again.

    What the models say comes from an origin of its own, detect/partition. Its packs that hold events are numbered, in
    growing order with gaps: the same number is always the same pack, so a reader drops those it has had. 0: no number.

    One that holds `ticks` says nothing else, and its own origin is "".
    """

    origin: str
    high: int
    sent: int
    events: Sequence[Event] = ()
    rests: bool = False
    number: int = 0
    ticks: Sequence[Tick] = ()


class Arrivals(NamedTuple):
    """The same as the alert step takes it: `events` are all but those that are `plain`.

    These are in `data`, the pack as it came; see `one_by_one`.
    """

    origin: str
    high: int
    sent: int
    events: Sequence[Arrival | Passing] = ()
    rests: bool = False
    number: int = 0
    ticks: Sequence[Tick] = ()
    plain: Sequence[Plain] = ()
    data: bytes = b""

    def parts(self) -> list[Arrivals]:
        """The same in packs of one origin each."""
        if not self.ticks:
            return [self]
        return [Arrivals(tick.origin, tick.high, self.sent, rests=tick.rests) for tick in self.ticks]


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
    same change, so a reader drops those it has had. `high` is a time of which the alert step's watermark is less. Where
    the changes are of a long time, `marks` say what that was after the first so many of them, as (number, high).
    """

    origin: str
    high: int
    sent: int
    first: int
    changes: Sequence[AlertChange] = ()
    marks: Sequence[tuple[int, int]] = ()

    def parts(self) -> Iterator[Changes]:
        """The same in packs of a short time each."""
        begin = 0
        for end, high in (*self.marks, (len(self.changes), self.high)):
            yield Changes(self.origin, high, self.sent, self.first + begin, self.changes[begin:end])
            begin = end

    @property
    def rests(self) -> bool:
        """Never: the alert step says all the time how far it is."""
        return False


# -- writing -----------------------------------------------------------------------------------------------------------


def pack_events(pack: Events) -> bytes:
    """One pack of the topic of events."""
    rows, plain, places, others = _apart(pack.events)
    more: dict[str, object] = {}
    if pack.rests:
        more["rests"] = True
    if pack.number:
        more["number"] = pack.number
    if pack.ticks:
        more["ticks"] = {"fields": TICK_FIELDS, "rows": pack.ticks}
    if plain:
        more["plain"] = {"fields": PLAIN_FIELDS, "rows": [one.row(source, len(rows)) for source, one in plain.items()]}
    first = _pack(EVENTS, pack.origin, pack.high, pack.sent, EVENT_FIELDS, rows, **more)
    return first + b"\n" + orjson.dumps({"fields": EVENT_FIELDS, "places": places, "rows": others}) if plain else first


def _apart(events: Sequence[Event]) -> tuple[_Rows, dict[str, _Told], list[int], _Rows]:
    """The rows that are looked at; the plain events by source, their places among all, and their rows."""
    rows: _Rows = []
    others: _Rows = []
    places: list[int] = []
    plain: dict[str, _Told] = {}
    top = 0
    for place, row in enumerate(map(_event_row, map(_fields_of, events))):
        time, received = row[_TIME], row[_RECEIVED]
        if not (-WITHIN <= received - time <= WITHIN and top - time <= WITHIN):
            for told in plain.values():
                told.mark(len(rows))
            rows.append(row)
            time = received if time - received > WITHIN else time
        elif row[_KIND] in _FOLDED:
            rows.append(row)
        else:
            others.append(row)
            places.append(place)
            told = plain.get(row[_SOURCE]) or plain.setdefault(row[_SOURCE], _Told())
            told.times.append(time)
            told.kinds.append(row[_KIND])
        if time > top:
            top = time
    return rows, plain, places, others


class _Told:
    """The plain events of one source, while a pack is made."""

    __slots__ = ("kinds", "newest", "oldest", "times")

    def __init__(self) -> None:
        self.kinds: list[EventKind] = []
        self.oldest = NEVER
        self.newest: list[tuple[int, Millis]] = []
        self.times: list[Millis] = []
        """Of those since the last mark."""

    def mark(self, before: int) -> None:
        """One comes that did not come in time."""
        if self.times:
            self.oldest = min(self.oldest, *self.times)
            self.newest.append((before, max(self.times)))
            self.times.clear()

    def row(self, source: str, after: int) -> Plain:
        """What is said of them; `after` is how many others the pack has."""
        self.mark(after)
        return Plain(
            source, {kind.value: count for kind, count in Counter(self.kinds).items()}, self.oldest, self.newest
        )


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
    more: dict[str, object] = {"marks": pack.marks} if pack.marks else {}
    return _pack(CHANGES, pack.origin, pack.high, pack.sent, CHANGE_FIELDS, pack.changes, first=pack.first, **more)


def pack_in_parts(pack: Changes) -> Iterator[bytes]:
    """One message of the topic of alerts, or several where it were too large; the last one says how far time is.

    What one change says of the beginnings of spells grows with them. Beyond what a message can hold they are told
    without it: the spells count, and keep what was last said of them.
    """
    value = pack_changes(pack)
    if len(pack.changes) == 1 and len(value) > LARGEST:
        value = pack_changes(pack._replace(changes=[pack.changes[0]._replace(openings=())]))
    if len(value) <= PACK_BYTES or len(pack.changes) < 2:
        yield value
        return
    if pack.marks:
        for part in pack.parts():
            yield from pack_in_parts(part)
        return
    half = len(pack.changes) // 2
    yield from pack_in_parts(pack._replace(high=0, changes=pack.changes[:half]))
    yield from pack_in_parts(pack._replace(first=pack.first + half, changes=pack.changes[half:]))


def pack_feedback(command: Command) -> bytes:
    """One message of the topic of metrics, for the partition that is to be asked next."""
    return orjson.dumps({"v": VERSIONS[FEEDBACK], "kind": FEEDBACK, "command": command.model_dump(mode="json")})


def pack_record(record: Record) -> bytes:
    """One record as its schema says."""
    return record.to_json()


def _pack(
    kind: str, origin: str, high: int, sent: int, fields: tuple[str, ...], rows: Sequence[object], **more: object
) -> bytes:
    head: dict[str, object] = {"v": VERSIONS[kind], "kind": kind, "origin": origin, "high": high, "sent": sent, **more}
    if rows:
        head |= {"fields": fields, "rows": rows}
    return orjson.dumps(head, tuple)  # `tuple`: orjson writes tuples, but not named ones


# -- reading -----------------------------------------------------------------------------------------------------------


def unpack_events(data: bytes) -> Events:
    """The inverse of `pack_events`. Raises BadRecord.

    Rows of our own version are taken as they are, for they were checked where they were made; others are checked.
    """
    head, more = _both(data)
    with _understood("of events"):
        events = _among(_events(head), _places(head, more), _events(more))
        return Events(head["origin"], head["high"], head["sent"], events, *_rest(head))


def unpack_arrivals(data: bytes) -> Arrivals:
    """The same for the alert step, in a third of the time. Raises BadRecord."""
    end = data.find(b"\n")
    head = _head(data if end < 0 else data[:end], EVENTS)
    with _understood("of events"):
        plain = [Plain(*row) for row in _columns(head.get("plain"), PLAIN_FIELDS)]
        events: list[Arrival | Passing] = _rows(head, _event_rows, lambda event: event)
        pack = Arrivals(head["origin"], head["high"], head["sent"], events, *_rest(head), plain, data)
        return one_by_one(pack) if not plain and (end >= 0 or "passing" in head) else pack


def one_by_one(pack: Arrivals) -> Arrivals:
    """The same with all its events, and none of them plain. Raises BadRecord."""
    head, more = _both(pack.data)
    with _understood("of events"):
        others: list[Arrival | Passing] = _rows(more, _event_rows, lambda event: event)
        if told := _columns(head.get("passing"), PASSING_FIELDS):
            others = [Passing(_KINDS[kind], *rest) for _, kind, *rest in told]
        events: list[Arrival | Passing] = _rows(head, _event_rows, lambda event: event)
        return pack._replace(events=_among(events, _places(head, more), others), plain=())


def event_records(data: bytes) -> list[dict[str, Any]]:
    """The events of a pack in their JSON form, for those who only pass them on. Raises BadRecord as `unpack_events`."""
    head, more = _both(data)
    with _understood("of events"):
        return _among(_as_json(head), _places(head, more), _as_json(more))


def _both(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The lines of a pack of events; an empty one where there is no second."""
    first, _, second = data.partition(b"\n")
    with _understood("of events"):
        return _head(first, EVENTS), orjson.loads(second) if second else {}


@contextmanager
def _understood(what: str) -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError) as error:  # a ValidationError is a ValueError
        raise BadRecord("not-a-pack", f"{what}: {error}") from error


def _rows(
    line: dict[str, Any], ours: Callable[[list[list[Any]]], Iterable[A]], theirs: Callable[[Event], A]
) -> list[A]:
    """What is made of the rows of a line of a pack of events; those in other columns are events first, and checked."""
    rows = line.get("rows", [])
    if not rows or tuple(line["fields"]) == EVENT_FIELDS:
        return list(ours(rows))
    return [theirs(event) for event in _EVENTS.validate_python(_known(line["fields"], rows, EVENT_FIELDS))]


def _events(line: dict[str, Any]) -> list[Event]:
    return _rows(line, _trusted, lambda event: event)


def _as_json(line: dict[str, Any]) -> list[dict[str, Any]]:
    return _rows(
        line,
        lambda rows: (dict(zip(EVENT_FIELDS, row, strict=True)) for row in rows),
        lambda event: event.model_dump(mode="json"),
    )


def _columns(table: dict[str, Any] | None, names: tuple[str, ...]) -> list[list[Any]]:
    """The rows of a table in the columns of ours, which all have to be there."""
    if table is None:
        return []
    rows: list[list[Any]] = table["rows"]
    if tuple(table["fields"]) == names:
        return rows
    columns = [table["fields"].index(name) for name in names]
    return [[row[at] for at in columns] for row in rows]


def _places(head: dict[str, Any], more: dict[str, Any]) -> list[int]:
    """Where those of the second line stand; version 2 said it in the first one."""
    places: list[int] | None = more.get("places")
    return [row[0] for row in _columns(head.get("passing"), PASSING_FIELDS)] if places is None else places


def _among(some: list[A], places: Sequence[int], others: Sequence[A]) -> list[A]:
    """All of them in the order in which they came; `places`, ascending, are those of the others."""
    for place, one in zip(places, others, strict=True):
        some.insert(place, one)
    return some


def _rest(head: dict[str, Any]) -> tuple[bool, int, list[Tick]]:
    ticks = [Tick(*row) for row in _columns(head.get("ticks"), TICK_FIELDS)]
    return head.get("rests", False), head.get("number", 0), ticks


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
    with _understood("of samples"):
        samples = _SAMPLES.validate_python(_known(head.get("fields", ()), head.get("rows", []), SAMPLE_FIELDS))
        return Samples(head["origin"], head["high"], head["sent"], samples, head.get("rests", False))


def unpack_changes(data: bytes) -> Changes:
    """The inverse of `pack_changes`. Raises BadRecord."""
    head = _head(data, CHANGES)
    with _understood("of changes"):
        rows, fields = head.get("rows", []), tuple(head.get("fields", ()))
        if fields != CHANGE_FIELDS:
            rows = [list(AlertChange(**row)) for row in _known(fields, rows, CHANGE_FIELDS)]
        changes = [_change(row) for row in rows]
        marks = [(number, high) for number, high in head.get("marks", ())]
        return Changes(head["origin"], head["high"], head["sent"], head["first"], changes, marks)


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
    newest = VERSIONS[head["kind"]]
    if head.get("v") not in range(1, newest + 1):
        raise BadRecord("unknown-version", f"{head.get('v')!r} of {head['kind']}; this reader knows {newest}")
    return head


def _known(fields: Iterable[str], rows: Iterable[Sequence[Any]], ours: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows by the names of their columns; columns that we don't know are from a newer sender, and left out."""
    columns = [(at, name) for at, name in enumerate(fields) if name in ours]
    return [{name: row[at] for at, name in columns} for row in rows]


def _event_rows(rows: list[list[Any]]) -> Iterable[EventRow]:
    """Events that were valid when they were packed, not checked again: that costs as much as folding them."""
    kinds, severities, signals, columns = _KINDS, _SEVERITIES, _SIGNALS, len(EVENT_FIELDS)
    for row in rows:
        if len(row) != columns:
            raise ValueError(f"a row of {len(row)} columns, not {columns}")
        row[_KIND] = kinds[row[_KIND]]
        row[_SEVERITY] = severities[row[_SEVERITY]]
        row[_SIGNAL] = signals[row[_SIGNAL]]
    return map(_event_row_of, rows)


def _trusted(rows: list[list[Any]]) -> Iterable[Event]:
    """The same as the records that they were."""
    return (Event.trusted(row._asdict()) for row in _event_rows(rows))


def _change(row: list[Any]) -> AlertChange:
    row[_SPELLS] = tuple([Spell(*spell) for spell in row[_SPELLS]])
    row[_GONE] = tuple(row[_GONE])
    row[_OPENINGS] = tuple([Opening(*opening) for opening in row[_OPENINGS]])
    return AlertChange(*row)
