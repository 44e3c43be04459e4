"""Speed of the role index: `python -m benchmarks.index_kafka`. A real broker and a real Elasticsearch.

The recorded day goes through a worker of the role correlate once. Then by turns, each time into new indices: the bare
`helpers.parallel_bulk` of the client with the documents that this gave, and the role, from a group that has its
partitions to a group that has nothing left to read. The servers are those of TOCSIN_TEST_KAFKA and
TOCSIN_TEST_ELASTIC, else our own.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from agents.config import Config
from agents.index.client import connect
from agents.index.documents import Document
from agents.index.kinds import KINDS, Keeps
from agents.index.members import rows_of
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import setup
from agents.simulate import simulate
from agents.stream.index.feeds import FEEDS
from agents.stream.index.run import Index
from agents.stream.settings import KafkaSettings
from benchmarks.day import arguments, print_json
from benchmarks.indexing import bare_rate, of_round
from tests.integration.kafka.index.mirror import PARTITIONS
from tests.integration.kafka.worker.stage import Stage, Worker, ended, play_of, wait_for
from tests.servers import elasticsearch_node, kafka_broker


class Rate(NamedTuple):
    """Documents a second of each round, and how many the role wrote, those included that it wrote more than once."""

    bare: list[float]
    role: list[float]
    written: list[int]


def filled(bootstrap: str, folder: Path, seed: int) -> Stage:
    """Topics with all that came of a day."""
    settings = KafkaSettings(bootstrap_servers=tuple(bootstrap.split(",")), prefix=f"b{uuid.uuid4().hex[:8]}.")
    stage = Stage(settings, play_of(simulate(seed)))
    stage.set()
    stage.play()
    worker = Worker(settings, "correlate", folder)
    with ended([worker]):
        wait_for([worker], len(stage.events), 300)
        worker.stop()
    return stage


def documents_of(stage: Stage) -> tuple[list[Document], float]:
    """The documents of all messages, each once; and the seconds that making all of them takes, repeats included."""
    read = {topic: stage.read(topic) for topic in FEEDS}
    begun = time.perf_counter()
    made = [
        one
        for topic, messages in read.items()
        for message in messages
        for one in FEEDS[topic](message.key or b"", message.value or b"", message.timestamp)
    ]
    seconds = time.perf_counter() - begun
    found: dict[tuple[str, str], Document] = {}
    for one in made:
        if KINDS[one.kind].keeps is Keeps.LAST or (one.kind, one.id) not in found:
            found[one.kind, one.id] = one
    rows = [row for one in found.values() for row in rows_of(one)]
    return [*found.values(), *rows], seconds / len(made)


async def _role(stage: Stage, settings: ElasticsearchOutput) -> tuple[float, int]:
    index = Index(Config(kafka=stage.settings, outputs=(settings,)))
    await index.begin()
    while not index.ready:
        await asyncio.sleep(0.01)
    begun = time.perf_counter()
    while True:
        await asyncio.sleep(0.02)
        if index.failure.done():
            index.failure.result()
        lag = index.lag()
        if len(lag) == PARTITIONS and not any(lag.values()):
            break
    seconds = time.perf_counter() - begun
    await index.end()
    counts = index.indexer.counts
    return seconds, counts["written"] + counts["repeated"]


def measure(url: str, stage: Stage, documents: Sequence[Document], rounds: int) -> Rate:
    """The two by turns."""
    rate = Rate([], [], [])
    for number in range(rounds):
        rate.bare.append(bare_rate(url, number, documents))
        made = of_round(url, number, "k")
        with connect(made) as client:
            setup(client, made)
        seconds, written = asyncio.run(_role(stage, made))
        rate.role.append(written / seconds)
        rate.written.append(written)
    return rate


def main(given: list[str] | None = None) -> int:
    """Measure, and print the figures."""
    options = arguments("Speed of the role index.", given, rounds="3", seed="1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with kafka_broker(folder / "broker") as bootstrap, elasticsearch_node(folder / "node") as url:
            stage = filled(bootstrap, folder, int(options.seed))
            documents, making = documents_of(stage)
            rate = measure(url, stage, documents, int(options.rounds))
    plain = median(rate.bare)
    print(f"{len(documents):,} documents of a day on Kafka, {options.rounds} rounds, median:")
    print(f"  helpers.parallel_bulk {plain:>10,.0f} documents/s")
    print(f"  the role index        {median(rate.role):>10,.0f} documents/s  {median(rate.role) / plain:>6.0%}")
    print(f"  of which to make one of its message: {making * 1e6:.1f} us; written by the role: {rate.written}")
    if options.json:
        print_json({"rate": rate._asdict(), "documents": len(documents), "making_us": making * 1e6})
    return 0


if __name__ == "__main__":
    sys.exit(main())
