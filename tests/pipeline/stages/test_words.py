"""Alerts that say the same rare thing at the same time belong together, and nothing usual ties anything."""

from __future__ import annotations

from itertools import permutations

import pytest

from pipeline.flow import Flow
from pipeline.settings import CorrelateSettings, FlowSettings
from schemas.base import DAY, HOUR, MINUTE, SECOND
from schemas.event import Event, EventKind, fingerprint
from schemas.incident import Incident
from schemas.reference import ConfigurationItem
from schemas.severity import Severity

BEGIN = 1_772_409_600_000
NOW = BEGIN + 6 * HOUR


def event(resource: str, time: int, summary: str = "", check: str = "ping", **labels: str) -> Event:
    return Event(
        id=f"{resource} {check} {time}",
        kind=EventKind.PROBLEM,
        time=time,
        received=time,
        source="test",
        resource=resource,
        check=check,
        severity=Severity.CRITICAL,
        summary=summary,
        labels=labels,
        ends_at=time + 2 * HOUR,
        fingerprint=fingerprint("default", resource, "", check),
    )


def usual(count: int = 400) -> list[Event]:
    """A history in which every alert says that the queue is too long on shard-a."""
    step = 5 * HOUR // count
    return [event(f"usual-{n}", BEGIN + n * step, "queue too long: shard-a", team="blue") for n in range(count)]


def flow_of(events: list[Event], **settings: float) -> Flow:
    flow = Flow(FlowSettings(correlate=CorrelateSettings.model_validate(settings)))
    for name in ("one.example.net", "two.example.net"):
        flow.put(ConfigurationItem(id=name, name=name, kind="host"), 0)
    for one in events:
        flow.event(one)
    return flow


def incidents(flow: Flow) -> list[Incident]:
    return [one for one in flow.incidents() if any(member.start >= NOW for member in one.members)]


def pair(one: str, two: str, gap: int = 30 * SECOND, **labels: str) -> list[Event]:
    return [event("x-1", NOW, one, **labels), event("y-2", NOW + gap, two, **labels)]


@pytest.mark.parametrize(
    "events",
    [
        pair("deadlock in ora-60017", "commit failed, ora-60017"),
        pair("OutOfMemoryError in cart", "worker died: OutOfMemoryError"),
        pair("", "", trace="8f2ab0c4d1"),
        pair("attack from 203.0.113.77", "login from 203.0.113.77 refused"),
        pair("", "trace 8f2ab0c4d1 timed out", trace="8f2ab0c4d1"),
    ],
)
def test_what_says_the_same_rare_thing_is_one_incident_with_its_proof(events: list[Event]) -> None:
    (incident,) = incidents(flow_of([*usual(), *events]))
    join = incident.members[1].join
    assert join.reason == "rare-word"
    assert "0 of the 4" in join.terms[0].text
    assert "30 s apart" in join.terms[0].text
    assert "correlate.rare_label" in join.apart
    assert "correlate.rare_share" in join.apart


@pytest.mark.parametrize(
    "events",
    [
        pair("the queue is too long: shard-a", "queue of shard-a"),  # everybody says so
        pair("gone at 12:30:05, 97.5%", "slow at 12:30:05, 97.5%"),  # chance
        pair("", "", severity="catastrophic"),  # a grade is no thing
        pair("ora-60017 here", "ora-60017 there", gap=3 * MINUTE),  # too late
        [event("one.example.net", NOW, "one cannot reach two"), event("z-3", NOW + SECOND, "cannot ping two, one")],
    ],
)
def test_what_is_usual_or_says_nothing_ties_nothing(events: list[Event]) -> None:
    assert len(incidents(flow_of([*usual(), *events]))) == 2


def test_without_a_history_nothing_is_rare() -> None:
    assert len(incidents(flow_of([*usual(60), *pair("ora-60017 here", "ora-60017 there")]))) == 2


def test_it_can_be_switched_off() -> None:
    assert len(incidents(flow_of([*usual(), *pair("ora-60017", "ora-60017")], rare_label=0))) == 2


def test_a_kind_of_check_ties_no_items_whose_relations_are_known() -> None:
    events = [event(name, NOW, "BGP gone", "BGP") for name in ("one.example.net", "two.example.net")]
    assert len(incidents(flow_of([*usual(), *events]))) == 2


def test_what_was_rare_becomes_usual_and_rare_again() -> None:
    flow = flow_of([*usual(), *(event(f"b-{n}", NOW + n * MINUTE, "brand_new") for n in range(40))])
    assert len(incidents(flow)) == 1, "a burst of something new stays together"
    later = NOW + 3 * HOUR
    for one in (event("c-1", later, "brand_new"), event("c-2", later + SECOND, "brand_new")):
        flow.event(one)
    assert len([one for one in flow.incidents() if one.started >= later]) == 2
    after = NOW + 2 * DAY
    for n in range(200):
        flow.event(event(f"d-{n}", after + n * MINUTE, "something_else"))
    last = after + 5 * HOUR
    for one in (event("e-1", last, "brand_new"), event("e-2", last + SECOND, "brand_new")):
        flow.event(one)
    assert len([one for one in flow.incidents() if one.started >= last]) == 1


def test_every_order_inside_the_lateness_finds_the_same_words_rare() -> None:
    events = [event(f"n-{n}", NOW + n * 40 * SECOND, f"ora-60017 {n}") for n in range(4)]
    found = set()
    for order in permutations(events):
        flow = flow_of([*usual(), *order])
        found.add(frozenset(frozenset(member.alert for member in one.members) for one in incidents(flow)))
        words = {node.words for node in flow.scope.nodes.live.values() if node.spell.start >= NOW}
        assert len(words) == 1
    assert len(found) == 1


def test_the_counters_are_bounded_and_forgotten() -> None:
    flow = flow_of([])
    most = 0
    for n in range(3000):
        flow.event(event(f"r-{n}", BEGIN + n * 10 * MINUTE, f"word-{n} word-{n + 1}"))
        most = max(most, sum(len(shard) for shard in flow.scope.words.table.live.values()))
    assert most < 2000


def test_what_was_counted_too_late_and_taken_back_is_forgotten_like_all_else() -> None:
    """The first event of an alert comes after the second one, and between their times an hour is over."""
    hour, last = BEGIN + HOUR, BEGIN + 3 * DAY
    before = event("other", hour - MINUTE, "fan broken")
    second, first = (event("one", hour + after, "queue full", "queue") for after in (5 * SECOND, -5 * SECOND))
    flow = flow_of([before, second, first])
    later = [event(f"later-{n}", last + n * HOUR, "link down") for n in range(3)]
    out = [one for some in later for one in flow.event(some)]
    told = {member.alert for one in out if isinstance(one, Incident) for member in one.members}
    assert told >= {one.fingerprint for one in later}
