"""A stretch of the recorded day on a real broker, workers that can be killed, and what came out."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.config import Config
from agents.index.settings import ElasticsearchOutput
from agents.simulate import Day
from agents.stream import clients, topics, wire
from agents.stream.clients import Message
from agents.stream.partition import partition_of
from agents.stream.settings import KafkaSettings
from agents.stream.wire import Events
from benchmarks.day import timely
from pipeline.practices.reference import reference_key
from pipeline.settings import FlowSettings
from pipeline.stages.skew import vouched_time
from schemas.base import MINUTE, Record
from schemas.event import Event

PACK = 250
"""Events in a message: few, so that there are many messages between which a process may die."""
REST = 2 * MINUTE
"""Of event time, after all is settled: what is told only now and then (see `incident.report_every`) is told by then."""
ORIGIN = "raw.day/0"
ON_ITS_WAY = 0.5
"""Seconds after which what one step has to say to the next one is in the topic between them, if there is any."""


class Play(NamedTuple):
    """What is played: what is known before, and the events in the order of their arrival."""

    reference: Sequence[Record]
    events: Sequence[Event]
    flow: FlowSettings = FlowSettings()


def play_of(day: Day, events: int | None = None) -> Play:
    """The first events of a recorded day that end the same in however many processes: see `timely`."""
    reference: list[Record] = [*day.centre.items.values(), *day.centre.relations, *day.changes]
    return Play(reference, timely(day, FlowSettings().time)[:events])


class Stage:
    """Topics of one test, filled with reference data and events."""

    def __init__(self, settings: KafkaSettings, play: Play) -> None:
        self.config = Config(kafka=settings, flow=play.flow)
        self.settings = settings
        self.reference: Sequence[Record] = play.reference
        self.events: Sequence[Event] = play.events
        self._events = settings.topic("events")
        self._high = 0

    # -- before ----------------------------------------------------------------------------------------------------

    def set(self) -> None:
        """Make the topics and put the reference data there."""
        topics.create(self.settings, topics.wanted(self.settings, ()))
        producer = clients.producer(self.settings)
        for record in self.reference:
            key = reference_key(record)
            topic = self.settings.topic(f"reference.{key.partition(':')[0]}")
            producer.send(topic, wire.pack_record(record), key.encode(), timestamp_ms=0)  # in force from the beginning
        producer.close()

    def play(self, events: Iterable[Event] | None = None, pause: float = 0.0) -> None:
        """Put events into the topic of events, packed as the ingest hop does; then let time pass."""
        self.put(self.packed(self.events if events is None else events), pause)

    def packed(self, events: Iterable[Event], pack: int = PACK) -> Iterator[list[bytes]]:
        """Messages of the topic of events, one for each partition at a time; at last those that let time pass."""
        played = list(events)
        (targets,) = (one.partitions for one in topics.wanted(self.settings, ()) if one.name == self._events)
        for at in range(0, len(played), pack * targets):
            packs: list[list[Event]] = [[] for _ in range(targets)]
            for event in played[at : at + pack * targets]:
                self._high = max(self._high, vouched_time(event, self.config.flow.time.skew))
                packs[partition_of(event.fingerprint.encode(), targets)].append(event)
            yield [self._pack(some) for some in packs]
        self._high += self.config.flow.time.lateness + REST
        yield [self._pack([]) for _ in range(targets)]

    def _pack(self, events: list[Event]) -> bytes:
        return wire.pack_events(Events(ORIGIN, self._high, time.time_ns() // 1_000_000, events))

    def put(self, messages: Iterable[Sequence[bytes]], pause: float = 0.0) -> None:
        """Send messages that are packed."""
        producer = clients.producer(self.settings)
        for some in messages:
            for target, value in enumerate(some):
                producer.send(self._events, value, partition=target)
            time.sleep(pause)
        producer.close()

    # -- afterwards ------------------------------------------------------------------------------------------------

    def read(self, topic: str) -> list[Message]:
        """All messages of a topic, partition after partition."""
        consumer = clients.consumer(self.settings)
        name = self.settings.topic(topic)
        places = [clients.partition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: list[Message] = []
        while any(consumer.position(place) < end for place, end in ends.items()):
            for messages in consumer.poll(timeout_ms=500).values():
                found += messages
        consumer.close()
        return sorted(found, key=lambda one: (one.partition, one.offset))

    def newest(self, topic: str) -> dict[str, dict[str, Any]]:
        """The newest version of each record of a topic, by its key."""
        found: dict[str, dict[str, Any]] = {}
        for message in self.read(topic):
            assert message.key is not None
            record = orjson.loads(message.value or b"")
            name = message.key.decode()
            if name not in found or record["version"] >= found[name]["version"]:
                found[name] = record
        return found


class Worker:
    """A process of one role."""

    def __init__(
        self,
        settings: KafkaSettings,
        name: str,
        folder: Path,
        role: str = "correlate",
        flow: FlowSettings | None = None,
        output: ElasticsearchOutput | None = None,
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        # Kept, and without TLS: to read the authorities for each look costs as much as the worker's answer.
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=5, verify=False)
        config = folder / f"{name}.json"
        given = {"kafka": settings, "flow": flow or FlowSettings()}
        written: dict[str, Any] = {
            name: one.model_dump(mode="json", exclude_defaults=True) for name, one in given.items()
        }
        if output is not None:
            written["outputs"] = [output.model_dump(mode="json")]
        config.write_bytes(orjson.dumps(written))
        self.log = folder / f"{name}.log"
        words = ["worker", "--role", role, "--name", name, "--port", str(self.port), "--config", str(config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from agents.cli.main import main; main()", *words], stderr=log, env=os.environ
            )

    def metrics(self) -> dict[str, float]:
        """What it tells of itself, by name and labels; nothing while it does not answer."""
        try:
            text = self._http.get("/metrics").text
        except httpx.TransportError:
            return {}
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def kill(self) -> None:
        """As a crash."""
        self.process.kill()
        self.process.wait()

    def stop(self, *codes: int) -> float:
        """As an operator does; the seconds it took. It ends with 0, or one of some other exit codes."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) in (0, *codes), self.log.read_text()[-3000:]
        return time.monotonic() - begin


