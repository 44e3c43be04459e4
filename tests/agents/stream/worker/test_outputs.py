from __future__ import annotations

from agents.stream import wire
from agents.stream.sizes import LARGEST, PACK_BYTES
from agents.stream.wire import Changes
from agents.stream.worker.outputs import outs
from pipeline.stages.change import AlertChange, Opening
from pipeline.stages.fold import Spell
from schemas.alert import Placement
from schemas.incident import Incident, IncidentStatus, Join, Member
from schemas.severity import Severity

T0 = 1_714_521_600_000


def incident(members: int, summary: str, notes: tuple[str, ...] = ()) -> Incident:
    one = Member(
        alert="a",
        start=T0,
        severity=Severity.MAJOR,
        resource="h1",
        check="ping",
        summary=summary,
        join=Join(alert="a", start=T0, reason="first"),
    )
    return Incident(
        id="i",
        version=1,
        tenant="t",
        scope="s",
        status=IncidentStatus.NEW,
        reason="opened",
        title="many",
        severity=Severity.MAJOR,
        impact=1,
        urgency=1,
        priority=1,
        opened=T0,
        changed=T0,
        started=T0,
        alerts=members,
        active=members,
        members=(one,) * members,
        notes=notes,
    )


def test_an_incident_larger_than_a_message_says_less_of_each_member_and_names_them_all_while_it_can() -> None:
    sent = outs([incident(2000, "s" * 8000, ("n" * 900_000,) * 5)])
    assert {out.topic for out in sent} == {"incidents", "incidents.history"}
    found = wire.unpack_record(Incident, sent[0].value)
    assert len(sent[0].value) <= LARGEST
    assert (len(found.members), len(found.notes), found.alerts) == (2000, 5, 2000)


def test_an_incident_of_more_members_than_a_message_can_name_still_counts_them() -> None:
    sent = outs([incident(50_000, "s" * 300)])
    found = wire.unpack_record(Incident, sent[0].value)
    assert len(sent[0].value) <= LARGEST
    assert 5_000 < len(found.members) < 50_000
    assert found.alerts == 50_000


def change(labels: int, openings: int = 0) -> AlertChange:
    large = {"a": "b" * labels}
    spells = (Spell(*(T0 for _ in Spell._fields)),)
    opened = tuple(Opening(T0 + at, "", large) for at in range(openings))
    about = ("t", "s", "native", "h1", "", "ping", "", large)
    return AlertChange("f", T0, "opened", 3, True, *about, spells, (), opened)


def test_packs_of_changes_are_as_large_as_a_message_may_be_and_numbered_without_gaps() -> None:
    given = [change(60_000) for _ in range(40)]
    messages = list(wire.pack_in_parts(Changes("0", T0, T0, 11, given)))
    packs = [wire.unpack_changes(message) for message in messages]
    assert max(map(len, messages)) <= PACK_BYTES
    assert sum(len(pack.changes) for pack in packs) == 40
    assert [pack.first for pack in packs] == [
        11 + sum(len(one.changes) for one in packs[:at]) for at in range(len(packs))
    ]
    assert [pack.high for pack in packs] == [0] * (len(packs) - 1) + [T0]


def test_a_change_too_large_for_a_message_is_told_without_what_its_spells_began_with() -> None:
    (message,) = wire.pack_in_parts(Changes("0", T0, T0, 1, [change(200_000, 60)]))
    (told,) = wire.unpack_changes(message).changes
    assert len(message) <= LARGEST
    assert (told.openings, told.spells, told.labels) == ((), change(200_000).spells, change(200_000).labels)


def test_two_spells_of_one_alert_that_one_input_moved_are_both_told() -> None:
    both = [Placement(alert="a", version=7, scope="s", start=start, item=None) for start in (T0, T0 + 1)]
    told = [wire.unpack_record(Placement, out.value).start for out in outs([*both, both[1]])]
    assert told == [T0, T0 + 1]
