"""Speed of the ingest hop: `python -m benchmarks.ingest`. A real broker, the recorded day as one message a payload.

Beside it, in the same run and by turns, what kafka-python itself needs for the same messages: poll, and orjson where
they are JSON.
The broker is that of TOCSIN_TEST_KAFKA, else one of our own.
"""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import orjson

from agents import collector
from agents.config import Config
from agents.simulate import simulate
from agents.stream.clients import Consumer, consumer, partition, producer
from agents.stream.ingest.run import RAW, Ingest
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from benchmarks.day import Spread, arguments, print_json, spread
from benchmarks.turns import Spent, by_turns
from pipeline.sources.registry import SOURCES
from schemas.event import RawRecord
from tests.servers import kafka_broker

RUNS = 3
REPEATS = 4
"""How often the day is in the topics."""
TURN = 20_000
"""Messages in a turn, about: half a second of one and two seconds of the other."""
TURNS = 10


def produce(settings: KafkaSettings, raws: Iterable[RawRecord]) -> int:
    """Write payloads into their topics, one a message, received when they were; how many."""
    sender = producer(settings, linger_ms=20, batch_size=64 * 1024)
    count = 0
    for raw in raws:
        key = str(count % 64).encode()
        sender.send(settings.topic(RAW + raw.source), raw.payload, key, timestamp_ms=raw.received)
        count += 1
    sender.flush()
    sender.close()
    return count


def produce_day(settings: KafkaSettings) -> int:
    """Write the recorded day, some times over; how many messages."""
    raws = [line.raw for line in simulate(1).lines]
    return produce(settings, (raw for _ in range(REPEATS) for raw in raws))


class Bare:
    """Polls all messages with kafka-python, and parses those that are JSON."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._reader: Consumer = consumer(settings, max_poll_records=5000, max_partition_fetch_bytes=4 * 1024 * 1024)
        self._reader.assign([partition(settings.topic(RAW + source), n) for source in SOURCES for n in range(4)])
        self._reader.poll(100, max_records=1)

    def turn(self) -> Spent:
        """Read so many."""
        began, cpu, seen = perf_counter(), process_time(), 0
        while seen < TURN:
            parsed = [[_parse(one.value or b"") for one in some] for some in self._reader.poll(200).values()]
            seen += sum(map(len, parsed))
        return Spent(seen, perf_counter() - began, process_time() - cpu)

    def close(self) -> None:
        """Let go of Kafka."""
        self._reader.close()


def _parse(value: bytes) -> object:
    """The JSON of a payload; some of a day are none, or broken."""
    if value[:1] not in b"{[":
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


class Whole:
    """Puts all messages through the hop, in a group of its own."""

    def __init__(self, settings: KafkaSettings, run: int) -> None:
        self.work = Ingest(Config(kafka=settings), f"benchmark-{run}", group=f"benchmark-{run}")
        self.work.subscribe()
        while not self.work.hop.decoded:
            self.work.step()
        self.work.commit()
        self.work.finish()

    @property
    def _received(self) -> int:
        return sum(self.work.hop.received.values())

    def turn(self) -> Spent:
        """Read so many, until they are committed."""
        began, cpu, before = perf_counter(), process_time(), self._received
        while self._received - before < TURN:
            self.work.step()
        self.work.commit()
        self.work.finish()
        return Spent(self._received - before, perf_counter() - began, process_time() - cpu)


def measure(bootstrap: str, runs: int) -> dict[str, Any]:
    """All figures."""
    ingest = IngestSettings(clock=False)
    prefix = f"b{uuid.uuid4().hex[:8]}."
    servers = tuple(bootstrap.split(","))
    settings = KafkaSettings(bootstrap_servers=servers, prefix=prefix, ingest=ingest, retention={"raw.{source}": 0})
    create(settings, wanted(settings, SOURCES))
    count = produce_day(settings)
    collector.settle()  # as the hop does when it runs
    bares, hops, packs = [], [], []
    for run in range(runs):
        bare, whole = Bare(settings), Whole(settings, run)
        found = by_turns({"bare": bare.turn, "ingest": whole.turn}, TURNS)
        bare.close()
        work = whole.work
        work.close()
        bares.append(found["bare"])
        hops.append(found["ingest"])
        packs.append(work.hop.decoded / work.packs)
        print(
            f"run {run + 1}: {bares[-1].rate:,.0f} bare, {hops[-1].rate:,.0f} ingest; {work.transactions} transactions"
        )
    return {
        "messages": count,
        "messages_per_second": {"bare": _of(bares, "rate"), "ingest": _of(hops, "rate")},
        "messages_per_cpu_second": {"bare": _of(bares, "rate_cpu"), "ingest": _of(hops, "rate_cpu")},
        "events_in_a_pack": spread(packs),
        "ratio": spread(b.rate / a.rate for a, b in zip(bares, hops, strict=True)),
        "ratio_cpu": spread(b.rate_cpu / a.rate_cpu for a, b in zip(bares, hops, strict=True)),
    }


def _of(some: list[Spent], field: str) -> Spread:
    return spread(getattr(spent, field) for spent in some)


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    options = arguments("Speed of the ingest hop, beside kafka-python alone.", given)
    with tempfile.TemporaryDirectory() as folder, kafka_broker(Path(folder)) as bootstrap:
        figures = measure(bootstrap, RUNS)
    print(f"{figures['messages']:,} messages, {RUNS} runs")
    print(f"{'':<34}{'min':>10}{'median':>10}{'max':>10}")
    for group in ("messages_per_second", "messages_per_cpu_second"):
        for name, rate in figures[group].items():
            title = f"{name}, {group.replace('_', ' ')}"
            print(f"{title:<34}{rate.least:>10,.0f}{rate.median:>10,.0f}{rate.greatest:>10,.0f}")
    for group in ("ratio", "ratio_cpu"):
        print(f"{group:<34}{figures[group].least:>10.1%}{figures[group].median:>10.1%}{figures[group].greatest:>10.1%}")
    if options.json:
        print_json(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
