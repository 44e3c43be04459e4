"""The live host: inputs put batches into one bounded queue; one writer keeps them, handles them, and says so.

The queue is the backpressure: files wait, TCP stops reading, HTTP answers 503, UDP counts what it drops.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from agents.embedded.host import Host
from schemas.command import Command, Reply
from schemas.event import RawRecord

QUEUE = 1000
TOGETHER = 2000
"""Payloads written in one transaction at most."""
TICK_AFTER = 5.0
"""Seconds without input after which time itself is told to the flow."""


class Batch(NamedTuple):
    """Payloads that came together. `kept` is set once they are in the inbox; `cursor` says how far a file was read."""

    raws: list[RawRecord]
    cursor: tuple[str, int] | None
    kept: asyncio.Future[None]


class Asked(NamedTuple):
    """A command and where its reply is awaited."""

    command: Command
    reply: asyncio.Future[Reply]


class Live:
    """One host, fed by any number of inputs. `changed` are called after every checkpoint."""

    def __init__(self, host: Host, clock: Callable[[], int] | None = None) -> None:
        self.host = host
        self.now = clock or (lambda: int(time.time() * 1000))
        self.changed: list[asyncio.Event] = []
        self.dropped = 0
        self.ready = False
        self._queue: asyncio.Queue[Batch | Asked] = asyncio.Queue(QUEUE)

    async def keep(self, raws: list[RawRecord], cursor: tuple[str, int] | None = None) -> None:
        """Take in payloads; returns once they are kept. Waits while the queue is full."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put(Batch(raws, cursor, kept))
        await kept

    def offer(self, raws: list[RawRecord]) -> asyncio.Future[None] | None:
        """Take in payloads without waiting for room; None, and counted, where there is none."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(Batch(raws, None, kept))
        except asyncio.QueueFull:
            self.dropped += len(raws)
            return None
        return kept

    async def ask(self, command: Command) -> Reply:
        """Have a command handled."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        await self._queue.put(Asked(command, reply))
        return await reply

    async def write(self) -> None:
        """The writer: runs until it is cancelled; what is in the inbox by then is handled at the next start."""
        self.host.pump()
        self.ready = True
        while True:
            try:
                first = await asyncio.wait_for(self._queue.get(), TICK_AFTER)
            except TimeoutError:
                self._tick()
                continue
            self._handle(self._gather(first))

    def _gather(self, first: Batch | Asked) -> list[Batch | Asked]:
        jobs, size = [first], 1
        while size < TOGETHER and not self._queue.empty():
            job = self._queue.get_nowait()
            jobs.append(job)
            size += len(job.raws) if isinstance(job, Batch) else 1
        return jobs

    def _handle(self, jobs: list[Batch | Asked]) -> None:
        together: list[Batch] = []
        for job in jobs:
            if isinstance(job, Asked):
                self.host.ask(job.command)
            elif job.cursor is not None:
                self.host.receive(job.raws, job.cursor)
            else:
                together.append(job)
        if together:
            self.host.receive(raw for batch in together for raw in batch.raws)
        for job in jobs:
            if isinstance(job, Batch) and not job.kept.done():
                job.kept.set_result(None)
        self.host.pump()
        for job in jobs:
            if isinstance(job, Asked) and not job.reply.done():
                value = next(iter(self.host.store.history("reply", job.command.id)))
                job.reply.set_result(Reply.model_validate_json(value))
        self._tell()

    def _tick(self) -> None:
        if 0 < self.host.flow.high < self.now():
            self.host.tick(self.now())
            self.host.pump()
            self._tell()

    def _tell(self) -> None:
        for event in self.changed:
            event.set()


Input = Callable[[Live], Awaitable[None]]
"""An input runs until it has nothing more to read, or is cancelled."""
