"""Speed of the stream on Kafka: `python -m benchmarks.stream`. A real broker, everything on this machine.

First, at a steady rate, how long an event takes from a raw message to the topic of incidents; after that the broker is
warm. Then the agents on packed messages, and by turns the embedded core on the same events. Then all of it, from one
raw message a payload to the topic of incidents, as fast as it goes.
The broker is that of TOCSIN_TEST_KAFKA, else one of our own.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson

from agents import collector
from agents.simulate import simulate
from agents.stream import clients
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from benchmarks.copies import Copies, copies
from benchmarks.day import arguments, feed, make_normaliser, print_json, spread
from benchmarks.turns import Spent, by_turns
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from pipeline.sources.registry import SOURCES
from schemas.event import Event, EventKind, fingerprint
from schemas.severity import Severity
from tests.integration.kafka.worker.stage import Play, Stage, Worker, ended, play_of, total
from tests.servers import kafka_broker

RATE = 2000
"""Events a second where latency is measured."""
PROBES = 20
"""Of them, each second, new critical problems, of which each opens an incident."""
TURN = 60_000
"""Events in a turn, about: some seconds."""
ASK = 1.0
"""Seconds between two looks at how far workers are. One costs a worker up to ten milliseconds; who watches a stream
looks every fifteen seconds."""
SOON = 0.1
"""The same when it is nearly over."""
EVENTS = 'tocsin_flow_total{step="alerts",what="events"}'
BEGIN = 1_772_409_600_000
NOTHING = Play([], [])
TICK_SECONDS = os.sysconf("SC_CLK_TCK")


def of_settings(bootstrap: str, *, clock: bool) -> KafkaSettings:
    """Topics of its own."""
    servers = tuple(bootstrap.split(","))
    return KafkaSettings(
        bootstrap_servers=servers, prefix=f"b{uuid.uuid4().hex[:8]}.", ingest=IngestSettings(clock=clock),
        retention={"raw.{source}": 0},
    )  # fmt: skip


def cpu_seconds(worker: Worker) -> float:
    """What a process has used of the CPU."""
    fields = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK_SECONDS


def memory(worker: Worker) -> float:
    """What a process holds, in megabytes."""
    lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


class Core:
    """The embedded core, part by part through events."""

    def __init__(self, found: Copies, events: Iterable[Event]) -> None:
        self._flow, self._events = Flow(FlowSettings()), iter(events)
        for record in found.reference:
            self._flow.put(record, 0)
        collector.settle()  # as all hosts do

    def turn(self) -> Spent:
        """The next events."""
        events = list(islice(self._events, TURN))
        begun, used = time.perf_counter(), time.process_time()
        feed(self._flow, events)
        return Spent(len(events), time.perf_counter() - begun, time.process_time() - used)


class Agents:
    """Workers that have so many events to read. They are stopped while it is not their turn."""

    def __init__(self, workers: Sequence[Worker], events: int) -> None:
        self._workers, self._events, self._done = workers, events, 0.0
        self.signal(signal.SIGSTOP)

    def turn(self) -> Spent:
        """The next events, about; after the last ones until nothing is left to be read."""
        target = min(self._done + TURN, self._events)
        self.signal(signal.SIGCONT)
        begun, used, before = time.perf_counter(), self._used(), self._done
        while self._done < target or (target == self._events and total(self._workers, "tocsin_lag{") > 0):
            time.sleep(self._pause(time.perf_counter() - begun, self._done - before, target - self._done))
            self._done = total(self._workers, EVENTS)
        spent = Spent(self._done - before, time.perf_counter() - begun, self._used() - used)
        self.signal(signal.SIGSTOP)
        return spent

    def _pause(self, took: float, done: float, left: float) -> float:
        """Seconds until the next look: so that a turn ends soon after the last of its events."""
        return max(SOON, min(ASK, 0.8 * left * took / done if done else ASK / 2))

    def signal(self, number: int) -> None:
        """Send it to all of them."""
        for one in self._workers:
            one.process.send_signal(number)

    def _used(self) -> float:
        return sum(map(cpu_seconds, self._workers))


def drained(workers: Sequence[Worker], name: str, wanted_count: float) -> tuple[float, dict[str, float]]:
    """Seconds from the first to the last of so many of a counter until nothing is left to be read, and its rate."""
    first = 0.0
    while not first:
        time.sleep(0.05)
        first = total(workers, name)
    begun, used = time.perf_counter(), [cpu_seconds(one) for one in workers]
    while total(workers, name) < wanted_count:
        time.sleep(ASK / 2)
    while total(workers, "tocsin_lag{") > 0:
        time.sleep(0.1)
    took = time.perf_counter() - begun
    counted = total(workers, name) - first
    shares = {f"cpu of {n}": (cpu_seconds(one) - used[n]) / took for n, one in enumerate(workers)}
    return counted / took, shares


def kept(worker: Worker, seconds: float) -> dict[str, float]:
    """What checkpoints have cost."""
    found = worker.metrics()
    number, size = found["tocsin_checkpoints_total"], found["tocsin_checkpoint_bytes_total"]
    spent = found["tocsin_checkpoint_seconds_total"]
    return {
        "checkpoints": number,
        "bytes each": size / max(number, 1),
        "ms each": spent / max(number, 1) * 1000,
        "share": spent / seconds,
    }


def agents(bootstrap: str, found: Copies, events: Sequence[Event], folder: Path, workers: int) -> dict[str, Any]:
    """Packed messages through workers of the role correlate, and by turns the same events through the core."""
    settings = of_settings(bootstrap, clock=False)
    stage = Stage(settings, Play(found.reference, []))
    stage.set()
    messages = list(stage.packed(events, settings.ingest.pack))
    running = [Worker(settings, f"agents-{n}", folder) for n in range(workers)]
    with ended(running):
        _served(running, 0)
        there = Agents(running, len(events))
        stage.put(messages)
        os.sync()  # so that neither side has its turn while the system writes what the broker was given before
        spent = by_turns({"core": Core(found, events).turn, "agents": there.turn}, -(-len(events) // TURN))
        there.signal(signal.SIGCONT)
        figures: dict[str, Any] = {
            "megabytes": [memory(one) for one in running],
            "checkpoints": kept(running[0], spent["agents"].seconds),
            "messages an event": total(running, "tocsin_sent_messages_total") / len(events),
            "bytes an event": total(running, "tocsin_sent_bytes_total") / len(events),
        }
        for one in running:
            one.stop()
    core, others = spent["core"], spent["agents"]
    return figures | {
        "core": core.rate, "core per CPU second": core.rate_cpu, "agents": others.rate,
        "agents per CPU second": others.rate_cpu, "CPU": others.cpu / others.seconds,
        "ratio": others.rate / core.rate, "ratio by CPU": others.rate_cpu / core.rate_cpu,
    }  # fmt: skip


def whole(bootstrap: str, found: Copies, events: int, folder: Path) -> dict[str, Any]:
    """One raw message a payload, to the topic of incidents."""
    settings = of_settings(bootstrap, clock=False)
    create(settings, wanted(settings, SOURCES))
    stage = Stage(settings, Play(found.reference, []))
    stage.set()
    sender = clients.producer(settings, linger_ms=20, batch_size=64 * 1024)
    for number, raw in enumerate(found.raws):
        key = str(number % 64).encode()
        sender.send(settings.topic(f"raw.{raw.source}"), raw.payload, key, timestamp_ms=raw.received)
    sender.close()
    running = [Worker(settings, "correlate", folder)]
    with ended(running):
        while running[0].metrics().get("tocsin_ready") != 1:
            time.sleep(0.1)
        running.append(Worker(settings, "ingest", folder, "ingest"))
        while running[1].metrics().get("tocsin_ready") != 1:
            time.sleep(0.05)
        begun, used = time.perf_counter(), [cpu_seconds(one) for one in running]
        drained(running, EVENTS, events)
        took = time.perf_counter() - begun
        busy = [(cpu_seconds(one) - before) / took for one, before in zip(running, used, strict=True)]
        for one in running:
            one.stop()
    return {"events_per_second": events / took, "cpu of correlate": busy[0], "cpu of ingest": busy[1]}


def latency(bootstrap: str, folder: Path, seconds: int = 30) -> dict[str, float]:
    """Milliseconds from sending a payload to its incident, at a steady rate of events."""
    settings = of_settings(bootstrap, clock=True)
    Stage(settings, play_of(simulate(1), 0)).set()
    create(settings, wanted(settings, SOURCES))
    config = settings
    running = [Worker(config, "correlate", folder), Worker(config, "ingest", folder, "ingest")]
    with ended(running):
        while [one.metrics().get("tocsin_ready") for one in running] != [1, 1]:
            time.sleep(0.1)
        reader = clients.consumer(settings)
        places = [clients.partition(settings.topic("incidents"), n) for n in range(4)]
        reader.assign(places)
        reader.seek_to_beginning(*places)
        waits = _measured(settings, reader, seconds)
    cuts = quantiles(waits, n=100)
    return {"probes": len(waits), "p50 ms": cuts[49], "p90 ms": cuts[89], "p99 ms": cuts[98], "max ms": max(waits)}


def _measured(settings: KafkaSettings, reader: clients.Consumer, seconds: int) -> list[float]:
    """Send at the rate, and note when each probe's incident is there; the first seconds are for warming up."""
    sender = clients.producer(settings, linger_ms=2)
    topic, began = settings.topic("raw.native"), time.time()
    sent: dict[str, float] = {}
    waits: dict[str, float] = {}
    number = 0
    while (now := time.time()) < began + seconds + 3:
        while now < began + seconds and number < (now - began) * RATE:
            name = f"probe-{number}" if number % (RATE // PROBES) == 0 else f"host-{number % 500}"
            event = _native(number, name, probe=name.startswith("probe"))
            if name.startswith("probe"):
                sent[name] = time.time()
            sender.send(topic, orjson.dumps(event), name.encode())
            number += 1
        for messages in reader.poll(timeout_ms=2).values():
            for one in messages:
                name = orjson.loads(one.value or b"")["members"][0]["resource"]
                waits.setdefault(name, time.time())
    sender.close()
    reader.close()
    early = began + 5
    return [(waits[name] - at) * 1000 for name, at in sent.items() if at > early and name in waits]


def _native(number: int, resource: str, *, probe: bool) -> dict[str, object]:
    return {
        "id": f"n{number}",
        "kind": "problem",
        "time": time.time_ns() // 1_000_000,
        "resource": resource,
        "check": "ping" if probe else f"check {number % 7}",
        "severity": "critical" if probe else "warning",
    }


def recovery(bootstrap: str, folder: Path, alerts: int = 100_000) -> dict[str, float]:
    """Seconds until partitions are served again: after a restart with open alerts, and by others after a kill."""
    settings = of_settings(bootstrap, clock=False)
    stage = Stage(settings, NOTHING)
    stage.set()
    stage.play(_open_alerts(alerts))
    worker = Worker(settings, "first", folder)
    with ended([worker]):
        drained([worker], EVENTS, alerts)
        time.sleep(settings.checkpoint / 500)
        size = memory(worker)
        worker.kill()
    begun = time.perf_counter()
    workers = [Worker(settings, "first", folder)]
    with ended(workers):
        restart = _served(workers, begun)
        workers.append(Worker(settings, "second", folder))
        time.sleep(1)
        _served(workers, 0)
        time.sleep(3)
        _served(workers, 0)
        workers.pop().kill()
        begun = time.perf_counter()
        takeover = _served(workers, begun)
    return {
        "open alerts": alerts, "restart after a kill, s": restart, "taken over after a kill, s": takeover, "MB": size,
    }  # fmt: skip


def _served(workers: Sequence[Worker], begun: float) -> float:
    """Wait until all partitions are served by these workers; seconds since the beginning."""
    while True:
        metrics = [one.metrics() for one in workers]
        lags = sum(1 for one in metrics for name in one if name.startswith("tocsin_lag{") and 'topic="b' in name)
        if lags == 12 and all(one.get("tocsin_ready") == 1 for one in metrics):
            return time.perf_counter() - begun
        time.sleep(0.1)


def _open_alerts(count: int) -> list[Event]:
    """So many alerts of as many hosts, ten in each millisecond."""
    return [_open_alert(n) for n in range(count)]


def _open_alert(number: int) -> Event:
    host, at = f"host-{number}", BEGIN + number // 10
    return Event(
        id=f"o{number}",
        kind=EventKind.PROBLEM,
        time=at,
        received=at,
        source="native",
        resource=host,
        check="ping",
        severity=Severity.WARNING,
        summary=f"{host} does not answer",
        labels={"rack": f"r{number // 40}", "room": f"{number % 7}"},
        fingerprint=fingerprint("default", host, "", "ping"),
    )


def print_spreads(rounds: Sequence[Mapping[str, Any]], *names: str) -> None:
    """Least, median and greatest of some figures of several rounds."""
    for name in names:
        least, median, most = spread(figures[name] for figures in rounds)
        print(f"{name:<24}{least:>12,.3f}{median:>12,.3f}{most:>12,.3f}", flush=True)


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    options = arguments("Speed of the stream on Kafka.", given, copies="3", workers="1,2", rounds="3")
    found = copies(simulate(1), int(options.copies))
    normaliser = make_normaliser()
    events = [event for raw in found.raws for event in normaliser.normalise(raw).events]
    figures: dict[str, Any] = {"events": len(events)}
    print(f"{len(events):,} events", flush=True)
    with tempfile.TemporaryDirectory() as name, kafka_broker(Path(name) / "broker") as bootstrap:
        folder = Path(name)
        figures["latency"] = [latency(bootstrap, folder) for _ in range(int(options.rounds))]
        print(f"latency at {RATE} events/s", flush=True)
        print_spreads(figures["latency"], "p50 ms", "p90 ms", "p99 ms", "max ms")
        for workers in map(int, options.workers.split(",")):
            rounds = [agents(bootstrap, found, events, folder, workers) for _ in range(int(options.rounds))]
            figures[f"agents, {workers} workers"] = rounds
            print(f"agents on packs, {workers} workers, the last of {len(rounds)} rounds: {rounds[-1]}", flush=True)
            print_spreads(
                rounds, "core", "agents", "core per CPU second", "agents per CPU second", "ratio", "ratio by CPU"
            )
        figures["whole"] = [whole(bootstrap, found, len(events), folder) for _ in range(int(options.rounds))]
        print("raw topic to incident topic", flush=True)
        print_spreads(figures["whole"], "events_per_second", "cpu of correlate", "cpu of ingest")
        figures["recovery"] = recovery(bootstrap, folder)
        print(f"recovery: {figures['recovery']}", flush=True)
    if options.json:
        print_json(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
