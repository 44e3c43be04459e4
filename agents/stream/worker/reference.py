"""Reads reference data: all of it before anything is correlated, and from then on what changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import aiokafka  # type: ignore[import-untyped]

from agents.stream.wire import unpack_record
from pipeline.practices.reference import TYPES
from schemas.base import BadRecord, Millis, Record

LOG = logging.getLogger(__name__)

TOPIC = "reference.{}"


class Given(NamedTuple):
    """One record in force since a time, or the news that there is none any more."""

    kind: str
    identity: str
    record: Record | None
    at: Millis


Heard = Callable[[Iterable[Given]], None]


class Reference:
    """All reference data of the cluster, newest version of each, by kind and identity."""

    def __init__(self, prefix: str, options: dict[str, Any]) -> None:
        self._topics = {prefix + TOPIC.format(kind): kind for kind in TYPES}
        self._options = options
        self._known: dict[tuple[str, str], Given] = {}
        self.ready = asyncio.Event()
        self.bad = 0
        """Records that could not be understood, and are left out."""

    def known(self) -> list[Given]:
        """All that is in force, in an order that depends on nothing else."""
        return [given for _, given in sorted(self._known.items()) if given.record is not None]

    async def run(self, heard: Heard) -> None:
        """Read until cancelled; `heard` is told what comes after the first reading. Raises KafkaError."""
        consumer = aiokafka.AIOKafkaConsumer(
            *self._topics,
            **self._options,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            while True:
                if not self.ready.is_set() and await _past(consumer, ends):
                    self.ready.set()
                batches = await consumer.getmany(timeout_ms=200)
                news = [given for messages in batches.values() for one in messages if (given := self._take(one))]
                if news and self.ready.is_set():
                    heard(news)
        finally:
            await consumer.stop()

    def _take(self, message: Any) -> Given | None:
        kind = self._topics[message.topic]
        identity = (message.key or b"").decode("utf-8", "replace").removeprefix(f"{kind}:")
        try:
            record = unpack_record(TYPES[kind], message.value) if message.value else None
        except BadRecord as error:
            self.bad += 1
            LOG.warning("%s, offset %d is left out: %s", message.topic, message.offset, error)
            return None
        given = self._known[kind, identity] = Given(kind, identity, record, message.timestamp)
        return given


async def _past(consumer: Any, ends: dict[Any, int]) -> bool:
    for place, end in ends.items():
        if await consumer.position(place) < end:
            return False
    return True
