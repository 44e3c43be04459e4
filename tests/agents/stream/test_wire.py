from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.stream import wire
from agents.stream.wire import (
    Changes,
    Events,
    Tick,
    one_by_one,
    pack_changes,
    pack_events,
    unpack_arrivals,
    unpack_changes,
    unpack_events,
)
from pipeline.stages.arrival import FOLDED, WITHIN, EventRow, Passing
from pipeline.stages.change import AlertChange, Opening
from pipeline.stages.fold import NEVER, Spell
from schemas.base import BadRecord
from schemas.command import Action, Command
from schemas.event import END_OF_TIME, Event, EventKind, Signal
from schemas.severity import Severity

T0 = 1_772_409_600_000
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
labels = st.dictionaries(texts, texts, max_size=3)
times = st.integers(0, END_OF_TIME)
ends = st.one_of(times, st.just(NEVER))

events = st.builds(
    Event,
    id=names,
    kind=st.sampled_from(EventKind),
    time=times,
    received=times,
    source=names,
    tenant=names,
    resource=names,
    component=texts,
    check=names,
    severity=st.sampled_from(Severity),
    signal=st.sampled_from(Signal),
    summary=texts,
    labels=labels,
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    unit=texts,
    ends_at=st.none() | times,
    clear_key=st.none() | names,
    fingerprint=names,
    url=texts,
)
spells = st.builds(Spell, times, ends, ends, st.integers(0, 5), ends, ends)
changes = st.builds(
    AlertChange,
    *(names, times, names, st.integers(0, 5), st.booleans(), names, names, names, names, texts, names, texts, labels),
    spells=st.lists(spells, max_size=3).map(tuple),
    gone=st.lists(times, max_size=3).map(tuple),
    openings=st.lists(st.builds(Opening, times, texts, labels), max_size=3).map(tuple),
)
ticks = st.lists(st.builds(Tick, names, times, st.booleans()), max_size=3)
event_packs = st.builds(
    Events, names, times, times, st.lists(events, max_size=3), st.booleans(), st.integers(0, 2**53), ticks
)
change_packs = st.builds(
    Changes, names, times, times, st.integers(1, 2**53), st.lists(changes, max_size=3), st.just([])
)


@given(event_packs)
def test_events_come_out_as_they_went_in(pack: Events) -> None:
    out = unpack_events(pack_events(pack))
    assert out == pack
    assert [event.model_dump() for event in out.events] == [event.model_dump() for event in pack.events]
    assert [event.model_copy(update={"time": 1}).time for event in out.events] == [1] * len(pack.events)


def rows_of(pack: Events, *kinds: str) -> list[EventRow]:
    return [EventRow(**event.__dict__) for event in pack.events if event.kind in kinds]


@given(event_packs)
def test_the_alert_step_gets_what_it_has_to_look_at_and_can_ask_for_the_rest(pack: Events) -> None:
    out = unpack_arrivals(pack_events(pack))
    assert out[:3] == pack[:3]
    assert (out.rests, out.number, out.ticks) == (pack.rests, pack.number, pack.ticks)
    rows = rows_of(pack, *EventKind)
    assert [row for row in out.events if row.kind in FOLDED] == rows_of(pack, *FOLDED)
    assert [row for row in rows if row in out.events] == list(out.events)
    assert one_by_one(out)._replace(plain=out.plain) == out._replace(events=rows)
    assert unpack_arrivals(out.data) == out


prompt_events = st.builds(
    lambda event, time, after, kind, source: event.model_copy(
        update={"time": T0 + time, "received": T0 + time + after, "kind": kind, "source": source}
    ),
    events,
    st.integers(0, 3 * WITHIN),
    st.sampled_from((0, 1, WITHIN, WITHIN + 1, -WITHIN, -WITHIN - 1)),
    st.sampled_from((EventKind.PROBLEM, EventKind.INFORMATION, EventKind.INFORMATION, EventKind.REQUEST)),
    st.sampled_from("ab"),
)


