from collections.abc import Iterator
from pathlib import Path
from statistics import median

import orjson
import pytest

from agents.simulate import Day, simulate, write_day
from agents.simulate.day import BEGIN, MONITORS
from agents.simulate.faults import PAIRS, RECIPES, downstream
from agents.simulate.score import NOT_FAULTS
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import SOURCES, make_source
from pipeline.stages.enrich import Inventory
from schemas.base import DAY, MINUTE, SECOND
from schemas.event import Event, EventKind
from schemas.reference import RelationKind


@pytest.fixture(scope="module")
def one() -> Day:
    return simulate(1)


@pytest.fixture(scope="module", params=[1, 2])
def day(request: pytest.FixtureRequest, one: Day) -> Day:
    return one if request.param == 1 else simulate(request.param)


@pytest.fixture(scope="module")
def normaliser() -> Normaliser:
    return Normaliser({name: make_source(name) for name in SOURCES})


def ancestors(day: Day, item: str) -> Iterator[str]:
    needs: dict[str, list[str]] = {}
    for relation in day.real.relations:
        needs.setdefault(relation.source, []).append(relation.target)
    seen, front = {item}, [item]
    while front:
        front = [target for here in front for target in needs.get(here, []) if target not in seen]
        seen.update(front)
    yield from seen


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(one: Day) -> None:
    assert simulate(1) == one
    assert simulate(2).lines != one.lines


def test_the_data_centre_is_large_and_whole(day: Day) -> None:
    centre = day.centre
    assert len(centre.items) >= 300
    assert {item.kind for item in centre.items.values()} == set(MONITORS)
    assert {end for r in centre.relations for end in (r.source, r.target)} <= set(centre.items)
    addresses = [address for item in centre.items.values() for address in item.addresses]
    assert len(set(addresses)) == len(addresses)


def test_a_day_has_so_many_payloads_in_the_order_of_their_arrival(day: Day) -> None:
    assert 50_000 <= len(day.lines) <= 70_000
    received = [line.raw.received for line in day.lines]
    assert received == sorted(received)
    assert received[0] >= BEGIN
    assert received[-1] < BEGIN + DAY + DAY // 24


def test_every_payload_is_understood_or_known_to_be_broken(day: Day, normaliser: Normaliser) -> None:
    wrong, refused = [], 0
    for line in day.lines:
        decoded = normaliser.normalise(line.raw)
        refused += bool(decoded.refused)
        if (line.truth == "broken") != bool(decoded.refused) or (line.truth != "broken" and not decoded.events):
            wrong.append((line.truth, line.raw.source, line.raw.payload[:80]))
    assert wrong == []
    assert refused > 50


def test_the_truth_names_only_what_there_is(day: Day) -> None:
    faults = {fault.id: fault for fault in day.faults}
    assert len(faults) == len(day.faults) == len(RECIPES)
    assert {line.truth for line in day.lines} == faults.keys() | NOT_FAULTS
    changes = {change.id for change in day.changes}
    assert {fault.change for fault in day.faults if fault.change} <= changes
    assert {item for change in day.changes for item in change.items} <= set(day.centre.items)


def test_every_fault_has_a_root_of_its_own_and_shows_only_at_what_needs_it(day: Day) -> None:
    assert len({fault.root for fault in day.faults}) == len(day.faults)
    for fault, recipe in zip(day.faults, RECIPES, strict=True):
        assert day.real.items[fault.root].kind in recipe.roots
        assert fault.symptoms, fault.kind
        if not fault.half_seen:
            assert recipe.silent == all(symptom.item != fault.root for symptom in fault.symptoms)
        for symptom in fault.symptoms:
            assert fault.root in set(ancestors(day, symptom.item)), symptom
            assert fault.start <= symptom.start < symptom.end


def items_of(day: Day, normaliser: Normaliser) -> Iterator[tuple[str, str, Event]]:
    """The truth of every event, and the item that it is about, by an inventory that knows all names."""
    inventory = Inventory(1)
    for item in day.real.items.values():
        inventory.put_item(item)
    for line in day.lines:
        for event in normaliser.normalise(line.raw).events:
            yield line.truth, inventory.find("default", event.resource, event.component, event.labels) or "", event


def test_every_symptom_is_told_of(one: Day, normaliser: Normaliser) -> None:
    told: dict[str, set[str]] = {fault.id: set() for fault in one.faults}
    for truth, item, event in items_of(one, normaliser):
        if truth in told and event.kind is EventKind.PROBLEM:
            told[truth].add(item)
    for fault in one.faults:
        assert told[fault.id] == {symptom.item for symptom in fault.symptoms}, fault.kind


