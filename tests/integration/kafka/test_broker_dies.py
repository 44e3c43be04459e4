"""A broker that is killed and comes back: the hop goes on where it was."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from agents.local.kafka import Broker
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from pipeline.sources.registry import SOURCES
from tests.integration.kafka.test_ingest import child, reading, send


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
