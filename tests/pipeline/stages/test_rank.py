"""The likely root cause comes first, with its reasons in words."""

from __future__ import annotations

from schemas.reference import Change, RelationKind
from schemas.severity import Severity
from tests.pipeline.world import World, at, named


def shop() -> World:
    world = World().items("web", "app", "db", "server")
    return world.needs("web", "app").needs("app", "db").needs("db", "server")


def test_what_the_others_need_comes_first_though_it_was_seen_last() -> None:
    world = shop().problem("web", 0).problem("app", 1).problem("db", 2)
    assert named(world.only().candidates)[0] == "db"
    assert world.only().title.startswith("db:")


def test_odds_add_up_to_one_and_fall() -> None:
    found = shop().problem("web", 0).problem("app", 1).problem("db", 2).only().candidates
    odds = [one.odds for one in found]
    assert odds == sorted(odds, reverse=True)
    assert 0.9 < sum(odds) <= 1.001


def test_every_candidate_gives_its_reasons() -> None:
    for candidate in shop().problem("web", 0).problem("db", 1).only().candidates:
        assert candidate.terms
        assert all(term.text for term in candidate.terms)


def test_a_silent_switch_before_all_that_alerts_is_the_first_candidate() -> None:
    world = World().items("sw", kind="switch").items("h1", "h2", "h3")
    for name in ("h1", "h2", "h3"):
        world.needs(name, "sw", kind=RelationKind.CONNECTS_TO).problem(name, 0.1, check="ping")
    (best, *_) = world.only().candidates
    assert (best.item, best.alert) == ("sw", None)
    assert any(term.name == "silent" for term in best.terms)


def test_of_two_alike_the_one_that_was_just_changed_comes_first() -> None:
    change = Change(id="CHG-1", items=("b",), starts=at(-5), ends=at(5))
    world = World().items("a", "b", "top").needs("top", "a", "b").put(change, minute=-5)
    world.problem("a", 0, Severity.MAJOR).problem("b", 0, Severity.MAJOR).problem("top", 1)
    best = world.only().candidates[0]
    assert best.item == "b"
    assert "change" in {term.name for term in best.terms}


def test_at_most_five_are_shown() -> None:
    world = World().items("sw", *(f"h{n}" for n in range(12))).problem("sw", 0)
    for number in range(12):
        world.needs(f"h{number}", "sw").problem(f"h{number}", 1)
    assert len(world.only().candidates) == 5
    assert world.only().candidates[0].item == "sw"


def test_an_alert_of_no_known_item_is_a_candidate_by_its_resource() -> None:
    assert named(World().problem("stranger", 0).only().candidates) == ["stranger"]


def test_a_silent_thing_whose_direct_users_alert_is_not_displaced_by_one_further_off_that_reaches_as_many() -> None:
    world = World().items("core", "lb", "sw", "hv", "v1", "v2", "v3", "x1", "x2", "x3", *(f"w{n}" for n in range(9)))
    world.needs("lb", "core").needs("sw", "core").needs("hv", "sw", kind=RelationKind.CONNECTS_TO)
    for number in (1, 2, 3):
        world.needs(f"v{number}", "hv", kind=RelationKind.RUNS_ON).needs(f"x{number}", f"v{number}")
    for number in range(9):
        world.needs(f"w{number}", "lb").needs(f"w{number}", f"x{number % 3 + 1}")
    for name in ("v1", "v2", "v3", *(f"w{n}" for n in range(9))):
        world.problem(name, 0.1)
    assert named(world.only().candidates)[0] == "hv"
