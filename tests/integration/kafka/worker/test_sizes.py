"""Payloads of nearly a megabyte of all kinds: each ends as events or as a dead letter, and no worker stops for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.stream import topics, wire
from agents.stream.clients import producer
from agents.stream.parcel import packs_in
from agents.stream.settings import IngestSettings, KafkaSettings
from pipeline.sources.registry import SOURCES
from schemas.command import Action, Command, Reply
from schemas.event import DeadLetter
from tests.integration.kafka.worker.stage import ON_ITS_WAY, Play, Stage, Worker, ended, total

T0 = 1_714_521_600_000
SECONDS = 60
LARGE = 950_000
BROKEN = b'{"broken": "' + b"y" * LARGE


def problem(name: str, **more: object) -> dict[str, Any]:
    fields = {"id": name, "kind": "problem", "time": T0, "severity": "major", "resource": name, "check": "ping"}
    return fields | more


def payloads() -> Iterator[bytes]:
    """What monitors send."""
    for number in range(120):  # together in one pack they are a megabyte
        yield orjson.dumps(problem(f"wordy{number}", summary="s" * 8100))
    for number in range(20):
        yield orjson.dumps(problem(f"labelled{number}", labels={"stack": "l" * 200_000}))
    yield orjson.dumps([problem(f"many{number}", summary="m" * 8100, labels={"a": "b" * 900}) for number in range(100)])
    yield orjson.dumps(problem("monster", labels={"stack": "x" * LARGE}))
    yield BROKEN
    yield orjson.dumps(problem("swollen", labels={"stack": "\x01" * (LARGE // 6)}))
    yield orjson.dumps(problem("ordinary"))


EVENTS = 120 + 20 + 100 + 3


def until(workers: list[Worker], events: int) -> None:
    """Until so many events have been folded, nothing is left to read, and all workers are well."""
    for attempt in Retrying(stop=stop_after_delay(SECONDS), wait=wait_fixed(0.3), reraise=True):
        with attempt:
            for worker in workers:
                if worker.process.poll() is not None:
                    raise SystemExit(worker.log.read_text()[-3000:])
            for pause in (ON_ITS_WAY, 0):
                assert [one.metrics().get("tocsin_ready") for one in workers] == [1] * len(workers)
                assert total(workers, 'tocsin_flow_total{step="alerts",what="events"}') >= events
                assert total(workers, "tocsin_lag{") == 0
                time.sleep(pause)


def letters(stage: Stage) -> dict[str, DeadLetter]:
    found = [wire.unpack_record(DeadLetter, one.value or b"") for one in stage.read("dead")]
    return {letter.id: letter for letter in found}


def events(stage: Stage) -> list[str]:
    packs = [pack for one in stage.read("events") for pack in packs_in(one.value or b"")]
    return [event.id for pack in packs for event in wire.unpack_events(pack).events]


def samples_of(stage: Stage) -> Iterator[wire.Samples]:
    for message in stage.read("metrics"):
        found = wire.unpack_metrics(message.value or b"")
        assert not isinstance(found, Command)
        yield found


def replies(stage: Stage) -> list[Reply]:
    return [wire.unpack_record(Reply, one.value or b"") for one in stage.read("replies")]


def test_no_size_of_a_payload_stops_the_stream_or_is_lost(settings: KafkaSettings, tmp_path: Path) -> None:
    more = {"session": 6000, "checkpoint": 500, "ingest": IngestSettings(clock=False)}
    settings = settings.model_copy(update=more)
    stage = Stage(settings, Play([], []))
    topics.create(settings, topics.wanted(settings, SOURCES))
    ingest, correlate = Worker(settings, "i", tmp_path, "ingest"), Worker(settings, "c", tmp_path)
    workers = [ingest, correlate]
    with ended(workers):
        sender = producer(settings)
        for payload in payloads():
            sender.send(settings.topic("raw.native"), payload, b"all", timestamp_ms=T0)
        samples = b"\n".join(b"cpu,host=h%d,blob=%s usage=1 1714521600000000000" % (n, b"z" * 9000) for n in range(100))
        sender.send(settings.topic("raw.influx"), samples, timestamp_ms=T0)
        note = Command(
            id="c1", time=T0, action=Action.NOTE, by="ann", target="nothing", arguments={"text": "n" * LARGE}
        )
        sender.send(settings.topic("commands"), wire.pack_record(note), b"default", timestamp_ms=T0)
        sender.close()
        until(workers, EVENTS)
        assert len(events(stage)) == len(set(events(stage))) == EVENTS
        dead = letters(stage).values()
        assert [(letter.reason, letter.raw.payload) for letter in dead] == [("not-json", BROKEN)]
        assert sum(len(found.samples) for found in samples_of(stage)) == 100
        assert [reply.command for reply in replies(stage)] == ["c1"]
        assert total([correlate], "tocsin_open_alerts") == EVENTS

        correlate.kill()
        correlate = workers[1] = Worker(settings, "c", tmp_path)
        ingest.stop()
        ingest = workers[0] = Worker(settings, "i", tmp_path, "ingest")
        sender = producer(settings)
        sender.send(settings.topic("raw.native"), orjson.dumps(problem("later")), timestamp_ms=T0)
        sender.close()
        until(workers, EVENTS + 1)
        assert total([correlate], "tocsin_open_alerts") == EVENTS + 1
        assert total([correlate], "tocsin_lost_changes") == 0
        assert len(letters(stage)) == 1
        ingest.stop()
        correlate.stop()
