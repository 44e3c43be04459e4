"""Sends what a shard has to say and writes its checkpoints, in the one order that survives a crash at any moment.

All that followed from an input is in Kafka before a checkpoint says that the input is in the state. Where the order of
inputs is known only to the checkpoint (see `Shard.ahead`), it is the other way round: the checkpoint is written first,
and holds what is still to be sent.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from agents.stream.worker.log import Checkpoint, pack
from agents.stream.worker.outputs import Out
from agents.stream.worker.pace import Moment, Pace
from agents.stream.worker.sender import Sender, Sent
from agents.stream.worker.shard import Shard
from agents.stream.worker.store import LogStore

MOST_WAITING = 20_000
"""Messages to be sent that a shard may have waiting before it reads on."""

SHORTEN_EVERY = 30.0
"""Seconds between two times that old records of a log are deleted."""


class Kept(NamedTuple):
    """What checkpoints have cost."""

    checkpoints: int
    bytes: int
    seconds: float


class Keeper:
    """`topic` is that of the shard's checkpoints; `every` milliseconds there is one, if anything was read.

    Less often while `pace` says so.
    """

    def __init__(self, shard: Shard, topic: str, sender: Sender, logs: LogStore, every: int, pace: Pace) -> None:
        self.shard = shard
        self.offsets: dict[int, int] = {}
        """The offset of the first message of each record of the log, by number."""
        self.checkpoints = 0
        self.bytes = 0
        self.seconds = 0.0
        self._topic, self._sender, self._logs, self._every = topic, sender, logs, every / 1000
        self._pace = pace
        self._lock = asyncio.Lock()
        self._in_flight: list[Sent] = []
        now = moment()
        self._last = now._replace(clock=now.clock - self._every * (shard.partition % 8) / 8)  # not all at once
        self.dropped = False
        """The partition is another worker's now."""
        self._shortened = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether it is sending."""
        return self._lock.locked()

    def drop(self) -> None:
        """Nothing more is sent."""
        self.dropped = True

    async def room(self) -> None:
        """Wait until not too much is waiting to be sent."""
        while len(self.shard.outputs) > MOST_WAITING and not self.dropped:
            await asyncio.sleep(0.01)

    async def flush(self, generation: int, final: bool = False) -> None:
        """Send what there is; write a checkpoint where one is due, or with `final`. Raises KafkaError."""
        async with self._lock:
            if self.dropped:
                return
            shard = self.shard
            due = final or shard.ahead or (shard.dirty and self._pace.due(moment(), self._last, self._every))
            if not due or not shard.dirty:
                self._in_flight = [one for one in self._in_flight if not one.done() or one.exception()]
                await self._send(shard.take(_now()))
                return
            begin = time.perf_counter()
            ahead, shard.ahead = shard.ahead, False
            shard.export()
            outputs = shard.take(_now())
            record = shard.checkpoint(generation)
            self._last = moment()
            if ahead:
                record = record._replace(outbox=outputs)
            messages = pack(shard.partition, record)
            took = time.perf_counter() - begin
            self.seconds += took
            self._pace.spent(took)
            if not ahead:
                await self._send(outputs)
            await self._all_there()
            await self._write(record, [Out(self._topic, shard.partition, *message) for message in messages])
            if ahead:
                await self._send(outputs)

    async def _send(self, outputs: list[Out]) -> None:
        if outputs:
            self._in_flight += await self._sender.send(outputs)

    async def _all_there(self) -> None:
        waiting, self._in_flight = self._in_flight, []
        for sent in waiting:
            await sent

    async def _write(self, record: Checkpoint, messages: list[Out]) -> None:
        first = None
        for message in messages:
            for sent in await self._sender.send([message]):
                metadata = await sent
                first = metadata.offset if first is None else first
                self._logs.wrote(self.shard.partition, metadata.offset)
            self.bytes += len(message.value)
        if first is not None:
            self.offsets[record.mark.number] = first
        self.checkpoints += 1
        await self._shorten(record.keep)

    async def _shorten(self, keep: int) -> None:
        """Delete records of the log that are no longer needed, now and then."""
        if keep in self.offsets and time.monotonic() - self._shortened >= SHORTEN_EVERY:
            self._shortened = time.monotonic()
            await self._sender.delete_before(self._topic, self.shard.partition, self.offsets[keep])
            self.offsets = {number: offset for number, offset in self.offsets.items() if number >= keep}


def moment() -> Moment:
    """Now."""
    return Moment(time.monotonic(), time.process_time())


def _now() -> int:
    return time.time_ns() // 1_000_000
