"""Incidents as people see them: when one opens, what is told of it, and how it ends."""

from __future__ import annotations

from pipeline.settings import FlowSettings
from schemas.base import HOUR, MINUTE
from schemas.command import Action
from schemas.incident import Incident, IncidentStatus
from schemas.reference import CorrelationRule, HoldRule, Matcher
from schemas.severity import Severity
from tests.pipeline.world import World, at, members, print_of


def test_one_bad_alert_opens_an_incident_at_once() -> None:
    found = World().problem("web1", 0, Severity.MAJOR, summary="it is down").only()
    assert (found.status, found.reason, found.opened, found.started) == (IncidentStatus.NEW, "opened", at(0), at(0))
    assert (found.alerts, found.active, found.severity) == (1, 1, Severity.MAJOR)
    assert found.title == "web1: it is down"


def test_a_warning_alone_opens_nothing_but_three_on_two_items_that_belong_together_do() -> None:
    rule = CorrelationRule(id="shop", matchers=(Matcher(label="app", value="shop"),))
    world = World().items("web", "db").put(rule)
    for minute, check in enumerate(("ping", "load", "disk")):
        world.problem("web", minute, Severity.WARNING, check, app="shop")
    assert not world.incidents(), "all on one item"
    world.problem("db", 3, Severity.WARNING, app="shop")
    assert (world.only().alerts, world.only().severity) == (4, Severity.WARNING)


def test_an_alert_that_heals_inside_its_hold_opens_nothing_and_is_in_the_ledger() -> None:
    world = World(FlowSettings(holds=(HoldRule(id="all", hold=3 * MINUTE),)))
    world.problem("web1", 0).recovery("web1", 2).until(120)
    assert not world.incidents()
    assert [(one.reason.value, one.alert) for one in world.ledger()] == [("transient", print_of("web1"))]


def test_an_alert_that_outlasts_its_hold_opens_when_that_is_over() -> None:
    world = World(FlowSettings(holds=(HoldRule(id="all", hold=3 * MINUTE),)))
    world.problem("web1", 0).until(10)
    assert (world.only().started, world.only().opened) == (at(0), at(3))


def test_it_is_restored_when_the_last_alert_ends_and_closed_an_hour_later() -> None:
    world = World().problem("web1", 0).recovery("web1", 20).until(30)
    found = world.only()
    assert (found.status, found.resolved, found.active) == (IncidentStatus.RESOLVED, at(20), 0)
    found = world.until(81).only()
    assert (found.status, found.closed) == (IncidentStatus.CLOSED, at(80))
    assert not list(world.flow.incidents()), "what is closed leaves memory"


def test_what_comes_back_soon_reopens_the_same_incident() -> None:
    world = World().problem("web1", 0).recovery("web1", 20).problem("web1", 22)
    assert (world.only().status, world.only().resolved) == (IncidentStatus.NEW, None)
    assert world.reasons(world.only().id)[-1] == "reopened"


def test_what_comes_back_to_somebody_who_had_it_is_theirs_again() -> None:
    world = World().problem("web1", 0)
    world.ask(Action.ACKNOWLEDGE, world.only().id, 1)
    world.recovery("web1", 20).problem("web1", 22)
    assert (world.only().status, world.only().assignee) == (IncidentStatus.ASSIGNED, "ann")


def test_what_comes_back_after_it_was_closed_is_a_new_incident() -> None:
    world = World().problem("web1", 0).recovery("web1", 20).until(90).problem("web1", 100)
    assert [one.status for one in world.incidents()] == [IncidentStatus.CLOSED, IncidentStatus.NEW]
    assert len({one.id for one in world.incidents()}) == 2


def test_few_new_members_are_told_at_once_many_in_steps_and_all_in_the_end() -> None:
    world = World().items("sw", *(f"h{n}" for n in range(40)))
    for number in range(40):
        world.needs(f"h{number}", "sw")
    world.problem("sw", 0)
    for number in range(40):
        world.problem(f"h{number}", 1 + number / 100)
    told = world.reasons(world.only().id)
    assert told[:4] == ["opened", "grown", "grown", "grown"]
    assert len(told) < 20
    assert world.until(10).only().alerts == 41


def test_a_worse_alert_raises_severity_and_priority() -> None:
    world = World().items("web1").problem("web1", 0, Severity.MAJOR)
    before = world.only()
    world.problem("web1", 1, Severity.CRITICAL)
    after = world.only()
    assert (before.severity, after.severity, after.reason) == (Severity.MAJOR, Severity.CRITICAL, "escalated")
    assert after.priority < before.priority


def test_impact_follows_the_services_that_depend_on_it() -> None:
    world = World().items("db", "spare").items("shop", kind="service", criticality=1).needs("shop", "db")
    world.problem("db", 0).problem("spare", 30)
    first, second = world.incidents()
    assert (first.services, first.impact) == (("shop",), 1)
    assert (second.services, second.impact) == ((), 3)
    assert first.priority < second.priority


def test_versions_only_grow_and_the_id_is_that_of_a_replay() -> None:
    def story() -> World:
        return World().items("a", "b").needs("a", "b").problem("b", 0).problem("a", 1).recovery("b", 5).recovery("a", 6)

    one, two = story(), story()
    assert one.out == two.out
    versions = [found.version for found in one.out if isinstance(found, Incident)]
    assert versions == sorted(set(versions))


