"""Copies of a day differ as many days would: other ids and times, and what belongs together still does."""

from __future__ import annotations

import orjson

from agents.index.documents import document
from agents.index.kinds import KINDS
from agents.index.members import rows_of
from benchmarks.much import DAYS, NEWEST, SITES, Span, copied
from schemas.base import DAY
from tests.agents.index.records import SOME, T

SPAN = Span(T, 200)


def copies(kind: str) -> list[tuple[str, dict[str, object]]]:
    one = document(KINDS[kind], SOME[kind][0])
    made = [copied(one, orjson.loads(one.body or b""), n, SPAN) for n in range(SPAN.copies)]
    return [(one.id, orjson.loads(one.body or b"")) for one in made]


def test_every_copy_has_an_id_of_its_own_and_lies_in_the_days() -> None:
    found = copies("event")
    assert len({name for name, _ in found}) == SPAN.copies
    times = [source["@timestamp"] for _, source in found]
    assert times == sorted(times, key=str)
    assert NEWEST - DAYS * DAY <= int(str(times[0])) < int(str(times[-1])) <= NEWEST
    assert len({orjson.dumps(source["host"]) for _, source in found}) == SITES


def test_a_member_of_a_copied_incident_is_still_its_member_and_of_the_same_alert() -> None:
    incident = document(KINDS["incident"], SOME["incident"][0])
    member = rows_of(incident)[0]
    event = document(KINDS["event"], {**SOME["event"][0], "fingerprint": "f1"})
    one, row, told = (
        orjson.loads(copied(some, orjson.loads(some.body or b""), 7, SPAN).body or b"")["tocsin"]
        for some in (incident, member, event)
    )
    assert row["incident"]["id"] == one["incident"]["id"] == "INC-1-7"
    assert row["alert"]["id"] == told["alert"]["id"] == "f1-7"
    assert row["item"]["id"] in one["item"]["id"]