@given(st.lists(prompt_events, max_size=12))
def test_what_is_said_of_plain_events_is_true_of_each_of_them(some: list[Event]) -> None:
    pack = Events("raw.a/0", T0, T0, some)
    data = pack_events(pack)
    out, places = unpack_arrivals(data), [at for line in data.split(b"\n")[1:] for at in orjson.loads(line)["places"]]
    plain = [some[at] for at in places]
    assert all(event.kind not in FOLDED and abs(event.received - event.time) <= WITHIN for event in plain)
    assert len(plain) + len(out.events) == len(some)
    assert sorted(one.source for one in out.plain) == sorted({event.source for event in plain})
    for one in out.plain:
        its = [event for event in plain if event.source == one.source]
        assert one.kinds == {str(kind): n for kind, n in Counter(event.kind for event in its).items()}
        assert one.oldest == min(event.time for event in its)
        assert max(newest for _, newest in one.newest) == max(event.time for event in its)
        looked_at = [at for at in range(len(some)) if at not in places]
        for before, newest in one.newest:
            end = looked_at[before] if before < len(looked_at) else len(some)
            assert newest in [some[at].time for at in places if at < end and some[at].source == one.source]


def test_a_row_has_the_fields_of_an_event() -> None:
    assert EventRow._fields == tuple(Event.model_fields)


@given(event_packs)
def test_a_pack_is_a_line_and_a_second_one_where_events_only_pass(pack: Events) -> None:
    first, *more = [orjson.loads(line) for line in pack_events(pack).split(b"\n")]
    kinds = [row[1] for line in more for row in line["rows"]]
    assert not set(kinds) & set(FOLDED)
    assert len(first.get("rows", [])) == len(pack.events) - len(kinds)
    assert wire.event_records(pack_events(pack)) == [event.model_dump(mode="json") for event in pack.events]


@given(event_packs)
def test_events_of_another_version_of_the_record_are_understood(pack: Events) -> None:
    lines = [orjson.loads(line) for line in pack_events(pack).split(b"\n")]
    for line in lines:
        if "rows" in line:
            _shuffle(line)
        if "plain" in line:
            _shuffle(line["plain"])
    data = b"\n".join(map(orjson.dumps, lines))
    assert unpack_events(data) == pack
    assert wire.event_records(data) == [event.model_dump(mode="json") for event in pack.events]
    got, wanted = unpack_arrivals(data), unpack_arrivals(pack_events(pack))
    assert got.plain == wanted.plain
    for one, other in zip(one_by_one(got).events, one_by_one(wanted).events, strict=True):
        assert [getattr(one, name) for name in EventRow._fields] == list(other)


def _shuffle(table: dict[str, Any]) -> None:
    """Other columns: in another order, and one that is not known."""
    order = sorted(range(len(table["fields"])), key=lambda at: table["fields"][at])
    table["fields"] = [*(table["fields"][at] for at in order), "new"]
    table["rows"] = [[*(row[at] for at in order), "later"] for row in table["rows"]]


@given(event_packs)
def test_packs_of_the_first_version_are_understood(pack: Events) -> None:
    message = orjson.loads(pack_events(pack).partition(b"\n")[0])
    message |= {"v": 1, "fields": wire.EVENT_FIELDS}
    message.pop("plain", None)
    message["rows"] = [[event.model_dump(mode="json")[name] for name in wire.EVENT_FIELDS] for event in pack.events]
    assert unpack_events(orjson.dumps(message)) == pack
    rows = [EventRow(**event.__dict__) for event in pack.events]
    assert list(unpack_arrivals(orjson.dumps(message)).events) == rows


