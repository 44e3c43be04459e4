"""A simulated day, or the beginning of one, in a store."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from agents.embedded.host import Host
from agents.embedded.store import Store
from agents.index.lanes import Lanes
from agents.index.output import StoreIndexer
from agents.local.elasticsearch import Node
from agents.simulate import Day, simulate
from agents.simulate.day import Line
from benchmarks.day import make_normaliser
from pipeline.flow import Flow
from pipeline.settings import FlowSettings


def host_at(path: Path, day: Day, every: int = 500) -> Host:
    """A host on a new store that knows the items of a day."""
    host = Host(Flow(FlowSettings()), make_normaliser(), Store(str(path)), every)
    host.refer((*day.centre.items.values(), *day.centre.relations, *day.changes), 1)
    return host


def whole_day(path: Path, seed: int, lines: int | None = None) -> None:
    """A day replayed into a store."""
    day = simulate(seed)
    host = host_at(path, day)
    host.replay("day", (line.raw for line in day.lines[:lines]))
    host.store.close()


def lanes_of(path: Path) -> Lanes:
    """What is to be indexed of it."""
    return Lanes(str(path), make_normaliser())


class Seen(NamedTuple):
    """How a disturbed run went. `grown`: by how many KiB the most memory ever used has grown since the first kill."""

    kills: int
    pending: list[int]
    grown: int


async def disturbed(
    made: StoreIndexer, host: Host, lines: Sequence[Line], node: Node, kills: int, away: float = 0.5
) -> Seen:
    """Feed lines to a host while its node is killed again and again, and stays away for so many seconds each time.

    Returns when all is indexed. Lines are fed all the while, in as many parts as there are kills.
    """
    changed = asyncio.Event()
    indexing = asyncio.create_task(made.run(changed))
    pending, before = [], 0
    share = len(lines) // (2 * kills)

    async def feed(part: Sequence[Line]) -> None:
        for at in range(0, len(part), 100):
            host.receive(line.raw for line in part[at : at + 100])
            host.pump()
            changed.set()
            await asyncio.sleep(0.005)

    for number in range(kills):
        at = 2 * number * share
        await feed(lines[at : at + share])
        await asyncio.to_thread(node.kill)
        before = before or _most_memory()
        await feed(lines[at + share : at + 2 * share])
        await asyncio.sleep(away)
        pending.append(made.pending())
        await asyncio.to_thread(node.start)
    await feed(lines[2 * kills * share :])
    while made.pending():
        if indexing.done():
            indexing.result()
        changed.set()
        await asyncio.sleep(0.1)
    indexing.cancel()
    await asyncio.wait({indexing})
    return Seen(kills, pending, _most_memory() - before)


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
