"""Raw payloads of long ago, one topic a monitor, some of which say little: all is handled, about in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.simulate import simulate
from agents.stream.clients import producer
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from benchmarks.day import make_normaliser
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from pipeline.sources.registry import SOURCES
from schemas.event import RawRecord
from tests.integration.kafka.worker.stage import Play, Stage, Worker, ended, total, wait_for

PAYLOADS = 15_000


def produce(settings: KafkaSettings, raws: list[RawRecord]) -> None:
    sender = producer(settings, linger_ms=20)
    for number, raw in enumerate(raws):
        key = str(number % 64).encode()
        sender.send(settings.topic(f"raw.{raw.source}"), raw.payload, key, timestamp_ms=raw.received)
    sender.close()


def late_in_order(raws: list[RawRecord]) -> tuple[int, int]:
    """Events, and those of them that are late where all is read in the order in which it came."""
    normaliser, flow = make_normaliser(), Flow(FlowSettings())
    events = [event for raw in raws for event in normaliser.normalise(raw).events]
    for event in events:
        flow.event(event)
    return len(events), flow.counters().get("late", 0)


@pytest.mark.slow
def test_a_replay_waits_for_no_topic_that_has_ended_and_makes_few_events_late(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    clockless = settings.model_copy(update={"ingest": IngestSettings(clock=False)})
    raws = [line.raw for line in simulate(1).lines][:PAYLOADS]
    events, late = late_in_order(raws)
    create(clockless, wanted(clockless, SOURCES))
    Stage(clockless, Play([], [])).set()
    produce(clockless, raws)
    workers = [Worker(clockless, "correlate", tmp_path), Worker(clockless, "ingest", tmp_path, "ingest")]
    with ended(workers):
        wait_for(workers[:1], events, 60)
        found = total(workers, 'tocsin_flow_total{step="alerts",what="late"}')
        for worker in workers:
            worker.stop()
    assert found <= 1.2 * late
