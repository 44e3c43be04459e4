"""The live host: inputs put what they read into one bounded queue; one writer keeps it, handles it, and says so.

The bound is the backpressure: files wait, TCP stops reading, HTTP answers 503, UDP counts what it drops. Everything
that waits is kept in one transaction, so the cost of making it durable is shared by all who wait. Then it is handled
for a few milliseconds at a time, so that what comes in meanwhile is neither left waiting nor unacknowledged.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from agents.config import StoreSettings
from agents.embedded.host import Fresh, Host, of_command, of_raw, of_tick
from agents.embedded.rows import Cursor, Input
from pipeline.sources.base import Decoded
from schemas.command import Command, Reply
from schemas.event import RawRecord

MOST_INPUTS = 10_000
MOST_BYTES = 16 * 1024 * 1024
"""What may wait to be handled; a single batch is let in even if it alone is larger."""
SLICE = 0.005
"""Seconds of handling between two looks at what came in."""
TICK = 1000
"""Milliseconds between two inputs that only say that time has passed."""
FORGET = 5000
"""Handled inputs looked at in one step when they are deleted."""

Clock = Callable[[], int]


class Job(NamedTuple):
    """Inputs that came together; `kept` is set once they are in the inbox."""

    inputs: Sequence[Fresh]
    decoded: Decoded | None
    cursors: tuple[Cursor, ...]
    kept: asyncio.Future[None]


class Live:
    """One host, fed by any number of inputs. `changed` are set after every checkpoint."""

    def __init__(self, host: Host, settings: StoreSettings, now: Clock | None = None) -> None:
        self.host = host
        self.now = now or (lambda: time.time_ns() // 1_000_000)
        self.changed: list[asyncio.Event] = []
        self.ready = False
        self.ticking = True
        """Whether time itself is told to the flow; not while files of other times are read."""
        self.received: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.checkpoints = 0
        self.checkpoint_seconds = 0.0
        self._settings = settings
        self._queue: deque[Job] = deque()
        self._kept: deque[tuple[Input, Decoded | None]] = deque()
        self._replies: dict[str, list[asyncio.Future[Reply]]] = {}
        self._waiting = self._bytes = 0
        self._work, self._room = asyncio.Event(), asyncio.Event()
        self._written = host.applied
        self._dirty_since = self._ticked = self._pruned = 0

    # -- for inputs ------------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether there is no room for more."""
        return self._waiting >= MOST_INPUTS or self._bytes >= MOST_BYTES

    @property
    def waiting(self) -> int:
        """Inputs that came in and are not yet handled."""
        return self._waiting

    def offer(
        self, raws: Sequence[RawRecord], *cursors: Cursor, decoded: Decoded | None = None
    ) -> asyncio.Future[None]:
        """Take in payloads, whether or not there is room; the future ends once they are kept.

        `decoded` is what a single payload says, where that is known already.
        """
        for raw in raws:
            self.received[raw.source] += 1
        return self._add([of_raw(raw) for raw in raws], decoded, cursors)

    def drop(self, source: str) -> None:
        """Count a payload for which there was no room."""
        self.dropped[source] += 1

    async def room(self) -> None:
        """Wait until there is room."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    async def keep(self, raws: Sequence[RawRecord], *cursors: Cursor) -> None:
        """Take in payloads when there is room; returns once they are kept."""
        await self.room()
        await self.offer(raws, *cursors)

    async def ask(self, command: Command) -> Reply:
        """Have a command handled."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies.setdefault(command.id, []).append(reply)
        self._add([of_command(command)])
        return await reply

    def _add(
        self, inputs: Sequence[Fresh], decoded: Decoded | None = None, cursors: tuple[Cursor, ...] = ()
    ) -> asyncio.Future[None]:
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(Job(inputs, decoded, cursors, kept))
        self._waiting += len(inputs)
        self._bytes += sum(len(one.payload) for one in inputs)
        self._work.set()
        return kept

    # -- the writer ------------------------------------------------------------------------------------------------

    async def write(self) -> None:
        """Keep and handle what comes in, until cancelled; then `drain` does what is left."""
        self.host.pump()
        self._written = self.host.applied
        self.ready = True
        self._tell()
        timer = asyncio.create_task(self._wake())
        try:
            while True:
                self._work.clear()
                if self._queue:
                    self._commit()
                    await asyncio.sleep(0)  # those who waited are told first
                self._handle(SLICE)
                self._periodically()
                if self._kept or self._queue:
                    await asyncio.sleep(0)
                else:
                    await self._work.wait()
        finally:
            timer.cancel()

    def drain(self) -> None:
        """Do all that is left, and write it."""
        self._commit()
        self._handle(float("inf"))
        self._checkpoint()

    async def _wake(self) -> None:
        """What is due by time is looked at even if nothing comes in."""
        while True:
            await asyncio.sleep(min(self._settings.checkpoint_after, TICK) / 2000)
            self._work.set()

    def _commit(self) -> None:
        jobs, self._queue = self._queue, deque()
        if not jobs:
            return
        cursors = [cursor for job in jobs for cursor in job.cursors]
        kept = iter(self.host.keep((one for job in jobs for one in job.inputs), cursors))
        for job in jobs:
            decoded = job.decoded if len(job.inputs) == 1 else None
            self._kept.extend((next(kept), decoded) for _ in job.inputs)
            if not job.kept.done():
                job.kept.set_result(None)

    def _handle(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while self._kept:
            one, decoded = self._kept.popleft()
            outputs = self.host.handle(one, decoded)
            self._waiting -= 1
            self._bytes -= len(one.payload)
            if one.kind == "command":
                self._answer(reply for reply in outputs if isinstance(reply, Reply))
            if self.host.applied - self._written >= self._settings.checkpoint_every:
                self._checkpoint()
            if time.perf_counter() >= until:
                break
        if not self.full:
            self._room.set()

    def _answer(self, replies: Iterable[Reply]) -> None:
        for reply in replies:
            for waiting in self._replies.pop(reply.command, []):
                if not waiting.done():
                    waiting.set_result(reply)

    # -- by time ---------------------------------------------------------------------------------------------------

    def _periodically(self) -> None:
        now = self.now()
        if self.host.applied == self._written:
            self._dirty_since = now
        elif abs(now - self._dirty_since) >= self._settings.checkpoint_after:
            self._checkpoint()
        if not self.ticking:
            self._ticked = now
        elif abs(now - self._ticked) >= TICK and not self._waiting:
            self._ticked = now
            if self._has_timers() and self.host.flow.high < now:
                self._add([of_tick(now)])
        if abs(now - self._pruned) >= TICK:
            self._pruned = now
            self.host.store.forget(now - self._settings.keep_raw, self._written, FORGET)

    def _has_timers(self) -> bool:
        flow = self.host.flow
        return bool(len(flow.intake.alerts) or len(flow.scope.groups))

    def _checkpoint(self) -> None:
        if self.host.applied == self._written:
            return
        begin = time.perf_counter()
        self.host.checkpoint()
        self._written = self.host.applied
        self._dirty_since = self.now()
        self.checkpoints += 1
        self.checkpoint_seconds += time.perf_counter() - begin
        self._tell()

    def _tell(self) -> None:
        for event in self.changed:
            event.set()
