"""Messages become the documents that the embedded host makes of the same records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
import pytest

from agents.index.bulk import Refusal
from agents.index.documents import Document, document
from agents.index.kinds import KINDS
from agents.stream import wire
from agents.stream.index.feeds import FEEDS
from agents.stream.index.rounds import Round
from agents.stream.wire import Changes, Events
from agents.stream.worker.outputs import ROUTES
from pipeline.practices.reference import reference_key
from pipeline.stages.change import AlertChange, transition_of
from pipeline.stages.fold import NEVER, Spell
from schemas.base import BadRecord, Record
from schemas.event import DeadLetter, Event
from tests.agents.index.records import ALERT, SOME, T

TOPICS = {
    "alerts.current": "alert", "placements": "placement", "incidents": "incident", "ledger": "ledger",
    "incidents.history": "incident-version", "service-levels": "service-level", "audit": "audit", "dead": "dead",
    "reference.item": "item", "reference.relation": "relation", "reference.change": "change",
}  # fmt: skip
CHANGE = AlertChange(
    "f1", T, "opened", 4, True, "default", "default", "nagios", "db1", "", "disk", "full", {"a": "b"},
    (Spell(T, NEVER, NEVER, 4, NEVER, NEVER),), (),
)  # fmt: skip


class Message(NamedTuple):
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def plain(documents: Iterable[Document]) -> list[Any]:
    return [(one.kind, one.id, one.version, orjson.loads(one.body or b"null")) for one in documents]


def records_of(kind: str) -> list[Record]:
    return [KINDS[kind].model.model_validate(one) for one in SOME[kind]]


@pytest.mark.parametrize(("topic", "name"), TOPICS.items())
def test_a_record_gives_the_document_of_the_embedded_host(topic: str, name: str) -> None:
    kind = KINDS[name]
    for one in records_of(name):
        version = T if topic.startswith("reference.") else None
        if isinstance(one, DeadLetter):
            version = one.raw.received
        made = FEEDS[topic](b"k", wire.pack_record(one), T)
        assert plain(made) == plain([document(kind, orjson.loads(one.model_dump_json()), version)])


def test_every_topic_of_records_is_indexed_but_replies() -> None:
    sent = {topic for _, topics in ROUTES.values() for topic in topics}
    assert sent - set(FEEDS) == {"replies"}
    assert {*TOPICS, "events", "alerts"} == set(FEEDS)


def test_a_pack_gives_a_document_for_each_event_whoever_packed_it() -> None:
    events = [one for one in records_of("event") if isinstance(one, Event)]
    wanted = plain(document(KINDS["event"], orjson.loads(one.model_dump_json())) for one in events)
    pack = wire.pack_events(Events("raw.nagios/0", T, T, events))
    assert plain(FEEDS["events"](b"", pack, T)) == wanted
    head = orjson.loads(pack)
    newer = orjson.dumps({**head, "fields": [*head["fields"], "mood"], "rows": [[*row, 1] for row in head["rows"]]})
    assert plain(FEEDS["events"](b"", newer, T)) == wanted


def test_a_pack_of_changes_gives_their_transitions() -> None:
    pack = wire.pack_changes(Changes("0", T, T, 1, [CHANGE]))
    told = orjson.loads(transition_of(CHANGE).model_dump_json())
    assert plain(FEEDS["alerts"](b"", pack, T)) == plain([document(KINDS["transition"], told)])


@pytest.mark.parametrize("name", ["item", "relation", "change"])
def test_reference_data_that_is_taken_away_is_deleted(name: str) -> None:
    (one, *_) = records_of(name)
    (put,) = FEEDS[f"reference.{name}"](b"", wire.pack_record(one), T)
    (gone,) = FEEDS[f"reference.{name}"](reference_key(one).encode(), b"", T)
    assert (gone.kind, gone.id, gone.body) == (put.kind, put.id, None)


@pytest.mark.parametrize("topic", FEEDS)
@pytest.mark.parametrize("value", [b"{broken", b"[]", b'{"v":1,"kind":"events","rows":[[1]],"fields":["id"]}'])
def test_what_is_not_understood_is_a_bad_record(topic: str, value: bytes) -> None:
    with pytest.raises(BadRecord):
        FEEDS[topic](b"k", value, T)


def taken(*values: bytes, topic: str = "alerts.current") -> Round:
    made = Round(1)
    made.take(topic, (topic, 0), [Message(f"t.{topic}", 0, n, T + n, b"k", value) for n, value in enumerate(values)])
    return made


def alert(version: int, summary: str) -> bytes:
    return wire.pack_record(ALERT.model_copy(update={"version": version, "summary": summary}))


def test_of_a_state_a_round_keeps_the_highest_version_and_of_a_history_the_first_word() -> None:
    (one,) = taken(alert(2, "b"), alert(3, "c"), alert(1, "a")).documents
    assert (one.version, orjson.loads(one.body or b"")["message"]) == (3, "c")
    event = next(one for one in records_of("event") if isinstance(one, Event))
    packs = [wire.pack_events(Events("o", T, T, [event.model_copy(update={"received": T + n})])) for n in (5, 6)]
    (kept,) = taken(*packs, topic="events").documents
    assert orjson.loads(kept.body or b"")["event"]["created"] == T + 5


def test_a_round_counts_what_it_read_and_keeps_what_it_did_not_understand() -> None:
    made = taken(alert(1, "a"), b"{broken", alert(2, "b"))
    assert (made.messages, len(made), made.positions) == (3, 1, {("alerts.current", 0): 3})
    (letter,) = made.letters
    assert (letter.reason, letter.raw.payload, letter.raw.origin) == ("not-valid", b"{broken", "t.alerts.current/0@1")


def test_the_dead_letter_of_a_refused_document_names_its_message_and_is_the_same_each_time() -> None:
    made = taken(alert(1, "a" * 100), alert(2, "x" * 900_000))
    refusal = Refusal(made.documents[0], "too-large", "far too large")
    (letter,) = made.refusals([refusal])
    assert letter.coordinates == "t.alerts.current/0@1"
    assert letter.reason == "not-indexed-too-large"
    assert len(letter.model_dump_json()) < 900_000
    assert "kept are the first" in letter.detail
    assert list(made.refusals([refusal])) == [letter]


def test_a_dead_letter_that_is_refused_makes_no_other_one() -> None:
    made = taken(*(wire.pack_record(one) for one in records_of("dead")[:1]), topic="dead")
    assert list(made.refusals([Refusal(made.documents[0], "too-large", "")])) == []


def test_a_member_that_is_refused_comes_from_its_incident() -> None:
    incident = SOME["incident"][0]
    made = taken(orjson.dumps(incident), topic="incidents")
    row = Document("member", f"{incident['id']}.f1.5", 1, b"{}")
    assert [one.coordinates for one in made.refusals([Refusal(row, "no", "")])] == ["t.incidents/0@0"]
