"""What the topics say is in Elasticsearch once, at its highest version, whatever dies meanwhile."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.cli.main import cli
from agents.index.settings import ElasticsearchOutput
from agents.local.elasticsearch import Node
from agents.simulate import simulate
from agents.stream import clients, wire
from agents.stream.settings import KafkaSettings
from agents.stream.wire import unpack_record
from agents.stream.worker.ending import UNFINISHED
from schemas.event import DeadLetter, Event
from tests.agents.index.records import ALERT, EVENT
from tests.integration.kafka.index.mirror import (
    assert_the_same,
    held,
    until_indexed,
    until_state,
    until_there,
    until_writing,
)
from tests.integration.kafka.worker.stage import Play, Stage, Worker, ended, play_of, wait_for

EVENTS = 6_000


def output_of(url: str, prefix: str, **more: Any) -> ElasticsearchOutput:
    return ElasticsearchOutput(
        type="elasticsearch", **{"nodes": (url,), "prefix": prefix, "wait": 100, "slowest": 2000, **more}
    )


def events(count: int, **more: Any) -> list[Event]:
    return [EVENT.model_copy(update={"id": f"e{n}", "time": EVENT.time + n, **more}) for n in range(count)]


def send(stage: Stage, topic: str, key: str, value: bytes) -> None:
    producer = clients.producer(stage.settings)
    producer.send(stage.settings.topic(topic), value, key.encode()).get(10)
    producer.close()


@pytest.mark.slow
def test_a_worker_that_is_killed_again_and_again_loses_and_doubles_nothing(
    settings: KafkaSettings, url: str, client: Elasticsearch, prefix: str, tmp_path: Path
) -> None:
    stage = Stage(settings.model_copy(update={"session": 6000}), play_of(simulate(1), EVENTS))
    stage.set()
    output = output_of(url, prefix, bulk_documents=200, requests=1)
    correlate = Worker(stage.settings, "c", tmp_path)
    index = Worker(stage.settings, "i", tmp_path, "index", output=output)
    playing = threading.Thread(target=stage.play, kwargs={"pause": 0.5})
    with ended([correlate]):
        playing.start()
        for number in range(4):
            until_writing(index)
            time.sleep(number / 4)
            if number == 1:
                until_there(client, output.name("events"))
            index.kill()
            if number == 1:
                client.indices.rollover(alias=output.name("events"))
            index = Worker(stage.settings, "i", tmp_path, "index", output=output)
        with ended([index]):
            playing.join()
            wait_for([correlate], EVENTS)
            correlate.stop()
            until_indexed(index)
            assert index.stop() < 5
    found = assert_the_same(client, output, stage)
    assert len(found["event"]) > EVENTS * 0.98
    assert min(len(found[kind]) for kind in ("transition", "incident", "incident-version", "alert", "member")) > 10


@pytest.mark.slow
def test_a_node_that_is_away_for_a_while_misses_nothing_and_a_worker_that_waits_for_it_stops_at_once(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    stage = Stage(settings, Play((), events(EVENTS)))
    stage.set()
    with Node(tmp_path / "node") as node, Elasticsearch(node.url, request_timeout=60) as client:
        output = output_of(node.url, "tocsin")
        index = Worker(stage.settings, "i", tmp_path, "index", output=output)
        with ended([index]):
            stage.play(stage.events[:3000])
            until_indexed(index)
            node.kill()
            stage.play(stage.events[3000:])
            until_state(index, "no node answers")
            assert httpx.get(f"http://127.0.0.1:{index.port}/-/ready").status_code == 503
            assert httpx.get(f"http://127.0.0.1:{index.port}/-/healthy").status_code == 200
            assert index.stop(UNFINISHED) < 5
        index = Worker(stage.settings, "i", tmp_path, "index", output=output)
        with ended([index]):
            until_state(index, "no node answers")
            node.start()
            until_state(index, "indexing")
            until_indexed(index)
            assert httpx.get(f"http://127.0.0.1:{index.port}/-/ready").status_code == 200
            index.stop()
        assert len(assert_the_same(client, output, stage)["event"]) == EVENTS


def test_what_is_refused_or_not_understood_is_a_dead_letter_in_the_topic_with_its_reason(
    settings: KafkaSettings, url: str, client: Elasticsearch, prefix: str, tmp_path: Path
) -> None:
    stage = Stage(settings, Play((), [*events(3), *events(1, id="long", summary="x" * 8000, labels={"a": "b" * 900})]))
    stage.set()
    output = output_of(url, prefix, document_bytes=8192)
    send(stage, "incidents", "i1", b"{broken")
    stage.play()
    index = Worker(stage.settings, "i", tmp_path, "index", output=output)
    with ended([index]):
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.2), reraise=True):
            with attempt:
                assert len(stage.read("dead")) == 2
                assert len(held(client, output)["dead"]) == 1  # the other one is too large itself
        index.stop()
    letters = [unpack_record(DeadLetter, message.value or b"") for message in stage.read("dead")]
    found = {one.reason: one for one in letters}
    assert len(letters) == len(found) == 2
    large, broken = found["not-indexed-too-large"], found["not-valid"]
    assert (large.raw.source, large.raw.origin) == ("elasticsearch", "event nagios:long")
    assert orjson.loads(large.raw.payload)["message"] == "x" * 8000
    assert large.coordinates.startswith(f"{stage.settings.prefix}events/")
    assert (broken.raw.payload, broken.raw.source) == (b"{broken", f"{stage.settings.prefix}incidents")
    there = held(client, output)
    assert there["event"].keys() == {"nagios:e0", "nagios:e1", "nagios:e2"}
    assert there["dead"].keys() == {broken.id}


def test_what_is_new_of_the_current_state_does_not_wait_until_a_pile_of_events_is_written(
    settings: KafkaSettings, url: str, client: Elasticsearch, prefix: str, tmp_path: Path
) -> None:
    stage = Stage(settings, Play((), events(30_000)))
    stage.set()
    stage.play()
    output = output_of(url, prefix, bulk_documents=100, requests=1)
    index = Worker(stage.settings, "i", tmp_path, "index", output=output)
    with ended([index]):
        until_state(index, "indexing")
        until_writing(index)
        send(stage, "alerts.current", ALERT.fingerprint, wire.pack_record(ALERT))
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.05), reraise=True):
            with attempt:
                assert client.exists(index=output.name("alerts"), id=ALERT.fingerprint)
        waiting = sum(value for name, value in index.metrics().items() if "tocsin_lag{" in name and "events" in name)
        assert waiting > 20
        index.kill()


def test_without_an_output_the_role_says_what_to_write_where(tmp_path: Path) -> None:
    config = tmp_path / "tocsin.yaml"
    config.write_text("outputs: []\n", encoding="utf-8")
    ended_ = CliRunner().invoke(cli, ["worker", "--role", "index", "--config", str(config)])
    assert ended_.exit_code == 1
    assert "type: elasticsearch" in ended_.output
