"""Both hosts end with the same documents: a part of the recorded day through Kafka, and through one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from elasticsearch import Elasticsearch
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.embedded.host import Host
from agents.embedded.store import Store
from agents.index.documents import Document, record
from agents.index.kinds import KINDS
from agents.index.members import rows_of
from agents.index.output import StoreIndexer
from agents.index.settings import ElasticsearchOutput
from agents.simulate import simulate
from agents.stream import clients, topics, wire
from agents.stream.parcel import packs_in
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.wire import Changes, Events
from benchmarks.day import make_normaliser
from pipeline.flow import Flow
from pipeline.sources.registry import SOURCES
from schemas.event import Event, EventKind, RawRecord
from schemas.severity import Severity
from tests.integration.kafka.index.mirror import Held, assert_the_same, held, until_indexed
from tests.integration.kafka.index.test_index import output_of
from tests.integration.kafka.worker.stage import Play, Stage, Worker, by_members, ended, play_of, wait_for
from tests.integration.kafka.worker.test_workers import bare
from tests.integration.kafka.worker.test_workers import held as ledger_of

EVENTS = 8_000


def payloads_of(play: Play) -> list[RawRecord]:
    """The events of a play as our own monitor would send them, something broken, and one that lets time pass."""
    newest = max(play.events, key=lambda event: event.time)
    late = newest.time + play.flow.time.lateness
    last = newest.model_copy(
        update={"id": "last", "kind": EventKind.INFORMATION, "severity": Severity.INFO, "time": late, "received": late}
    )
    said = [_payload(event) for event in (*play.events, last)]
    return [RawRecord(source="native", received=said[0].received, payload=b"{broken"), *said]


def _payload(event: Event) -> RawRecord:
    return RawRecord(source="native", received=event.received, payload=event.model_dump_json().encode())


def through_kafka(
    settings: KafkaSettings, play: Play, raws: Sequence[RawRecord], output: ElasticsearchOutput, place: Path
) -> Stage:
    stage = Stage(settings, play)
    stage.set()
    topics.create(settings, topics.wanted(settings, SOURCES))
    producer = clients.producer(settings)
    for raw in raws:
        producer.send(settings.topic("raw.native"), raw.payload, timestamp_ms=raw.received)
    producer.close()
    ingest = Worker(settings, "n", place, "ingest")
    correlate = Worker(settings, "c", place)
    index = Worker(settings, "i", place, "index", output=output)
    with ended([ingest, correlate, index]):
        until_time_has_come(stage, "events", wire.unpack_events, 4, raws[-1].received)
        until_time_has_come(stage, "alerts", wire.unpack_changes, 16, raws[-1].received)
        wait_for([correlate], len(raws) - 1)
        assert ingest.stop() < 5
        assert correlate.stop() < 5
        until_indexed(index)
        assert index.stop() < 5
    return stage


def until_time_has_come(
    stage: Stage, topic: str, unpack: Callable[[bytes], Events | Changes], paths: int, to: int
) -> None:
    """Until as many pairs of a partition and one before it know that time is so far: those without payloads rest."""
    for attempt in Retrying(stop=stop_after_delay(120), wait=wait_fixed(0.5), reraise=True):
        with attempt:
            high: dict[tuple[str, int], int] = {}
            for message in stage.read(topic):
                for pack in map(unpack, packs_in(message.value or b"")):
                    path = (pack.origin, message.partition)
                    high[path] = max(high.get(path, 0), pack.high)
            assert sum(1 for time in high.values() if time >= to) == paths


def through_one_process(play: Play, raws: Sequence[RawRecord], output: ElasticsearchOutput, path: Path) -> None:
    host = Host(Flow(play.flow), make_normaliser(), Store(str(path)), 500)
    host.refer(play.reference, 0)
    host.receive(raws)
    host.pump()
    asyncio.run(StoreIndexer(output, host.store, make_normaliser(), lambda: 0).catch_up())
    host.store.close()


def records(found: Held, kind: str) -> dict[str, dict[str, Any]]:
    return {name: record(KINDS[kind], source) for name, (_, source) in found[kind].items()}


@pytest.mark.slow
def test_both_hosts_end_with_the_same_documents(
    settings: KafkaSettings, url: str, client: Elasticsearch, prefix: str, tmp_path: Path
) -> None:
    # One partition of payloads: the order in which they arrive is that of one process.
    more = {"partitions": {"raw.{source}": 1}, "ingest": IngestSettings(clock=False, linger=20)}
    play = play_of(simulate(1), EVENTS)
    raws = payloads_of(play)
    on_kafka, embedded = output_of(url, prefix), output_of(url, f"{prefix}e")
    stage = through_kafka(settings.model_copy(update=more), play, raws, on_kafka, tmp_path)
    through_one_process(play, raws, embedded, tmp_path / "s.db")
    ours, theirs = assert_the_same(client, on_kafka, stage), held(client, embedded)
    assert {name: source for name, (_, source) in ours["event"].items()} == {
        name: source for name, (_, source) in theirs["event"].items()
    }
    assert len(ours["event"]) > EVENTS * 0.97
    for kind in ("alert", "item", "relation", "change"):
        assert differing(bare(records(ours, kind)), bare(records(theirs, kind))) == {}
        assert ours[kind], kind
    assert differing(ledger_of(records(ours, "ledger")), ledger_of(records(theirs, "ledger"))) == {}
    assert by_members(records(ours, "incident")) == by_members(records(theirs, "incident"))
    assert placed(ours) == placed(theirs)
    assert died_of(ours) == died_of(theirs)
    assert len(died_of(ours)) >= 1
    assert_members(ours)


def differing(ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Records that are not the same, with the fields that are not."""
    return {
        name: {
            field: (here.get(field), there.get(field))
            for field in {*here, *there}
            if here.get(field) != there.get(field)
        }
        for name in {*ours, *theirs}
        if (here := ours.get(name, {})) != (there := theirs.get(name, {}))
    }


def placed(found: Held) -> dict[Any, Any]:
    return {
        name: (one["start"], one["item"], one["suppressed"], bool(one["incident"]))
        for name, one in records(found, "placement").items()
    }


def died_of(found: Held) -> list[Any]:
    return sorted((one["reason"], one["raw"]["payload"]) for one in records(found, "dead").values())


def assert_members(found: Held) -> None:
    """The members of an incident are those that its document names."""
    rows: dict[str, Any] = {}
    for name, (_, source) in found["incident"].items():
        rows |= {
            row.id: orjson.loads(row.body or b"")
            for row in rows_of(Document("incident", name, 1, orjson.dumps(source)))
        }
    assert {name: source for name, (_, source) in found["member"].items()} == rows
    assert rows
