"""What is held back opens nothing, stands in the ledger with its reason, and comes back when the reason ends."""

from __future__ import annotations

import pytest

from schemas.alert import SuppressionReason
from schemas.command import Action
from schemas.reference import Change, InhibitionRule, Matcher, RelationKind, Silence
from schemas.severity import Severity
from tests.pipeline.world import World, at, print_of


def silence(name: str, since: float, until: float, **labels: str) -> Silence:
    matchers = tuple(Matcher(label=label, value=value) for label, value in labels.items())
    return Silence(id=name, matchers=matchers, starts=at(since), ends=at(until))


def window(*items: str, since: float = 0, until: float = 60) -> Change:
    return Change(id="CHG-1", items=items, starts=at(since), ends=at(until), suppresses=True)


def rule(*equal: str) -> InhibitionRule:
    return InhibitionRule(
        id="down-mutes-slow",
        source=(Matcher(label="check", value="ping"),),
        target=(Matcher(label="check", value="slow"),),
        equal=equal,
    )


def lines(world: World) -> list[tuple[SuppressionReason, str, int, int | None]]:
    return [(one.reason, one.by, one.since, one.until) for one in world.ledger()]


def test_a_silenced_alert_opens_nothing_and_the_ledger_says_by_what_and_until_when() -> None:
    world = World().put(silence("s1", 0, 60, resource="web1")).problem("web1", 10)
    assert not world.incidents()
    assert lines(world) == [(SuppressionReason.SILENCE, "s1", at(0), at(60))]
    assert world.placements()[print_of("web1")].suppressed is SuppressionReason.SILENCE


def test_what_still_burns_when_the_silence_ends_comes_back() -> None:
    world = World().put(silence("s1", 0, 60, resource="web1")).problem("web1", 10).until(59)
    assert not world.incidents()
    assert world.until(61).only().opened == at(60)


def test_what_ended_under_the_silence_never_opens() -> None:
    world = World().put(silence("s1", 0, 60, resource="web1")).problem("web1", 10).recovery("web1", 30).until(120)
    assert not world.incidents()


def test_a_silence_lifted_early_lets_go_at_once() -> None:
    world = World().put(silence("s1", 0, 600, resource="web1")).problem("web1", 10).until(20)
    assert world.ask(Action.UNSILENCE, "s1", 24).ok
    assert world.until(25).only().alerts == 1


def test_a_silence_never_changes_what_was_decided_before_it() -> None:
    world = World().problem("web1", 10).until(20).put(silence("s1", 0, 60, resource="web1"), minute=24)
    assert world.only().active == 1


def test_two_silences_that_overlap_hold_until_the_later_end() -> None:
    world = World().put(silence("a", 0, 30, resource="web1"), silence("b", 20, 50, resource="web1"))
    world.problem("web1", 10)
    assert not world.until(49).incidents()
    assert world.until(51).only().opened == at(50)


@pytest.mark.parametrize("kind", [RelationKind.RUNS_ON, RelationKind.PART_OF])
def test_a_maintenance_window_covers_what_runs_on_its_items_and_what_is_part_of_them(kind: RelationKind) -> None:
    world = World().items("server", "guest", "port").needs("guest", "server", kind=kind)
    world.needs("port", "guest", kind=RelationKind.PART_OF).put(window("server"))
    world.problem("server", 5).problem("guest", 6).problem("port", 7)
    assert not world.incidents()
    assert {reason for reason, *_ in lines(world)} == {SuppressionReason.MAINTENANCE}


def test_a_maintenance_window_does_not_cover_who_merely_uses_its_items() -> None:
    world = World().items("server", "client").needs("client", "server").put(window("server")).problem("client", 5)
    assert world.only().alerts == 1


def test_a_window_that_ended_lets_what_still_burns_come_back() -> None:
    world = World().items("server").put(window("server")).problem("server", 5)
    assert world.until(61).only().opened == at(60)


def test_an_inhibited_alert_waits_for_its_source() -> None:
    world = World().put(rule("site"))
    world.problem("sw", 0, site="a").problem("web", 1, check="slow", site="a").problem("db", 1, check="slow", site="b")
    assert sorted(map(sorted, world.together())) == [["db"], ["sw"]]
    world.recovery("sw", 10, site="a").until(20)
    assert ["web"] in map(sorted, world.together())


def test_with_one_source_gone_the_others_still_mute() -> None:
    world = World().put(rule("site"))
    world.problem("sw1", 0, site="a").problem("sw2", 0, site="a").problem("web", 1, check="slow", site="a")
    world.recovery("sw1", 5, site="a").until(15)
    assert ["web"] not in map(sorted, world.together())
    world.recovery("sw2", 16, site="a").until(25)
    assert ["web"] in map(sorted, world.together())


def test_a_missing_label_counts_as_empty_on_both_sides() -> None:
    world = World().put(rule("site")).problem("sw", 0).problem("web", 1, check="slow")
    assert world.together() == [{"sw"}]


def test_an_alert_on_both_sides_is_not_muted_by_itself_nor_by_another_on_both_sides() -> None:
    both = InhibitionRule(id="r", source=(Matcher(label="app", value="x"),), target=(Matcher(label="app", value="x"),))
    world = World().put(both).problem("one", 0, app="x").problem("two", 1, app="x")
    assert sorted(map(sorted, world.together())) == [["one"], ["two"]]


def test_a_rule_that_comes_later_concerns_what_comes_after_it() -> None:
    world = World().problem("sw", 0).put(rule(), minute=1).problem("web", 2, check="slow")
    assert world.together() == [{"sw"}]


def test_a_rule_that_comes_later_does_not_change_what_was_decided() -> None:
    world = World().problem("sw", 0).problem("web", 1, Severity.MAJOR, check="slow").put(rule(), minute=5)
    world.problem("web", 6, check="slow").until(20)
    assert sorted(map(sorted, world.together())) == [["sw"], ["web"]]


def test_a_rule_that_is_taken_back_lets_go_of_what_it_held() -> None:
    world = World().put(rule()).problem("sw", 0).problem("web", 1, check="slow").until(5)
    harmless = rule().model_copy(update={"source": (Matcher(label="check", value="nothing"),)})
    world.put(harmless, minute=8).until(10)
    assert sorted(map(sorted, world.together())) == [["sw"], ["web"]]


def test_a_window_that_was_entered_late_does_not_change_what_was_decided() -> None:
    world = World().items("server").problem("server", 5, Severity.MAJOR).put(window("server"), minute=10)
    world.problem("server", 12).until(30)
    assert world.only().active == 1


def test_every_entry_of_the_ledger_has_a_sentence() -> None:
    world = World().items("server").put(window("server"), silence("s1", 0, 60, resource="web1"), rule())
    world.problem("server", 1).problem("web1", 1).problem("x", 2, Severity.MAJOR, check="slow")
    assert all(len(one.text) > 10 for one in world.ledger())
    assert len(world.ledger()) == 3
