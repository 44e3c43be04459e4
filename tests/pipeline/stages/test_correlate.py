"""What belongs together ends in one incident, what does not stays apart, and every join carries its proof."""

from __future__ import annotations

from schemas.incident import Incident, Join
from schemas.reference import Change, CorrelationRule, Matcher, Relation
from schemas.severity import Severity
from tests.pipeline.world import World, at, members, print_of


def groups(world: World) -> list[list[str]]:
    return sorted(map(sorted, world.together()))


def join(incident: Incident, resource: str) -> Join:
    (found,) = [member.join for member in incident.members if member.resource == resource]
    return found


def shop() -> World:
    """web -> app -> db -> server, with mail on a server of its own."""
    world = World().items("web", "app", "db", "server", "mail", "other")
    return world.needs("web", "app").needs("app", "db").needs("db", "server").needs("mail", "other")


def test_alerts_of_one_item_soon_after_each_other_are_one_incident() -> None:
    world = World().problem("web", 0).problem("web", 5, check="load")
    assert world.only().alerts == 2
    assert world.only().members[1].join.reason == "same-item"


def test_alerts_of_one_item_far_apart_are_two() -> None:
    world = World().problem("web", 0).problem("web", 30, check="load")
    assert groups(world) == [["web"], ["web"]]


def test_a_chain_bridges_more_time_than_one_step_may() -> None:
    world = World()
    for step in range(6):
        world.problem("web", 8 * step, check=f"c{step}")
    assert world.until(60).only().alerts == 6


def test_a_failure_and_what_needs_it_are_one_incident_through_things_that_say_nothing() -> None:
    world = shop().problem("server", 0).problem("web", 1)
    assert members(world.only()) == {"server", "web"}
    proof = join(world.only(), "web")
    assert (proof.reason, proof.to) == ("needs", print_of("server"))
    assert "3 relation(s) behind server" in proof.terms[0].text
    assert proof.apart


def test_an_effect_that_is_seen_before_its_cause_joins_it_too() -> None:
    world = shop().problem("web", 0).problem("server", 2)
    assert members(world.only()) == {"server", "web"}


def test_unrelated_things_at_the_same_moment_stay_apart() -> None:
    assert groups(shop().problem("web", 0).problem("mail", 0)) == [["mail"], ["web"]]


def test_an_effect_long_after_its_cause_stays_apart_unless_that_is_still_down() -> None:
    world = shop().problem("db", 0).problem("app", 20)
    assert members(world.only()) == {"db", "app"}
    assert join(world.only(), "app").reason == "still-down"
    world = shop().problem("db", 0).recovery("db", 2).problem("app", 20)
    assert groups(world) == [["app"], ["db"]]


def test_two_incidents_that_new_evidence_bridges_become_one_and_the_older_goes_on() -> None:
    world = World().items("a", "b", "sw").needs("a", "sw").needs("b", "sw")
    world.problem("a", 0).problem("b", 1)
    first, second = world.incidents()
    world.problem("sw", 2)
    assert (world.only().id, world.only().merged_from, world.only().alerts) == (first.id, (second.id,), 3)


def test_many_things_behind_one_silent_thing_are_one_incident() -> None:
    world = World().items("sw", "h1", "h2", "h3", "h4", "far")
    for name in ("h1", "h2", "h3", "h4"):
        world.needs(name, "sw").problem(name, 0.2)
    world.problem("far", 0.2)
    assert groups(world) == [["far"], ["h1", "h2", "h3", "h4"]]
    (large,) = [one for one in world.incidents() if one.alerts == 4]
    assert "common-cause" in {member.join.reason for member in large.members}


def test_a_few_things_of_many_behind_one_silent_thing_stay_apart() -> None:
    world = World().items("sw", *(f"h{n}" for n in range(10)))
    for number in range(10):
        world.needs(f"h{number}", "sw")
    for number in range(3):
        world.problem(f"h{number}", 0.2)
    assert groups(world) == [["h0"], ["h1"], ["h2"]]


def test_a_rule_of_the_user_joins_what_it_matches_with_equal_labels() -> None:
    rule = CorrelationRule(id="batch", matchers=(Matcher(label="job", op="=~", value="nightly.*"),), equal=("site",))
    world = World().put(rule)
    world.problem("x", 0, job="nightly-1", site="a").problem("y", 1, job="nightly-2", site="a")
    world.problem("z", 1, job="nightly-3", site="b").problem("q", 1, job="daily", site="a")
    assert groups(world) == [["q"], ["x", "y"], ["z"]]
    assert join(world.incidents()[0], "y").reason == "rule"


