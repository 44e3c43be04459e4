"""What was held back is told when that is decided: why, by what, until when; what still fires afterwards comes back."""

from __future__ import annotations

import pytest

from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import FlowSettings
from schemas.alert import LedgerEntry, Placement
from schemas.base import HOUR, MINUTE, SECOND
from schemas.event import Event, EventKind, fingerprint
from schemas.reference import ConfigurationItem, InhibitionRule, Matcher, Relation, Silence
from schemas.severity import Severity

BEGIN = 1_772_409_600_000


class Told:
    """A flow, and the newest version of all that it told."""

    def __init__(self, *relations: Relation) -> None:
        self.flow = Flow(FlowSettings())
        self.ledger: dict[str, LedgerEntry] = {}
        self.number = 0
        self.seen: list[LedgerEntry] = []
        for name in sorted({end for one in relations for end in (one.source, one.target)}):
            self.flow.put(ConfigurationItem(id=name, name=name.upper(), kind="host"), 0)
        for one in relations:
            self.flow.put(one, 0)

    def keep(self, out: list[Output]) -> None:
        self.seen += [one for one in out if isinstance(one, LedgerEntry)]
        self.ledger.update({one.id: one for one in out if isinstance(one, LedgerEntry)})

    def say(
        self,
        resource: str,
        minute: float,
        severity: Severity | None = Severity.CRITICAL,
        check: str = "ping",
        lasts: int = 0,
    ) -> None:
        self.number += 1
        time = BEGIN + int(minute * MINUTE)
        self.keep(
            self.flow.event(
                Event(
                    id=f"e{self.number}",
                    kind=EventKind.RESOLUTION if severity is None else EventKind.PROBLEM,
                    time=time,
                    received=time,
                    source="test",
                    resource=resource,
                    check=check,
                    severity=severity or Severity.INFO,
                    ends_at=time + lasts * MINUTE if lasts else None,
                    fingerprint=fingerprint("default", resource, "", check),
                )
            )
        )

    def tick(self, minute: float) -> None:
        self.keep(self.flow.tick(BEGIN + int(minute * MINUTE)))

    def entries(self, reason: str) -> list[LedgerEntry]:
        return [one for one in self.ledger.values() if one.reason == reason]

    def members(self) -> set[frozenset[str]]:
        return {frozenset(member.resource for member in one.members) for one in self.flow.incidents() if one.members}

    def held(self, resource: str) -> str | None:
        """Why the newest spell of a resource opens nothing now."""
        mark = fingerprint("default", resource, "", "ping")
        places = [one for one in self.flow.export() if isinstance(one, Placement) and one.alert == mark]
        return places[-1].suppressed if places else None


def needs(source: str, target: str, group: str = "") -> Relation:
    return Relation(source=source, target=target, group=group)


def test_a_transient_is_told_once_it_is_over() -> None:
    told = Told()
    told.say("h", 0, Severity.MAJOR)
    told.say("h", 0.5, None)
    (entry,) = told.entries("transient")
    assert (entry.since, entry.until) == (BEGIN, BEGIN + 30 * SECOND)
    assert told.held("h") == "transient"
    told.tick(24 * 60)
    assert len(told.seen) == 1


def test_a_transient_that_comes_back_and_stays_was_none() -> None:
    told = Told()
    told.say("h", 0, Severity.MAJOR)
    told.say("h", 0.5, None)
    told.say("h", 1, Severity.MAJOR)
    told.tick(30)
    (entry,) = told.entries("transient")
    assert entry.text.endswith("taken back")
    assert told.members() == {frozenset({"h"})}


def test_a_span_of_flapping_is_told_when_it_begins_and_when_it_ends() -> None:
    told = Told()
    for number in range(12):
        told.say("h", 10 + number * 0.4, None if number % 2 else Severity.MAJOR)
    (entry,) = told.entries("flapping")
    assert entry.until is None
    told.tick(5 * 60)
    (entry,) = told.entries("flapping")
    assert entry.until is not None
    assert entry.until > entry.since >= BEGIN + 10 * MINUTE


def test_an_end_without_news_is_told_however_late_that_is_noticed() -> None:
    told = Told()
    told.say("h", 0)
    told.tick(3 * 24 * 60)
    assert [one.active for one in told.flow.incidents()] in ([], [0])
    assert not told.flow.open_alerts()


