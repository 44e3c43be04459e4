"""A broker that is killed and comes back: the hop goes on where it was."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from agents.config import Config
from agents.local.kafka import Broker
from agents.stream.clients import close_quietly, producer
from agents.stream.ingest.run import Ingest
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from pipeline.sources.registry import SOURCES
from tests.integration.kafka.test_ingest import WAIT, child, reading, send


@pytest.mark.kill
def test_each_payload_is_there_once_although_the_broker_was_killed(tmp_path: Path) -> None:
    count = 20_000
    with Broker(tmp_path / "broker") as broker:
        kafka = KafkaSettings(
            bootstrap_servers=(broker.bootstrap,), ingest=IngestSettings(clock=False), retention={"raw.{source}": 0}
        )
        create(kafka, wanted(kafka, SOURCES))
        sending = threading.Thread(target=send, args=(kafka, range(count)))
        with reading(kafka, "events", 4) as events, child(kafka, "w1") as ingest:
            sending.start()
            events.until(100)  # it is at work
            for _ in range(2):
                time.sleep(1)
                broker.kill()
                broker.start()
            sending.join()
            events.until(count)
            assert ingest.poll() is None
            assert events.ids() == {f"e{number}": 1 for number in range(count)}


@pytest.mark.kill
def test_an_ingest_that_begins_while_the_broker_is_away_works_when_it_is_back(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        kafka = KafkaSettings(bootstrap_servers=(broker.bootstrap,), ingest=IngestSettings(clock=False))
        kafka = kafka.model_copy(update={"retention": {"raw.{source}": 0}})
        create(kafka, wanted(kafka, SOURCES))
        stop, work = threading.Event(), Ingest(Config(kafka=kafka), "w1")
        broker.kill()
        thread = threading.Thread(target=work.run, args=(stop,))
        thread.start()
        time.sleep(1)
        assert thread.is_alive()
        broker.start()
        send(kafka, range(100))
        with reading(kafka, "events", 4) as events:
            events.until(100)
        stop.set()
        thread.join(WAIT)
        assert events.ids() == {f"e{number}": 1 for number in range(100)}


@pytest.mark.kill
def test_a_producer_that_was_closed_while_the_broker_was_away_sends_nothing_when_it_is_back(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        kafka = KafkaSettings(bootstrap_servers=(broker.bootstrap,))
        create(kafka, wanted(kafka, SOURCES))
        made, later = producer(kafka), b"a letter that nobody waits for"
        made.send(kafka.topic("dead"), b"a letter", partition=0).get(WAIT)
        broker.kill()
        made.send(kafka.topic("dead"), later, partition=0)
        close_quietly(made)
        broker.start()
        with reading(kafka, "dead", 1) as dead:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                dead.read()
            assert [message.value for message in dead.messages] == [b"a letter"]


@pytest.mark.kill
def test_a_transaction_that_begins_while_the_broker_is_away_is_there_when_it_is_back(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        kafka = KafkaSettings(bootstrap_servers=(broker.bootstrap,))
        create(kafka, wanted(kafka, SOURCES))
        made = producer(kafka, transactional_id="one")
        made.init_transactions()
        assert made.partitions_for(kafka.topic("dead")) == {0}  # it is known where to send
        broker.kill()
        time.sleep(1)  # it is known that nobody is there
        made.begin_transaction()
        sent = made.send(kafka.topic("dead"), b"a letter", partition=0)
        committing = threading.Thread(target=made.commit_transaction, daemon=True)
        committing.start()
        broker.start()
        committing.join(WAIT)
        assert not committing.is_alive()
        assert sent.get(0).offset == 0
        with reading(kafka, "dead", 1) as dead:
            dead.until_messages(1)
        assert [message.value for message in dead.messages] == [b"a letter"]
        made.close()


@pytest.mark.kill
def test_a_transaction_that_nobody_ends_hides_nothing_once_the_broker_is_back(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        kafka = KafkaSettings(bootstrap_servers=(broker.bootstrap,))
        create(kafka, wanted(kafka, SOURCES))
        left = producer(kafka, transactional_id="left", transaction_timeout_ms=1000)
        left.init_transactions()
        left.begin_transaction()
        left.send(kafka.topic("dead"), b"given up", partition=0).get(WAIT)
        broker.kill()
        time.sleep(1)  # its time is over before the broker is back
        close_quietly(left)
        broker.start()
        other = producer(kafka)
        other.send(kafka.topic("dead"), b"a letter", partition=0).get(WAIT)
        other.close()
        with reading(kafka, "dead", 1) as dead:
            dead.until_messages(1)
        assert [message.value for message in dead.messages] == [b"a letter"]
