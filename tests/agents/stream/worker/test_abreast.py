"""Partitions that are read hours apart, as when a worker catches up, end as one process that saw all in order."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Any

import orjson
import pytest

from agents.simulate import simulate
from agents.stream.partition import partition_of
from agents.stream.wire import Arrivals, Changes, Events, unpack_changes, unpack_record
from agents.stream.worker.alerts import AlertShard
from agents.stream.worker.scopes import ScopeShard
from benchmarks.day import timely
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from pipeline.stages.arrival import Plain
from pipeline.stages.change import AlertChange
from pipeline.stages.skew import vouched_time
from schemas.base import HOUR, Record
from schemas.event import DeadLetter, Event, EventKind
from schemas.incident import Incident
from schemas.severity import Severity
from tests.agents.stream.worker.packs import arrived
from tests.agents.stream.worker.reborn import checkpoint, reborn
from tests.integration.kafka.worker.stage import by_members

SETTINGS = FlowSettings()
DAY = simulate(1)
EVENTS = timely(DAY, SETTINGS.time)[:12_000]
REFERENCE: list[Record] = [*DAY.centre.items.values(), *DAY.centre.relations, *DAY.changes]
PARTS, PACK, TICK = 4, 400, 300
T0 = 1_772_409_600_000


def one_process() -> dict[Any, dict[str, Any]]:
    flow = Flow(SETTINGS)
    for record in REFERENCE:
        flow.put(record, 0)
    out = [one for event in EVENTS for one in flow.event(event)]
    out += flow.tick(flow.high + SETTINGS.time.lateness)
    return by_members({one.id: one.model_dump(mode="json") for one in out if isinstance(one, Incident)})


def changes_of(partition: int) -> dict[int, list[Changes]]:
    """What the alert step says of its part of the events, by the partition it says it to."""
    shard, now, high = AlertShard(SETTINGS, partition, PARTS), 0, 0
    found = defaultdict(list)

    def take() -> None:
        for out in shard.take(now):
            found[out.partition or 0].append(unpack_changes(out.value))

    for at in range(0, len(EVENTS) + PACK, PACK):
        some = EVENTS[at : at + PACK]
        high = max((high, *(vouched_time(event, SETTINGS.time.skew) for event in some)))
        mine = [event for event in some if partition_of(event.fingerprint.encode(), PARTS) == partition]
        shard.apply(arrived(Events("raw.day/0", high if some else high + SETTINGS.time.lateness, now, mine)))
        now += TICK
        take()
    now += 10 * TICK
    take()
    return found


def crashed(shard: ScopeShard, partition: int, written: list[bytes]) -> ScopeShard:
    written += checkpoint(shard)
    return reborn(ScopeShard(SETTINGS, partition, PARTS), written)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_read_first_the_incidents_are_the_same(seed: int) -> None:
    random = Random(seed)
    told = [changes_of(origin) for origin in range(PARTS)]
    newest: dict[str, dict[str, Any]] = {}
    apart = held = paused = 0
    for partition in range(PARTS):
        queues = [[*origin[partition]] for origin in told]
        shard = ScopeShard(SETTINGS, partition, PARTS)
        shard.refer((record, 0) for record in REFERENCE)
        readiness = [random.random() + 0.05 for _ in queues]
        outs, written = [], list[bytes]()
        while any(queues):
            able = [n for n in range(PARTS) if queues[n]]
            chosen = queues[random.choices(able, [readiness[n] for n in able])[0]]
            apart = max(apart, chosen[0].high - min(queues[n][0].high for n in able))
            for _ in range(min(len(chosen), random.randrange(1, 6))):
                for _ in shard.gradually(chosen.pop(0)):
                    if len(shard.abreast) and random.random() < 0.05:  # a process ends in a pause
                        outs += shard.take(0)
                        shard = crashed(shard, partition, written)
                        shard.finish()
                        paused += 1
                        break
            held = max(held, len(shard.abreast))
            if random.random() < 0.05:
                outs += shard.take(0)
                shard = crashed(shard, partition, written)
        for out in [*outs, *shard.take(0)]:
            if out.topic == "incidents":
                record = orjson.loads(out.value)
                if record["version"] >= newest.get(record["id"], record)["version"]:
                    newest[record["id"]] = record
        assert not len(shard.abreast)
    assert apart > HOUR, "they are to be read far apart"
    assert held
    assert paused
    assert by_members(newest) == one_process()


def hours(origin: str, first: int, last: int) -> list[Arrivals]:
    """Packs of one origin, an event in each hour."""
    return [
        arrived(Events(origin, T0 + n * HOUR, 1, [problem(f"{origin}{n}", T0 + n * HOUR)])) for n in range(first, last)
    ]


def problem(name: str, at: int) -> Event:
    return Event(
        id=name, kind=EventKind.PROBLEM, time=at, received=at, source="native", resource=name, check="ping",
        severity=Severity.MAJOR, fingerprint=name,
    )  # fmt: skip


def waiting() -> AlertShard:
    """A shard that keeps ten hours of one origin for it has only heard the beginning of another."""
    shard = AlertShard(SETTINGS, 0, 1)
    for one in (*hours("slow", 0, 1), *hours("fast", 0, 10)):
        shard.apply(one)
    assert len(shard.abreast) == 9
    return shard


def changes(shard: AlertShard) -> list[AlertChange]:
    return [
        change for out in shard.take(10_000) if out.topic == "alerts" for change in unpack_changes(out.value).changes
    ]


def test_hours_that_waited_are_handled_with_pauses_and_a_crash_in_one_of_them_changes_nothing() -> None:
    (late,) = hours("slow", 12, 13)
    whole = waiting()
    before = len(whole.abreast)
    pauses = sum(1 for _ in whole.gradually(late))
    assert pauses == before
    for stop in range(1, pauses + 1):
        shard = waiting()
        said = changes(shard)
        for number, _ in enumerate(shard.gradually(late), 1):
            if number == stop:
                break
        said += changes(shard)
        again = reborn(AlertShard(SETTINGS, 0, 1), checkpoint(shard))
        again.finish()
        assert said + changes(again) == changes(waiting_through(late))
        assert again.counters() == whole.counters()


def waiting_through(late: Arrivals) -> AlertShard:
    shard = waiting()
    shard.apply(late)
    return shard


def test_what_waited_and_can_not_be_understood_is_kept_with_its_bytes() -> None:
    shard = AlertShard(SETTINGS, 0, 1)
    first, second, third = hours("fast", 1, 4)
    broken = second._replace(plain=[Plain("never-heard", {"problem": 1}, 0, [(0, 0)])], data=b"{broken")
    shard.apply(hours("slow", 0, 1)[0])
    shard.abreast._hold(first)
    shard.abreast._hold(broken)
    shard.abreast._hold(third)
    shard.apply(hours("slow", 3, 4)[0])
    (out,) = [out for out in shard.take(10_000) if out.topic == "dead"]
    letter = unpack_record(DeadLetter, out.value)
    assert (letter.raw.payload, letter.raw.origin, letter.reason) == (b"{broken", "fast", "not-json")
    assert not len(shard.abreast)
