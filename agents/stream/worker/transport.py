"""Faust's Kafka transport, with two things of our own.

Only what was committed is read, for the ingest hop writes in transactions. And after a rebalance reading goes on from
the offsets of the checkpoints, not from the committed ones: those are only there to show how far we are.
"""

from __future__ import annotations

from typing import Any

import aiokafka  # type: ignore[import-untyped]
from faust.transport.drivers import aiokafka as driver
from faust.types import TP


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # Faust ties it to its own transactions
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


class Transport(driver.Transport):
    """As Faust's, but for the above."""

    Consumer = _Consumer