def test_alerts_on_the_items_of_one_change_soon_after_it_began_are_one_incident() -> None:
    change = Change(id="CHG-7", items=("x", "y"), starts=at(0), ends=at(10))
    world = World().items("x", "y", "z").put(change).problem("x", 2).problem("y", 9).problem("z", 5)
    assert groups(world) == [["x", "y"], ["z"]]
    assert world.incidents()[0].changes == ("CHG-7",)


def test_a_lesser_alert_is_an_effect_but_no_cause() -> None:
    world = shop().problem("db", 0, Severity.WARNING).problem("app", 1)
    assert groups(world) == [["app"]]
    assert members(shop().problem("db", 0).problem("app", 1, Severity.WARNING).only()) == {"app", "db"}


def many(world: World) -> World:
    """A hundred more machines, so that the name of one application is rare."""
    return world.items(*(f"vm-{number}" for number in range(100)))


def test_parts_of_one_application_that_fail_together_are_one_incident_though_no_relation_was_entered() -> None:
    world = many(World()).items("shop-app", kind="application").items("shop-mq", kind="queue")
    world.problem("shop-mq", 0, check="backlog").problem("shop-app", 1, check="errors")
    assert members(world.only()) == {"shop-app", "shop-mq"}
    proof = join(world.only(), "shop-app")
    assert (proof.reason, proof.to) == ("rare-name", print_of("shop-mq", "backlog"))
    assert proof.terms[0].text == 'both bear the name "shop", 60 s apart'


def test_a_name_of_what_things_are_is_no_evidence() -> None:
    world = many(World()).items("dns-north", "dns-south", kind="dns")
    world.problem("dns-north", 0).problem("dns-south", 1).problem("vm-1", 0.5).problem("vm-2", 0.5)
    assert groups(world) == [["dns-north"], ["dns-south"], ["vm-1"], ["vm-2"]]


def test_a_warning_on_a_part_of_an_application_does_not_join_by_its_name() -> None:
    world = many(World()).items("shop-app", kind="application").items("shop-mq", kind="queue")
    world.problem("shop-mq", 0, check="backlog").problem("shop-app", 1, Severity.WARNING, check="disk")
    assert groups(world) == [["shop-mq"]]


def test_names_far_apart_in_time_are_no_evidence() -> None:
    world = many(World()).items("shop-app", kind="application").items("shop-mq", kind="queue")
    world.problem("shop-mq", 0, check="backlog").problem("shop-app", 4, check="errors")
    assert groups(world) == [["shop-app"], ["shop-mq"]]


def test_a_spell_that_is_taken_back_after_the_relations_changed_leaves_nothing_behind() -> None:
    world = shop().problem("web", 2)
    world.put(Relation(source="web", target="server"), minute=2)
    world.problem("web", 1)  # overtaken: the spell that began at 2 never was
    world.problem("server", 2.5)
    assert [(member.resource, member.start) for member in world.only().members] == [("web", at(1)), ("server", at(2.5))]


def test_a_warning_long_after_a_failure_that_goes_on_is_nothing_of_it() -> None:
    world = shop().problem("server", 0).problem("web", 20, Severity.WARNING, check="disk")
    assert groups(world) == [["server"]]


def test_one_alert_of_many_behind_a_silent_thing_does_not_speak_for_it() -> None:
    world = World().items("core", "sw1", "sw2", "sw3", "fw", *(f"h{n}" for n in range(9)))
    for switch in ("sw1", "sw2", "sw3", "fw"):
        world.needs(switch, "core")
    for number in range(9):
        world.needs(f"h{number}", f"sw{number // 3 + 1}")
    for name in ("h0", "h3", "h6", "fw"):  # one of three behind each switch
        world.problem(name, 0.2)
    assert groups(world) == [["fw"], ["h0"], ["h3"], ["h6"]]


def test_enough_alerts_behind_a_silent_thing_speak_for_it() -> None:
    world = World().items("core", "sw1", "sw2", "sw3", *(f"h{n}" for n in range(9)))
    for switch in ("sw1", "sw2", "sw3"):
        world.needs(switch, "core")
    for number in range(9):
        world.needs(f"h{number}", f"sw{number // 3 + 1}")
    for number in (0, 1, 3, 4, 6):  # two of three behind two switches
        world.problem(f"h{number}", 0.2)
    assert len(groups(world)) == 5
    world.problem("h7", 0.3)
    assert len(world.only().members) == 6
