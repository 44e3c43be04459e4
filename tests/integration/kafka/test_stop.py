"""A broker that was killed: workers that are told to stop do stop, and others go on where they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.local.kafka import Broker
from agents.simulate import simulate
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from agents.stream.worker.ending import UNFINISHED
from pipeline.sources.registry import SOURCES
from tests.integration.kafka.test_ingest import WAIT, odd, reading, send
from tests.integration.kafka.worker.stage import Stage, Worker, ended, play_of, total, wait_for
from tests.integration.kafka.worker.test_workers import assert_exactly_once, assert_the_same_records

EVENTS = 4_000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """One that may be killed."""
    with Broker(tmp_path / "broker") as made:
        yield made


@pytest.fixture
def kafka(broker: Broker) -> KafkaSettings:
    made = KafkaSettings(
        bootstrap_servers=(broker.bootstrap,),
        ingest=IngestSettings(clock=False),
        retention={"raw.{source}": 0},
        session=6000,
    )
    create(made, wanted(made, SOURCES))
    return made


def until_at_work(worker: Worker, counter: str) -> None:
    for attempt in Retrying(stop=stop_after_delay(WAIT), wait=wait_fixed(0.1), reraise=True):
        with attempt:
            assert total([worker], counter) > 0


@pytest.mark.kill
def test_an_ingest_that_stops_while_the_broker_is_away_leaves_each_payload_to_others_once(
    broker: Broker, kafka: KafkaSettings, tmp_path: Path
) -> None:
    early, count = 20_000, 25_000
    sending = threading.Thread(target=send, args=(kafka, range(early)))
    first = Worker(kafka, "first", tmp_path, "ingest")
    with ended([first]):
        sending.start()
        with reading(kafka, "events", 4) as events:
            events.until(100)  # it is at work
        broker.kill()
        first.stop(UNFINISHED)
        broker.start()
        second = Worker(kafka, "second", tmp_path, "ingest")
        # One that reads anew: what is there is asked, not whether a client lives through the end of a broker.
        with ended([second]), reading(kafka, "events", 4) as events:
            sending.join()
            send(kafka, range(early, count))
            events.until(count)
            second.stop()
        assert odd(events.ids(), count) == {}


@pytest.mark.slow
@pytest.mark.kill
def test_a_correlating_worker_that_stops_while_the_broker_is_away_leaves_no_trace(
    broker: Broker, kafka: KafkaSettings, tmp_path: Path
) -> None:
    stage = Stage(kafka, play_of(simulate(1), EVENTS))
    stage.set()
    first = Worker(kafka, "first", tmp_path)
    with ended([first]):
        playing = threading.Thread(target=stage.play, kwargs={"pause": 0.2})
        playing.start()
        until_at_work(first, 'tocsin_flow_total{step="alerts",what="events"}')
        broker.kill()
        first.stop(UNFINISHED)
    broker.start()
    second = Worker(kafka, "second", tmp_path)
    with ended([second]):
        playing.join()
        wait_for([second], EVENTS)
        second.stop()
    assert_the_same_records(stage)
    assert_exactly_once(stage)


@pytest.mark.kill
def test_a_worker_of_models_stops_although_the_broker_is_away(
    broker: Broker, kafka: KafkaSettings, tmp_path: Path
) -> None:
    worker = Worker(kafka, "first", tmp_path, "detect")
    with ended([worker]):
        until_at_work(worker, "tocsin_ready")
        broker.kill()
        worker.stop(UNFINISHED)