@contextmanager
def ended(workers: Iterable[Worker]) -> Iterator[None]:
    """Whatever happens, no worker is left."""
    try:
        yield
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.wait()


def total(workers: Iterable[Worker], start: str) -> float:
    """The sum of all metrics whose name and labels begin so."""
    return sum(value for one in workers for name, value in one.metrics().items() if name.startswith(start))


def wait_for(workers: Iterable[Worker], events: int, seconds: float = 120) -> None:
    """Until so many events have been counted, and nothing is left to be read."""
    workers = list(workers)
    for attempt in Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.3), reraise=True):
        with attempt:
            for pause in (ON_ITS_WAY, 0):
                _settled(workers, events)
                time.sleep(pause)


def _settled(workers: Sequence[Worker], events: int) -> None:
    assert [one.metrics().get("tocsin_ready") for one in workers] == [1] * len(workers)
    counted = total(workers, 'tocsin_flow_total{step="alerts",what="events"}')
    assert counted >= events, f"{counted} of {events}"
    assert sum(1 for one in workers for name in one.metrics() if name.startswith("tocsin_lag{")) == 12
    assert total(workers, "tocsin_lag{") == 0


def by_members(incidents: Mapping[str, Mapping[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Incidents without what may differ: their names, versions and how they came about."""
    kept = ("status", "severity", "impact", "urgency", "priority", "started", "resolved", "closed", "items", "services")
    return {
        frozenset((m["alert"], m["start"], m["end"], m["severity"], m["item"]) for m in one["members"]): {
            name: one[name] for name in kept
        }
        for one in incidents.values()
        if one["status"] not in ("merged", "withdrawn")
    }