def test_three_monitors_tell_of_faults_by_wrong_clocks(one: Day, normaliser: Normaliser) -> None:
    gaps: dict[str, list[int]] = {}
    for truth, _, event in items_of(one, normaliser):
        if truth.startswith("F") and event.kind is EventKind.RESOLUTION:
            gaps.setdefault(event.source, []).append(event.time - event.received)
    wrong = one.clocks
    assert median(gaps[wrong.off]) == pytest.approx(wrong.offset, abs=10 * SECOND)
    early, late = gaps[wrong.drifting][:5], gaps[wrong.drifting][-5:]
    assert (median(late) - median(early)) * wrong.drift > 0
    assert max(gaps[wrong.jittery]) - min(gaps[wrong.jittery]) > 20 * SECOND


def test_monitors_have_names_of_their_own_for_an_item(one: Day, normaliser: Normaliser) -> None:
    names: dict[str, set[str]] = {}
    for _, item, event in items_of(one, normaliser):
        if item in one.real.items:
            names.setdefault(item, set()).add(event.resource)
    assert sum(len(found) > 1 for found in names.values()) > 100
    assert any(name.isupper() for found in names.values() for name in found)


def test_the_inventory_lacks_some_of_what_there_is(day: Day) -> None:
    missing = set(day.real.relations) - set(day.centre.relations)
    assert missing
    assert all(relation.kind is not RelationKind.RUNS_ON for relation in missing)
    assert not set(day.centre.relations) - missing - set(day.real.relations)
    assert 0 < sum(not item.aliases for item in day.centre.items.values()) < 100
    assert 0 < sum(not item.addresses for item in day.centre.items.values()) < 100


def test_enough_is_seen_of_the_fault_that_one_monitor_missed(day: Day) -> None:
    (fault,) = [fault for fault in day.faults if fault.half_seen]
    shown = {symptom.item for symptom in fault.symptoms}
    assert all(MONITORS[day.real.items[item].kind] != "zabbix" for item in shown)
    assert fault.root in shown or len(shown & {*day.real.needed_by()[fault.root]}) >= 3


def test_some_faults_begin_together_where_neither_reaches_the_other(day: Day) -> None:
    together = [(a, b) for a in day.faults for b in day.faults if a.id < b.id and abs(a.start - b.start) < 10 * MINUTE]
    assert len(together) >= PAIRS
    needed_by = day.real.needed_by()
    for a, b in together:
        assert not downstream(a.root, needed_by) & downstream(b.root, needed_by)


def test_the_window_is_loud_and_reaches_nothing_of_a_fault_of_that_time(day: Day, normaliser: Normaliser) -> None:
    (window,) = [change for change in day.changes if change.suppresses]
    loud = {item for truth, item, _ in items_of(day, normaliser) if truth == "maintenance"}
    assert len(loud) > 3
    beside = [fault for fault in day.faults if window.starts < fault.start < window.ends]
    assert beside
    assert not loud & {symptom.item for fault in beside for symptom in fault.symptoms}


def test_what_happens_beside_a_fault_is_not_of_it(day: Day, normaliser: Normaliser) -> None:
    beside = {(item, event.check) for truth, item, event in items_of(day, normaliser) if truth == "noise"}
    checks = ("Backup running long", "Time drift", "Log volume high")
    assert sum(check.removeprefix("example.").replace("-", " ") in checks for _, check in beside) >= 5


def test_some_deliveries_come_beyond_the_lateness_and_some_twice(one: Day, normaliser: Normaliser) -> None:
    late = [event for truth, _, event in items_of(one, normaliser) if event.received - event.time > 10 * MINUTE]
    assert len(late) > 50
    assert len({(line.raw.source, line.raw.payload) for line in one.lines}) < len(one.lines) - 500


def test_the_truth_is_written_beside_the_day(one: Day, tmp_path: Path) -> None:
    write_day(one, tmp_path)
    truth, items = (orjson.loads((tmp_path / name).read_bytes()) for name in ("truth.json", "items.json"))
    assert truth["clocks"] == one.clocks._asdict()
    assert truth["lines"] == [line.truth for line in one.lines]
    assert [fault["root"] for fault in truth["faults"]] == [fault.root for fault in one.faults]
    assert len(truth["missing_relations"]) + len(items["relations"]) == len(one.real.relations)


def test_every_monitor_speaks(one: Day) -> None:
    samples = {"influx", "otlp", "prometheus"}  # what they bring is no events
    assert {line.raw.source for line in one.lines} == set(SOURCES) - {"native"} - samples
