from collections.abc import Iterator

import pytest

from agents.simulate import Day, simulate
from agents.simulate.day import BEGIN, MONITORS
from agents.simulate.faults import RECIPES
from agents.simulate.score import NOT_FAULTS
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import SOURCES, make_source
from schemas.base import DAY
from schemas.event import EventKind


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
    for relation in day.centre.relations:
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
        assert day.centre.items[fault.root].kind in recipe.roots
        assert fault.symptoms, fault.kind
        assert recipe.silent == all(symptom.item != fault.root for symptom in fault.symptoms)
        for symptom in fault.symptoms:
            assert fault.root in set(ancestors(day, symptom.item)), symptom
            assert fault.start <= symptom.start < symptom.end


def test_every_symptom_is_told_of(one: Day, normaliser: Normaliser) -> None:
    told: dict[str, set[str]] = {fault.id: set() for fault in one.faults}
    for line in one.lines:
        if line.truth in told:
            for event in normaliser.normalise(line.raw).events:
                if event.kind is EventKind.PROBLEM:
                    told[line.truth].add(event.resource.partition(":")[0].partition(".")[0])
    for fault in one.faults:
        assert told[fault.id] == {symptom.item for symptom in fault.symptoms}, fault.kind


def test_every_monitor_speaks(one: Day) -> None:
    assert {line.raw.source for line in one.lines} == set(SOURCES) - {"native"}
