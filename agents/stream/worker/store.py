"""The checkpoint log as a Faust table: Faust reads it back after a crash, keeps standbys, moves it with its partition.

The table holds nothing while a partition is ours: its state is in memory, in a shard. What is read from the topic is
kept as it came, until a shard is made of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import faust
from faust.stores.memory import Store
from faust.types import TP, EventT
from faust.types.app import AppT
from faust.types.stores import StoreT

from agents.stream.worker.log import Log, Restored

Recovered = Callable[[set[int]], Awaitable[None]]
"""Told the partitions that are ours once their logs have been read."""


class LogStore(Store[bytes, bytes]):
    """The logs of all partitions that are recovered or kept in standby, and how far each has been read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._logs: dict[int, Log] = {}
        self._read: dict[int, int] = {}

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Take in messages that were read from the topic."""
        del to_key, to_value
        for event in batch:
            message = event.message
            if message.offset <= self._read.get(message.partition, -1):
                continue
            self._read[message.partition] = message.offset
            if message.value is not None:
                self._logs.setdefault(message.partition, Log()).add(message.value, message.offset)

    def persisted_offset(self, tp: TP) -> int | None:
        """How far the topic's partition is known here; None where it has to be read from its beginning."""
        return self._read.get(tp.partition)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Nothing is thrown away: see `release` and `forget`."""

    def release(self, partition: int) -> Restored | None:
        """What a partition's log says; from now on it is held by a shard, and here no longer."""
        log = self._logs.pop(partition, None)
        return None if log is None else log.restore()

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
        return LogStore("memory://", self.app, self, table_name=self.name, loop=self.loop)

    @property
    def logs(self) -> LogStore:
        """The store."""
        store = self.data
        assert isinstance(store, LogStore)
        return store

    async def on_start(self) -> None:
        """As the parent does, but the topic is there: see `tocsin topics`."""
        await self.add_runtime_dependency(self.data)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Have shards made of what was read."""
        del standby_tps
        await self._recovered({tp.partition for tp in active_tps})