def test_what_cannot_be_reached_waits_for_what_it_needs() -> None:
    told = Told(needs("app", "host"), needs("host", "switch"))
    told.say("switch", 0)
    told.say("app", 90)
    (entry,) = told.entries("dependency")
    assert entry.until is None
    assert entry.by.startswith("switch by ")
    assert entry.text == "cannot be reached while SWITCH is down"
    assert told.held("app") == "dependency"
    assert told.members() == {frozenset({"switch"})}
    told.say("switch", 120, None)
    told.tick(130)
    (entry,) = told.entries("dependency")
    assert entry.until == BEGIN + 120 * MINUTE
    assert frozenset({"app"}) in told.members(), "it still fires, so it comes back"


def test_what_ends_while_it_cannot_be_reached_opens_nothing() -> None:
    told = Told(needs("app", "host"), needs("host", "switch"))
    told.say("switch", 0)
    told.say("app", 90)
    told.say("app", 100, None)
    told.say("switch", 120, None)
    told.tick(150)
    assert told.members() == {frozenset({"switch"})}


def test_what_follows_its_cause_at_once_is_a_member_and_not_held_back() -> None:
    told = Told(needs("app", "switch"))
    told.say("switch", 0)
    told.say("app", 1)
    assert told.members() == {frozenset({"switch", "app"})}
    assert not told.entries("dependency")


def test_only_what_may_be_an_effect_of_not_being_reached_is_held_back() -> None:
    told = Told(needs("app", "switch"))
    told.say("switch", 0)
    told.say("app", 90, check="disk full")
    assert told.members() == {frozenset({"switch"}), frozenset({"app"})}


def test_a_redundancy_group_counts_what_is_left() -> None:
    told = Told(needs("app", "one", "uplink"), needs("app", "two", "uplink"))
    told.say("one", 0)
    told.say("app", 60)
    assert not told.entries("dependency")
    told.say("app", 61, None)
    told.say("two", 70)
    told.say("app", 120)
    (entry,) = told.entries("dependency")
    assert entry.text == "cannot be reached while ONE and TWO is down"


def test_what_is_down_holds_back_though_nobody_is_told_of_it() -> None:
    told = Told(needs("app", "switch"))
    silence = Silence(
        id="s1", matchers=(Matcher(label="resource", value="switch"),), starts=BEGIN, ends=BEGIN + 60 * MINUTE
    )
    told.flow.put(silence, BEGIN)
    told.say("switch", 1)
    told.say("app", 2)
    assert told.members() == set()
    assert {one.reason for one in told.ledger.values()} == {"silence", "dependency"}
    told.tick(70)
    assert told.members() == {frozenset({"switch", "app"})}


def test_a_cause_that_is_forgotten_leaves_what_it_held_back_in_its_place() -> None:
    told = Told()
    rule = InhibitionRule(
        id="r", source=(Matcher(label="resource", value="a"),), target=(Matcher(label="resource", value="b"),)
    )
    told.flow.put(rule, BEGIN)
    told.say("a", 0)
    told.say("b", 1)
    told.say("a", 20, None)
    told.tick(30)
    before = told.members()
    assert before == {frozenset({"a"}), frozenset({"b"})}
    (entry,) = told.entries("inhibition")
    for minute in range(40, 600, 20):
        told.tick(minute)
    told.say("b", 601)
    (after,) = told.entries("inhibition")
    assert after == entry
    assert told.members() == {frozenset({"b"})}


@pytest.mark.parametrize("again", [2, 5])
def test_repeats_write_nothing_new(again: int) -> None:
    told = Told()
    told.flow.put(Silence(id="s", matchers=(Matcher(label="resource", value="h"),), starts=0, ends=BEGIN + HOUR), 0)
    for number in range(again):
        told.say("h", number, (Severity.MAJOR, Severity.CRITICAL)[number % 2])
    assert len(told.seen) == 1


def test_the_end_of_flapping_is_told_of_an_alert_that_had_ended_before_it_flapped() -> None:
    told, minute = Told(), 0.0
    for gap in (6, 7, 7, 6, 5.5, 10, 0.8, 2.5, 10, 0.8, 7, 5.5, 0.3, 10):  # each lasts for five minutes
        minute += gap
        told.say("db1", minute, Severity.MAJOR, lasts=5)
    (held,) = told.entries("flapping")
    assert held.until is None
    for later in range(int(minute), int(minute) + 120):
        told.tick(later)
    (held,) = told.entries("flapping")
    assert held.until is not None