def test_acknowledge_assign_pend_resolve_and_close() -> None:
    world = World().problem("web1", 0)
    name = world.only().id
    assert world.ask(Action.ACKNOWLEDGE, name, 1, by="ann").ok
    assert (world.only().acknowledged_by, world.only().assignee) == ("ann", "ann")
    assert world.ask(Action.ASSIGN, name, 2, assignee="bob", group="network").ok
    assert (world.only().assignee, world.only().group) == ("bob", "network")
    for action, status in (
        (Action.PEND, IncidentStatus.PENDING),
        (Action.RESUME, IncidentStatus.ASSIGNED),
        (Action.RESOLVE, IncidentStatus.RESOLVED),
        (Action.CLOSE, IncidentStatus.CLOSED),
    ):
        assert world.ask(action, name, 3).ok
        assert world.only().status is status
    assert world.ask(Action.RESOLVE, name, 4).reason == "wrong-state"


def test_what_a_person_resolved_is_reopened_only_by_something_new() -> None:
    world = World().items("web", "db").needs("web", "db").problem("db", 0)
    world.ask(Action.RESOLVE, world.only().id, 1)
    world.problem("db", 2)
    assert world.only().status is IncidentStatus.RESOLVED, "a repeat is nothing new"
    world.problem("web", 3)
    assert world.only().status is not IncidentStatus.RESOLVED


def test_merged_by_hand_they_stay_together_and_the_older_one_goes_on() -> None:
    world = World().problem("web1", 0).problem("mail1", 30)
    first, second = world.incidents()
    assert world.ask(Action.MERGE, second.id, 31, into=first.id).ok
    kept = world.only()
    assert (kept.id, kept.merged_from, members(kept)) == (first.id, (second.id,), {"web1", "mail1"})
    assert world.reasons(second.id)[-1] == "merged"


def proofs(incident: Incident) -> dict[str, tuple[str, str]]:
    """Resource to the reason of its join, and the resource that it is joined to."""
    names = {member.alert: member.resource for member in incident.members}
    return {m.resource: (m.join.reason, names.get(m.join.to or "", "")) for m in incident.members}


def test_a_merge_by_hand_is_the_proof_of_the_one_that_was_joined_by_it() -> None:
    world = World().problem("web1", 0).problem("mail1", 30)
    first, second = world.incidents()
    world.ask(Action.MERGE, second.id, 31, into=first.id)
    assert proofs(world.only()) == {"web1": ("first", ""), "mail1": ("command", "web1")}


def test_what_a_bridge_brought_in_says_so() -> None:
    world = World().items("web", "app", "db", "san").needs("web", "app").needs("app", "db").needs("db", "san")
    world = world.items("mail").needs("mail", "san")
    world.problem("web", 0, check="slow").problem("mail", 0.1).problem("san", 0.2)
    found = proofs(world.only())
    assert sorted(reason for reason, _ in found.values()).count("first") == 1
    for start in found:  # each leads to the first
        way = [start]
        while found[way[-1]][0] != "first":
            way.append(found[way[-1]][1])
            assert len(way) <= len(found)


def test_split_off_alone_it_says_nothing_of_what_it_was_joined_to() -> None:
    world = World().items("web", "db").needs("web", "db").problem("db", 0).problem("web", 1)
    world.ask(Action.SPLIT, world.only().id, 2, alerts=[print_of("web")])
    assert [proofs(one) for one in world.incidents()] == [{"db": ("first", "")}, {"web": ("first", "")}]


def test_split_by_hand_they_stay_apart() -> None:
    world = World().items("web", "db").needs("web", "db").problem("db", 0).problem("web", 1)
    assert world.ask(Action.SPLIT, world.only().id, 2, alerts=[print_of("web")]).ok
    assert sorted(map(sorted, world.together())) == [["db"], ["web"]]
    world.problem("web", 3, check="load").problem("db", 4, check="load").until(20)
    assert sorted(map(sorted, world.together())) == [["db"], ["web"]], "what comes later goes where it is nearest to"


def test_what_was_split_can_be_merged_again() -> None:
    world = World().items("web", "db").needs("web", "db").problem("db", 0).problem("web", 1)
    world.ask(Action.SPLIT, world.only().id, 2, alerts=[print_of("web")])
    first, second = world.incidents()
    assert world.ask(Action.MERGE, second.id, 3, into=first.id).ok
    world.problem("db", 4, check="load").recovery("db", 5, check="load").until(20)
    assert world.together() == [{"db", "web"}]


def test_what_was_merged_by_hand_can_be_split_again() -> None:
    world = World().problem("web1", 0).problem("mail1", 30)
    first, second = world.incidents()
    world.ask(Action.MERGE, second.id, 31, into=first.id)
    assert world.ask(Action.SPLIT, first.id, 32, alerts=[print_of("mail1")]).ok
    world.until(60)
    assert sorted(map(sorted, world.together())) == [["mail1"], ["web1"]]


def test_an_unknown_incident_is_said_to_be_unknown() -> None:
    assert World().ask(Action.ACKNOWLEDGE, "INC-none", 0).reason == "not-found"


def test_memory_is_bounded_over_a_day_of_incidents_that_come_and_go() -> None:
    world = World()
    for hour in range(24):
        for number in range(20):
            world.problem(f"h{number}", hour * 60 + number / 10).recovery(f"h{number}", hour * 60 + 10 + number / 10)
    world.until(24 * 60 + 3 * HOUR / MINUTE)
    assert not list(world.flow.incidents())
    assert not world.flow.scope.nodes.live
    assert not world.flow.scope.groups.live
