"""The checkpoint log as a Faust table: Faust reads it back after a crash, keeps standbys, moves it with its partition.

The table holds nothing while a partition is ours: its state is in memory, in a shard. What is read from the topic is
kept as it came, until a shard is made of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from faust.stores.memory import Store
from faust.types import TP, EventT
from faust.types.app import AppT
from faust.types.stores import StoreT

from agents.stream.worker.log import Log

Recovered = Callable[[set[int]], Awaitable[None]]
"""Told the partitions that are ours once their logs have been read."""


class LogStore(Store[bytes, bytes]):
    """The logs of all partitions that are recovered or kept in standby, and how far each has been read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.topic = ""
        """Of the logs; messages of other ones are left out."""
        self._logs: dict[int, Log] = {}
        self._read: dict[int, int] = {}
        self._released: set[int] = set()

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Take in messages that were read from the topic."""
        del to_key, to_value
        for event in batch:
            message = event.message
            # Faust hands what comes late of a partition that is no longer ours to any of its tables.
            if message.topic != self.topic or message.offset <= self._read.get(message.partition, -1):
                continue
            self._read[message.partition] = message.offset
            if message.value is not None:
                self._logs.setdefault(message.partition, Log()).add(message.value, message.offset)

    def persisted_offset(self, tp: TP) -> int | None:
        """How far the topic's partition is known here; before its beginning where it is not, whatever Faust recalls."""
        return self._read.get(tp.partition, -1)

    def assigned(self, active: Collection[int], standby: Collection[int]) -> None:
        """Partitions are dealt out anew. To be said before Faust asks how far they are known.

        What a shard held is known here only from then on, when it had been read: if others go on with it, that is too
        little, for us as their standby, or when it comes back.
        """
        for partition in self._read.keys() | self._released:
            if partition not in active and (partition in self._released or partition not in standby):
                self.forget(partition)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Nothing is thrown away: see `release` and `forget`."""

    def release(self, partition: int) -> Log | None:
        """What a partition's log says, or None for nothing; from now on it is held by a shard, and here no longer."""
        self._released.add(partition)
        return self._logs.pop(partition, None)

    def holds_only_the_end(self, partition: int) -> bool:
        """Whether what waits was written by others since a shard of ours held the log: it is not all of it."""
        return partition in self._released and partition in self._logs

    def waiting(self, partition: int) -> bool:
        """Whether messages of the partition were read that no shard knows of."""
        return partition in self._logs

    def wrote(self, partition: int, offset: int) -> None:
        """We wrote a message ourselves. Where somebody else wrote before it, all has to be read again some day."""
        if offset == self._read.get(partition, -1) + 1:
            self._read[partition] = offset

    def forget(self, partition: int) -> None:
        """The partition is another worker's now: should it come back, it is read from its beginning."""
        self._read.pop(partition, None)
        self._logs.pop(partition, None)
        self._released.discard(partition)


class LogTable(faust.Table[bytes, bytes]):
    """A table of which only recovery is used: nothing is ever written through it."""

    def __init__(self, app: AppT, name: str, topic: str, partitions: int, recovered: Recovered) -> None:
        super().__init__(
            app,
            name=name,
            partitions=partitions,
            changelog_topic=app.topic(
                topic, key_serializer="raw", value_serializer="raw", value_type=bytes, partitions=partitions
            ),
            schema=faust.Schema(key_serializer="raw", value_serializer="raw"),
        )
        self._recovered = recovered

    def _new_store(self) -> StoreT[Any, Any]:
        made = LogStore("memory://", self.app, self, table_name=self.name, loop=self.loop)
        made.topic = self.changelog_topic_name
        return made

    @property
    def logs(self) -> LogStore:
        """The store."""
        store = self.data
        assert isinstance(store, LogStore)
        return store

    async def on_rebalance(self, *told: Any, **more: Any) -> None:
        """As the parent does; the store is told first."""
        active, standby = self.app.assignor.assigned_actives(), self.app.assignor.assigned_standbys()
        topic = self.changelog_topic_name
        self.logs.assigned(
            {tp.partition for tp in active if tp.topic == topic}, {tp.partition for tp in standby if tp.topic == topic}
        )
        await super().on_rebalance(*told, **more)

    async def on_start(self) -> None:
        """As the parent does, but the topic is there: see `tocsin topics`."""
        await self.add_runtime_dependency(self.data)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Have shards made of what was read."""
        del standby_tps
        await self._recovered({tp.partition for tp in active_tps})


async def whole_log(options: dict[str, Any], topic: str, partition: int) -> Log:
    """A log as it is now, read from its beginning without Faust. Raises KafkaError, and ConfigError as `Log.add`."""
    log, place = Log(), TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for messages in (await consumer.getmany(place, timeout_ms=100)).values():
                for message in messages:
                    if message.value is not None:
                        log.add(message.value, message.offset)
    finally:
        await consumer.stop()
    return log
