from __future__ import annotations

from random import Random

from agents.simulate import simulate
from agents.stream.partition import partition_of
from agents.stream.wire import Arrivals, Changes, Events, unpack_changes
from agents.stream.worker.alerts import AlertShard
from agents.stream.worker.scopes import ScopeShard
from benchmarks.day import decoded
from pipeline.settings import FlowSettings
from schemas.command import Action, Command, Role
from schemas.event import Event
from tests.agents.stream.worker.packs import arrived
from tests.agents.stream.worker.reborn import checkpoint, reborn

SETTINGS = FlowSettings()
DAY = simulate(1)
EVENTS = [event for event, _ in decoded(DAY)][:4000]


def packs_of(events: list[Event]) -> list[Arrivals]:
    return [arrived(Events("raw.day/0", max(e.time for e in some), 1, some)) for some in _parts(events, 50)]


def _parts(events: list[Event], size: int) -> list[list[Event]]:
    return [events[at : at + size] for at in range(0, len(events), size)]


def numbered(shard: AlertShard, now: int) -> dict[tuple[int | None, int], object]:
    found: dict[tuple[int | None, int], object] = {}
    for out in shard.take(now):
        pack = unpack_changes(out.value)
        found |= {(out.partition, pack.first + at): change for at, change in enumerate(pack.changes)}
    return found


def crashed(shard: AlertShard, written: list[bytes]) -> AlertShard:
    written += checkpoint(shard)
    return reborn(AlertShard(SETTINGS, 0, 2), written)


def test_changes_after_a_crash_have_the_numbers_that_they_had_before() -> None:
    random, written = Random(7), list[bytes]()
    calm, shaken = AlertShard(SETTINGS, 0, 2), AlertShard(SETTINGS, 0, 2)
    expected: dict[tuple[int | None, int], object] = {}
    found: dict[tuple[int | None, int], object] = {}
    for number, one in enumerate(packs_of(EVENTS)):
        calm.apply(one)
        expected |= numbered(calm, number)
        shaken.apply(one)
        if random.random() < 0.3:
            found |= numbered(shaken, number)
            shaken = crashed(shaken, written)
    found |= numbered(shaken, 0)
    assert len(expected) > 500
    assert found == expected
    assert shaken.counters() == calm.counters()


def test_what_comes_again_in_other_packs_changes_nothing() -> None:
    source = AlertShard(SETTINGS, 0, 1)
    for one in packs_of(EVENTS):
        source.apply(one)
    whole = unpack_changes(source.take(0)[0].value).changes
    once, twice = ScopeShard(SETTINGS, 0, 1), ScopeShard(SETTINGS, 0, 1)
    for at in range(0, len(whole), 40):
        once.apply(Changes("0", 0, 1, at + 1, whole[at : at + 40]))
        twice.apply(Changes("0", 0, 1, at + 1, whole[at : at + 40]))
        twice.apply(Changes("0", 0, 1, max(at - 70, 0) + 1, whole[max(at - 70, 0) : at + 13]))
    assert [out.value for out in twice.take(0)] == [out.value for out in once.take(0)]
    assert twice.lost == once.lost == 0


def test_changes_that_were_deleted_unread_are_counted() -> None:
    shard = ScopeShard(SETTINGS, 0, 1)
    shard.apply(Changes("0", 0, 1, 1))
    shard.apply(Changes("0", 0, 1, 8))
    assert shard.lost == 7


def test_a_command_is_in_the_log_before_anybody_hears_of_it() -> None:
    shard = ScopeShard(SETTINGS, 0, 1)
    shard.command(_silence())
    assert shard.ahead
    topics = [out.topic for out in shard.take(0)]
    assert topics == ["replies", "audit", "reference.silence"]


def _silence() -> Command:
    body: dict[str, object] = {"matchers": [{"label": "site", "value": "lab"}], "starts": 0, "ends": 9_000}
    return Command(id="c1", time=1, action=Action.SILENCE, by="kim", role=Role.OPERATOR, target="s1", body=body)


def test_time_stands_still_until_all_alert_partitions_have_spoken() -> None:
    shard = ScopeShard(SETTINGS, 0, 2)
    shard.apply(Changes("0", 9_000_000, 1_000, 1))
    assert shard.clock.high == 0
    shard.apply(Changes("1", 8_000_000, 1_000, 1))
    assert shard.clock.high == 8_000_000
    shard.apply(Changes("0", 9_500_000, 1_000 + SETTINGS.time.idle + 1, 1))
    assert shard.clock.high == 9_500_000


def test_scopes_stay_together() -> None:
    assert partition_of(b"default", 4) == 3
