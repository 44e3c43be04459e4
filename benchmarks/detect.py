"""Speed of the models on Kafka: `python -m benchmarks.detect`. A real broker, everything on this machine.

Packed samples through a worker of the role detect, beside the bare step on the same samples in the same run; what its
checkpoints cost, and how long it takes to stop and to be back after a kill.
The broker is that of TOCSIN_TEST_KAFKA, else one of our own.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from agents.stream import clients, wire
from agents.stream.partition import partition_of
from agents.stream.wire import Samples
from benchmarks.day import arguments, print_json
from benchmarks.stream import NOTHING, cpu_seconds, drained, kept, memory, of_settings
from pipeline.clock import Clock
from pipeline.settings import FlowSettings
from pipeline.trend_step import TrendStep
from schemas.base import MINUTE
from schemas.event import MetricSample, fingerprint
from tests.integration.kafka.worker.stage import PACK, Stage, Worker, ended
from tests.servers import kafka_broker

BEGIN = 1_772_409_600_000
SAMPLES = 'tocsin_flow_total{step="series",what="samples"}'


def measured(series: int, points: int) -> list[MetricSample]:
    """So many series, a point a minute, of noise around levels of their own."""
    chance = Random(series)
    levels = [chance.uniform(10.0, 90.0) for _ in range(series)]
    return [
        MetricSample(
            time=BEGIN + at * MINUTE, received=BEGIN + at * MINUTE, source="prometheus", resource=f"host-{number}",
            metric="cpu utilization", value=level + chance.gauss(0.0, 3.0), unit="%", labels={"job": "node"},
        )
        for at in range(points)
        for number, level in enumerate(levels)
    ]  # fmt: skip


def bare(samples: Sequence[MetricSample]) -> dict[str, float]:
    """Through the step alone."""
    settings = FlowSettings()
    step = TrendStep(settings, Clock(settings.time.lateness))
    gc.collect()
    begun, used = time.perf_counter(), time.process_time()
    for one in samples:
        step.events(step.begin(one))
    clock, cpu = time.perf_counter() - begun, time.process_time() - used
    return {"samples_per_second": len(samples) / clock, "per CPU second": len(samples) / cpu}


def fill(stage: Stage, samples: Sequence[MetricSample]) -> None:
    """Packs of samples, as the ingest hop makes them."""
    producer = clients.producer(stage.settings, linger_ms=20, batch_size=256 * 1024)
    topic = stage.settings.topic("metrics")
    targets = len(producer.partitions_for(topic))
    packs: list[list[MetricSample]] = [[] for _ in range(targets)]
    for one in samples:
        key = fingerprint(one.tenant, one.resource, one.component, one.metric)
        target = partition_of(key.encode(), targets)
        packs[target].append(one)
        if len(packs[target]) == PACK:
            pack = Samples("raw.prometheus/0", one.time, time.time_ns() // 1_000_000, packs[target])
            producer.send(topic, wire.pack_samples(pack), partition=target)
            packs[target] = []
    for target, some in enumerate(packs):
        pack = Samples("raw.prometheus/0", samples[-1].time, time.time_ns() // 1_000_000, some)
        producer.send(topic, wire.pack_samples(pack), partition=target)
    producer.close()


def role(bootstrap: str, samples: Sequence[MetricSample], folder: Path) -> dict[str, Any]:
    """Through a worker, which writes a checkpoint every few seconds, more often than it does by default."""
    settings = of_settings(bootstrap, clock=False).model_copy(update={"checkpoint_models": 3_000})
    stage = Stage(settings, NOTHING)
    stage.set()
    fill(stage, samples)
    worker = Worker(settings, "detect", folder, "detect")
    with ended([worker]):
        rate, shares = drained([worker], SAMPLES, len(samples))
        time.sleep(settings.checkpoint_models / 1000)
        figures: dict[str, Any] = {"samples_per_second": rate, "per CPU second": rate / sum(shares.values()), **shares}
        figures |= {"megabytes": memory(worker), "cpu seconds": cpu_seconds(worker)}
        figures["checkpoints"] = kept(worker, len(samples) / rate)
        worker.kill()
    again = Worker(settings, "detect", folder, "detect")
    with ended([again]):
        begun = time.perf_counter()
        while again.metrics().get("tocsin_ready") != 1:
            time.sleep(0.05)
        figures["back after a kill, s"] = time.perf_counter() - begun
        figures["series"] = again.metrics()["tocsin_series"]
        figures["stopped, s"] = again.stop()
    return figures


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    options = arguments("Speed of the models on Kafka.", given, series="2000", points="200")
    samples = measured(int(options.series), int(options.points))
    figures: dict[str, Any] = {"samples": len(samples), "bare": bare(samples)}
    print(f"{len(samples):,} samples; the step alone: {figures['bare']}", flush=True)
    with tempfile.TemporaryDirectory() as name, kafka_broker(Path(name) / "broker") as bootstrap:
        figures["role"] = role(bootstrap, samples, Path(name))
    figures["ratio"] = figures["role"]["samples_per_second"] / figures["bare"]["samples_per_second"]
    figures["ratio by CPU"] = figures["role"]["per CPU second"] / figures["bare"]["per CPU second"]
    print(f"the role detect: {figures['role']}", flush=True)
    print(f"ratio to the step {figures['ratio']:.1%}, by CPU {figures['ratio by CPU']:.1%}", flush=True)
    if options.json:
        print_json(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
