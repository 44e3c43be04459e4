"""Sends what leaves the steps: many messages in one batch, for a send of its own costs more than what is in it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import aiokafka  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from agents.stream.partition import partition_of
from agents.stream.sizes import LARGEST, MOST_BYTES, unsent
from agents.stream.worker.outputs import Out, outs

LOG = logging.getLogger(__name__)

BATCH = 900_000
"""Bytes of a batch of several messages, at most."""

Sent = asyncio.Future[Any]


class Sender:
    """A producer that keeps the order of what it is given, whatever has to be sent again."""

    def __init__(self, prefix: str, options: dict[str, Any]) -> None:
        self._prefix = prefix
        self._producer = aiokafka.AIOKafkaProducer(
            **options, enable_idempotence=True, max_batch_size=MOST_BYTES, max_request_size=MOST_BYTES, linger_ms=0
        )
        self._admin = AIOKafkaAdminClient(**options)
        self._counts: dict[str, int] = {}
        self._partition = lru_cache(50_000)(partition_of)
        self.messages = 0
        self.bytes = 0

    async def start(self, topics: Iterable[str]) -> None:
        """Connect, and learn how many partitions the topics have. Raises KafkaError; then nothing stays open."""
        try:
            await self._producer.start()
            await self._admin.start()
            for topic in topics:
                self._counts[topic] = len(await self._producer.partitions_for(self._prefix + topic))
        except KafkaError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Send the rest and disconnect."""
        await self._producer.stop()
        await self._admin.close()

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return self._counts[topic]

    async def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete the messages of a partition before an offset. Where that is not allowed they stay, and it is told."""
        place = aiokafka.TopicPartition(self._prefix + topic, partition)
        try:
            await self._admin.delete_records({place: RecordsToDelete(before_offset=offset)})
        except KafkaError as error:
            LOG.warning("%s: what is no longer needed could not be deleted: %r", place.topic, error)

    async def send(self, messages: Sequence[Out]) -> list[Sent]:
        """Send messages; each future ends when all replicas have its batch. Raises KafkaError.

        What is too large for any topic goes to that of the dead instead: to fail of it would be to fail for ever.
        """
        by_place: dict[tuple[str, int], list[Out]] = {}
        for given in messages:
            out = given if len(given.value) <= LARGEST else _instead(given)
            partition = out.partition
            if partition is None:
                partition = self._partition(out.key, self._counts[out.topic])
            by_place.setdefault((out.topic, partition), []).append(out)
        return [sent for place, some in by_place.items() for sent in await self._send(*place, some)]

    async def _send(self, topic: str, partition: int, messages: list[Out]) -> list[Sent]:
        producer, name = self._producer, self._prefix + topic
        sent: list[Sent] = []
        batch, size = producer.create_batch(), 0
        for out in messages:
            key, value = out.key or None, out.value or None
            length = len(out.key) + len(out.value)
            self.messages += 1
            self.bytes += len(out.value)
            if size and size + length > BATCH:
                sent.append(await producer.send_batch(batch, name, partition=partition))
                batch, size = producer.create_batch(), 0
            if batch.append(key=key, value=value, timestamp=None) is None:
                raise KafkaError(f"a message of {length} bytes is too large for {name}")
            size += length
        sent.append(await producer.send_batch(batch, name, partition=partition))
        return sent


def _instead(out: Out) -> Out:
    (letter,) = outs([unsent(out.topic, out.key, out.value, time.time_ns() // 1_000_000)])
    return letter
