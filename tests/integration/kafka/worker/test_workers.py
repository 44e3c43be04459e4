"""Any number of workers, killed or not, end with the records of the embedded host."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.simulate import simulate
from agents.stream import wire
from agents.stream.parcel import packs_in
from agents.stream.settings import KafkaSettings
from agents.stream.worker.alerts import AlertShard
from agents.stream.worker.scopes import ScopeShard
from pipeline.flow import Flow
from schemas.alert import Alert, LedgerEntry, Placement
from schemas.incident import Incident
from tests.integration.kafka.worker.stage import REST, Stage, Worker, by_members, ended, play_of, wait_for

EVENTS = 12_000


class Embedded:
    """What one process makes of the same events."""

    def __init__(self, stage: Stage) -> None:
        self.flow = flow = Flow(stage.config.flow)
        for record in stage.reference:
            flow.put(record, 0)
        out = [one for event in stage.events for one in flow.event(event)]
        out += flow.tick(flow.high + stage.config.flow.time.lateness + REST)
        found = [*out, *flow.export()]
        self.incidents = {one.id: one.model_dump(mode="json") for one in found if isinstance(one, Incident)}
        self.alerts = {one.fingerprint: one.model_dump(mode="json") for one in found if isinstance(one, Alert)}
        self.ledger = {one.id: one.model_dump(mode="json") for one in found if isinstance(one, LedgerEntry)}
        self.placements = {(one.alert, one.start): one for one in found if isinstance(one, Placement)}


def bare(records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: value for key, value in one.items() if key != "version"} for name, one in records.items()}


def held(ledger: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The ledger. What was taken back ends when that was learned, which depends on when it was heard."""
    return {
        name: {**one, "until": None} if one["text"].endswith("; taken back") else one
        for name, one in bare(ledger).items()
    }


def assert_the_same_records(stage: Stage) -> None:
    embedded = Embedded(stage)
    assert bare(stage.newest("alerts.current")) == bare(embedded.alerts)
    assert held(stage.newest("ledger")) == held(embedded.ledger)
    assert by_members(stage.newest("incidents")) == by_members(embedded.incidents)
    placed = {(one["alert"], one["start"]): one for one in map(orjson.loads, values(stage, "placements"))}
    assert {key: (one["item"], one["suppressed"], bool(one["incident"])) for key, one in placed.items()} == {
        key: (one.item, one.suppressed, bool(one.incident)) for key, one in embedded.placements.items()
    }


def values(stage: Stage, topic: str) -> list[bytes]:
    return [message.value or b"" for message in stage.read(topic)]


def assert_exactly_once(stage: Stage) -> None:
    """What went out is what the log of inputs gives, with nothing changed by whoever had to do it again."""
    read = stage.read("events")
    numbered: dict[tuple[str, int, int], Any] = {}
    for message in stage.read("alerts"):
        pack = wire.unpack_changes(message.value or b"")
        for number, change in enumerate(pack.changes, pack.first):
            key = (pack.origin, message.partition, number)
            assert numbered.setdefault(key, change) == change
    again: dict[tuple[str, int, int], Any] = {}
    for partition in range(4):
        shard = AlertShard(stage.config.flow, partition, 4)
        for message in read:
            if message.partition == partition:
                shard.apply(*map(wire.unpack_arrivals, packs_in(message.value or b"")))
        for out in shard.take(0):
            pack = wire.unpack_changes(out.value)
            assert out.partition is not None
            again |= {(pack.origin, out.partition, n): change for n, change in enumerate(pack.changes, pack.first)}
    assert numbered == again
    assert_one_history(stage)


def assert_one_history(stage: Stage) -> None:
    history: dict[tuple[str, int], bytes] = {}
    for value in values(stage, "incidents.history"):
        record = orjson.loads(value)
        assert history.setdefault((record["id"], record["version"]), value) == value
    expected: dict[tuple[str, int], bytes] = {}
    alerts = stage.read("alerts")
    for partition in range(4):
        shard = ScopeShard(stage.config.flow, partition, 4)
        shard.refer(sorted(((one, 0) for one in stage.reference), key=lambda pair: _order(pair[0])))
        for message in alerts:
            if message.partition == partition:
                shard.apply(wire.unpack_changes(message.value or b""))
        for out in shard.take(0):
            if out.topic == "incidents.history":
                record = orjson.loads(out.value)
                expected[record["id"], record["version"]] = out.value
    assert history == expected


def _order(record: Any) -> tuple[str, str]:
    from pipeline.practices.reference import reference_key

    kind, _, identity = reference_key(record).partition(":")
    return kind, identity


@pytest.mark.slow
def test_two_workers_end_as_one_process(settings: KafkaSettings, tmp_path: Path) -> None:
    stage = Stage(settings, play_of(simulate(1), EVENTS))
    stage.set()
    stage.play()
    workers = [Worker(settings, f"w{n}", tmp_path) for n in range(2)]
    with ended(workers):
        wait_for(workers, EVENTS)
        assert all(worker.stop() < 5 for worker in workers)
    assert_the_same_records(stage)
    assert_exactly_once(stage)


@pytest.mark.slow
def test_workers_that_are_killed_leave_no_trace(settings: KafkaSettings, tmp_path: Path) -> None:
    stage = Stage(settings.model_copy(update={"session": 6000}), play_of(simulate(1), EVENTS))
    stage.set()
    playing = threading.Thread(target=stage.play, kwargs={"pause": 0.3})
    playing.start()
    workers = [Worker(stage.settings, f"w{n}", tmp_path) for n in range(2)]
    with ended(workers):
        for victim in (0, 1, 0):
            time.sleep(3.5)
            workers[victim].kill()
            workers[victim] = Worker(stage.settings, f"w{victim}", tmp_path)
        playing.join()
        wait_for(workers, EVENTS)
        for worker in workers:
            worker.stop()
    assert_the_same_records(stage)
    assert_exactly_once(stage)
