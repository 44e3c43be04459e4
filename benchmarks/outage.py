"""Elasticsearch that goes away: `python -m benchmarks.outage --kills 5`. What is lost or doubled, and memory.

A host is fed the recorded day of two data centres while its node is killed and started again. Then the node is away for
all the payloads of ten minutes at 100 a second, comes back, and the host goes on being fed while the rest is caught up.
At the end every record is compared with the store. The same feed without an output says what memory the indexer takes,
and indexing the same store once more, undisturbed, what full rate is.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from agents.embedded.host import Host
from agents.embedded.store import Store
from agents.index.output import StoreIndexer
from agents.index.settings import ElasticsearchOutput
from agents.local.elasticsearch import Node
from agents.simulate import simulate
from benchmarks.copies import copies
from benchmarks.day import arguments, make_normaliser, print_json
from benchmarks.indexing import agreement, from_store
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from schemas.event import RawRecord

AWAY = 600 * 100
"""Payloads while the node is away: ten minutes at 100 a second."""
PART = 200
MIB = 1 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")


class Went(NamedTuple):
    """How a run went. Memory in MiB: of the process at the most. Rates in documents a second."""

    payloads: int
    memory: float
    waiting: int = 0
    caught_up: float = 0
    calm: float = 0
    same: int = 0
    unlike: int = 0


def memory() -> float:
    """What the process holds now, in MiB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / MIB


class Run:
    """A host that is fed, and the most memory that was seen meanwhile."""

    def __init__(self, folder: Path, kills: int) -> None:
        self.folder, self.kills = folder, kills
        given = copies(simulate(1), 2)
        self.raws = given.raws
        self.host = Host(Flow(FlowSettings()), make_normaliser(), Store(str(folder / "s.db")), 500)
        self.host.refer(given.reference, 1)
        self.most = 0.0
        self.changed = asyncio.Event()

    async def feed(self, raws: Sequence[RawRecord]) -> None:
        """Feed some payloads, letting others work in between."""
        for at in range(0, len(raws), PART):
            self.host.receive(raws[at : at + PART])
            self.host.pump()
            self.changed.set()
            self.most = max(self.most, memory())
            await asyncio.sleep(0.01)

    async def all_of_it(self, kill: Callable[[], Awaitable[None]], start: Callable[[], Awaitable[None]]) -> None:
        """Feed everything: with kills, then with the node away, then with it back."""
        early = len(self.raws) - AWAY - AWAY // 10
        share = early // self.kills
        for number in range(self.kills):
            part = self.raws[number * share : (number + 1) * share]
            await self.feed(part[: share // 2])
            await kill()
            await self.feed(part[share // 2 :])
            await start()
        await kill()
        await self.feed(self.raws[self.kills * share : self.kills * share + AWAY])
        await start()
        await self.feed(self.raws[self.kills * share + AWAY :])


async def _nothing() -> None:
    """In place of a node."""


def without(folder: Path, kills: int) -> Went:
    """The feed alone."""
    run = Run(folder, kills)
    asyncio.run(run.all_of_it(_nothing, _nothing))
    return Went(len(run.raws), run.most)


def disturbed(folder: Path, kills: int) -> Went:
    """The feed with an output to a node that goes away."""
    run = Run(folder, kills)
    with Node(folder / "node") as node:
        settings = ElasticsearchOutput(type="elasticsearch", nodes=(node.url,), slowest=5000)
        waiting, rate = asyncio.run(_indexed(run, node, settings))
        run.host.store.close()
        store = folder / "s.db"
        same, unlike = agreement(settings, store)
        begun = time.perf_counter()
        from_store(settings.model_copy(update={"prefix": "calm"}), store)
        calm = same / (time.perf_counter() - begun)
    return Went(len(run.raws), run.most, waiting, rate, calm, same, unlike)


async def _indexed(run: Run, node: Node, settings: ElasticsearchOutput) -> tuple[int, float]:
    """Feed and index; what had piled up while the node was away, and documents a second from then to the end."""
    made = StoreIndexer(settings, run.host.store, make_normaliser(), lambda: time.time_ns() // 1_000_000)
    indexing = asyncio.create_task(made.run(run.changed))
    waiting, begun, before = 0, 0.0, 0

    async def kill() -> None:
        await asyncio.to_thread(node.kill)

    async def start() -> None:
        nonlocal waiting, begun, before
        await asyncio.to_thread(node.start)
        waiting, begun, before = made.pending(), time.perf_counter(), _done(made)

    await run.all_of_it(kill, start)
    while made.pending():
        if indexing.done():
            indexing.result()
        run.changed.set()
        run.most = max(run.most, memory())
        await asyncio.sleep(0.1)
    rate = (_done(made) - before) / (time.perf_counter() - begun)
    indexing.cancel()
    await asyncio.wait({indexing})
    return waiting, rate


def _done(made: StoreIndexer) -> int:
    return made.indexer.counts["written"] + made.indexer.counts["repeated"]


def main(given: list[str] | None = None) -> int:
    """Run both, each in a process of its own, and print; 1 where anything is lost or doubled."""
    options = arguments("Elasticsearch that goes away.", given, kills="5")
    found = []
    for work in (without, disturbed):
        with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as pool:
            found.append(pool.apply(work, (Path(folder), int(options.kills))))
    alone, went = found
    print(f"{went.payloads:,} payloads, {options.kills} kills, then away for {AWAY:,} of them")
    print(f"memory at the most: {went.memory:.0f} MiB; the same host without an output: {alone.memory:.0f} MiB")
    print(f"when it came back: {went.waiting:,} rows of the store to be indexed")
    print(f"caught up at {went.caught_up:,.0f} documents/s, fed meanwhile; undisturbed: {went.calm:,.0f}")
    print(f"compared with the store: {went.same:,} documents are the same, {went.unlike} are not")
    if options.json:
        print_json({"disturbed": went._asdict(), "without": alone._asdict()})
    return 1 if went.unlike else 0


if __name__ == "__main__":
    sys.exit(main())
