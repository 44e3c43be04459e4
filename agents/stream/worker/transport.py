"""Faust's Kafka transport, with three things of our own.

Only what was committed is read, for the ingest hop writes in transactions. After a rebalance reading goes on from the
offsets of the checkpoints, not from the committed ones: those are only there to show how far we are. And brokers are
asked often.
"""

from __future__ import annotations

from typing import Any

import aiokafka  # type: ignore[import-untyped]
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

FETCH_WAIT = 25
"""Milliseconds that a broker may wait for something new. There is one request at a time to each broker, and a partition
that was not in it, because it had messages in memory, waits for its end: with Faust's 1,500 it often does nothing."""


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # Faust ties it to its own transactions
        consumer._fetch_max_wait_ms = FETCH_WAIT
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

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
