"""Faust's Kafka transport, with six things of our own.

Only what was committed is read, for the ingest hop writes in transactions. After a rebalance reading goes on from the
offsets of the checkpoints, not from the committed ones: those are only there to show how far we are. Until the
rebalance is over nothing is let through. Brokers are asked often. It stops although one is away. And it has no thread
of its own: two threads of Python never work at the same time, and each time that one takes over on the other core all
that is in the caches has to follow. That took a fifth of the time of a busy worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import aiokafka  # type: ignore[import-untyped]
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.futures import maybe_async

from agents.stream.worker.access import stopped

FETCH_WAIT = 25
"""Milliseconds that a broker may wait for something new. There is one request at a time to each broker, and a partition
that was not in it, because it had messages in memory, waits for its end: with Faust's 1,500 it often does nothing."""


Records = dict[Any, list[Any]]
"""Messages by partition."""


class Held:
    """Messages that were fetched and have not been let through.

    Faust lets messages through while a rebalance goes on. Some of them it throws away as the last thing of all, when
    those behind them are let through; and a fetch that was there before the rebalance brings some from where we were
    before we went to where the state stands. Either way a message that is not the next one would pass for it, and
    those between would never be seen. So they wait here, and those from before we went elsewhere are dropped: they come
    again.
    """

    def __init__(self) -> None:
        self._seeks: dict[Any, int] = {}
        self._fetched: dict[Any, int] = {}
        self._held: dict[Any, tuple[int, list[Any]]] = {}

    def sought(self, partitions: Iterable[Any]) -> None:
        """We go elsewhere in these partitions."""
        for one in partitions:
            self._seeks[one] = self._seeks.get(one, 0) + 1

    def fetched(self, partitions: Iterable[Any]) -> None:
        """Messages of these partitions were fetched; to be said before we can go elsewhere."""
        self._fetched = {one: self._seeks.get(one, 0) for one in partitions}

    def keep(self, records: Mapping[Any, Iterable[Any]]) -> None:
        """Hold the messages just fetched, behind those that are held already."""
        for one, some in records.items():
            seek, held = self._held.get(one, (-1, []))
            if seek != self._fetched[one]:
                seek, held = self._held[one] = self._fetched[one], []
            held += some

    def take(self, partitions: Collection[Any]) -> Records:
        """All that is held of these partitions, but for what comes again."""
        taken = {one: self._held.pop(one) for one in list(self._held) if one in partitions}
        return {one: some for one, (seek, some) in taken.items() if seek == self._seeks.get(one, 0)}


class _Beside:
    """In place of the thread in which Faust has its consumer work: a task of the same loop."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._serving: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Begin; whoever started it is told by `crash` where that fails."""
        self._serving = asyncio.ensure_future(self._service._serve())
        self._serving.add_done_callback(self._ended)

    def _ended(self, serving: asyncio.Future[None]) -> None:
        if not serving.cancelled() and serving.exception() is not None:
            self._service.set_shutdown()

    def stop(self) -> None:
        """It has ended by now: see `wait_for_shutdown`."""


class _Thread(driver.AIOKafkaConsumerThread):
    """Works in the loop that it is given as `thread_loop`, which has to be that of all else."""

    held: Held
    Worker: Any = _Beside

    async def call_thread(self, fun: Any, *given: Any, **more: Any) -> Any:
        """Call it: there is nowhere else to go."""
        return await maybe_async(fun(*given, **more))

    async def _gather_remaining_tasks(self) -> None:
        """The loop goes on, and so do its tasks: they are those of others."""

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # Faust ties it to its own transactions
        consumer._fetch_max_wait_ms = FETCH_WAIT
        self.held = Held()
        return consumer

    async def on_thread_stop(self) -> None:
        await stopped(super().on_thread_stop())

    async def _seek_wait(self, consumer: aiokafka.AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self.held.sought(partitions)
        await super()._seek_wait(consumer, partitions)

    async def _fetch_records(self, *given: Any, **more: Any) -> Any:
        records = await super()._fetch_records(*given, **more)
        self.held.fetched(records)
        return records


class _Consumer(driver.Consumer):
    _thread: _Thread

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    async def _wait_next_records(self, timeout: float) -> Any:
        if self.flow_active and (ready := self._ready()):
            return ready, self._get_active_partitions()
        records, active = await super()._wait_next_records(timeout)
        if records:
            self._thread.held.keep({tp: some for tp, some in records.items() if not self._is_changelog_tp(tp)})
            records = {tp: some for tp, some in records.items() if self._is_changelog_tp(tp)} | self._ready()
        return records, active

    def _ready(self) -> Records:
        if self.app.rebalancing:
            return {}
        return self._thread.held.take(self._get_active_partitions() | self._buffered_partitions)

    async def perform_seek(self) -> None:
        """Go to where each partition's state stands; to the beginning where it has none.

        To be done before any message of the partition is let through as well: Faust lets them through first.
        """
        app: Any = self.app
        wanted: dict[TP, int | None] = app.positions(self.assignment())
        fresh = [tp for tp, offset in wanted.items() if offset is None]
        earliest = await self.earliest_offsets(*fresh) if fresh else {}
        offsets = {tp: offset if offset is not None else earliest.get(tp) or 0 for tp, offset in wanted.items()}
        if offsets:
            await self.seek_wait(offsets)

    def behind(self, tp: TP, applied: int) -> int | None:
        """Messages after the last one handled; None while that is not known. Marks of transactions are no messages."""
        client = self._thread._consumer
        if client is None or tp not in client.assignment():
            return None
        end = client.highwater(tp)
        if end is None:
            return None
        if applied < (self._read_offset.get(tp) or 0):
            return int(max(end - applied - 1, 0))  # some wait in memory
        state = client._subscription.subscription.assignment.state_value(tp)
        return int(max(end - state.position, 0)) if state.has_valid_position else None


class Transport(driver.Transport):
    """As Faust's, but for the above."""

    Consumer = _Consumer