@given(event_packs, st.booleans())
def test_packs_of_the_second_version_are_understood(pack: Events, whole: bool) -> None:
    first, *more = [orjson.loads(line) for line in pack_events(pack).split(b"\n")]
    first |= {"v": 2}
    first.pop("plain", None)
    expected: list[EventRow | Passing] = list(rows_of(pack, *EventKind))
    for line in more:
        places = line.pop("places")
        told = [[getattr(pack.events[at], name) for name in Passing._fields] for at in places]
        rows = [[place, *row] for place, row in zip(places, told, strict=True)]
        first["passing"] = {"fields": wire.PASSING_FIELDS, "rows": rows}
        for place, row in zip(places, told, strict=True):
            expected[place] = Passing(*row)
    data = b"\n".join(map(orjson.dumps, [first, *more]))
    assert unpack_events(data) == pack
    assert unpack_arrivals(data if whole else data.partition(b"\n")[0]).events == expected


@given(change_packs)
def test_changes_come_out_as_they_went_in(pack: Changes) -> None:
    out = unpack_changes(pack_changes(pack))
    assert out == pack
    assert all(isinstance(spell, Spell) for change in out.changes for spell in change.spells)


@given(change_packs, st.data())
def test_a_pack_of_a_long_time_comes_apart_at_its_marks(pack: Changes, data: st.DataObject) -> None:
    ends = sorted(data.draw(st.sets(st.integers(1, max(len(pack.changes) - 1, 1)), max_size=2)))
    marks = [(end, data.draw(times)) for end in ends if end < len(pack.changes)]
    out = unpack_changes(pack_changes(pack._replace(marks=marks)))
    assert out.marks == marks
    parts = list(out.parts())
    assert [change for part in parts for change in part.changes] == list(pack.changes)
    assert [part.high for part in parts] == [*(high for _, high in marks), pack.high]
    begun = pack.first
    for part in parts:
        assert part.first == begun
        begun += len(part.changes)


def test_a_tick_is_small() -> None:
    assert len(pack_events(Events("raw.zabbix/3", 1_772_409_600_000, 1_772_409_600_000))) < 120


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"[]", "not-a-pack"),
        (b'{"v": 1, "kind": "changes"}', "not-a-pack"),
        (b'{"v": 6, "kind": "events"}', "unknown-version"),
        (b'{"v": 1, "kind": "events", "origin": "raw.a/0", "high": 1}', "not-a-pack"),
        (b'{"v": 2, "kind": "events", "origin": "raw.a/0", "high": 1, "sent": 1}\n{', "not-a-pack"),
        (
            b'{"v": 2, "kind": "events", "origin": "a", "high": 1, "sent": 1, "passing": {"fields": [], "rows": [[]]}}',
            "not-a-pack",
        ),
        (
            b'{"v": 1, "kind": "events", "origin": "a", "high": 1, "sent": 1, "fields": ["id"], "rows": [[1]]}',
            "not-a-pack",
        ),
        (b'{"v": 1, "kind": "events", "origin": "a", "high": 1, "sent": 1, "rows": [[1]]}', "not-a-pack"),
    ],
)
def test_what_is_no_pack_of_events_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        unpack_events(data)
    assert refused.value.reason == reason


def test_a_row_that_is_cut_off_is_refused() -> None:
    message = {"v": 1, "kind": "events", "origin": "a", "high": 1, "sent": 1}
    for unpack in (unpack_events, unpack_arrivals):
        with pytest.raises(BadRecord, match="columns"):
            unpack(orjson.dumps({**message, "fields": wire.EVENT_FIELDS, "rows": [["id", "problem"]]}))


def test_feedback_comes_through_the_topic_of_metrics_and_what_is_none_is_refused() -> None:
    command = Command(id="c1", time=1, action=Action.FEEDBACK, by="kim", target="a1", arguments={"verdict": "right"})
    assert wire.unpack_metrics(wire.pack_feedback(command)) == command
    for broken in (b'{"v": 1, "kind": "feedback"}', b'{"v": 1, "kind": "feedback", "command": {"id": "c1"}}'):
        with pytest.raises(BadRecord, match="not-valid"):
            wire.unpack_metrics(broken)
    for other in (
        b'{"v": 1, "kind": "events"}',
        b"[]",
        b'{"v": 1, "kind": "samples", "rows": [[1]], "fields": ["time"]}',
    ):
        with pytest.raises(BadRecord, match="not-a-pack"):
            wire.unpack_metrics(other)
