"""Shards that begin where a log ends, as after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from agents.stream.worker.log import Log, pack
from agents.stream.worker.shard import Shard

S = TypeVar("S", bound=Shard)


def checkpoint(shard: Shard) -> list[bytes]:
    """The messages of its next checkpoint."""
    return [message.value for message in pack(shard.partition, shard.checkpoint(1))]


def reborn(fresh: S, written: Iterable[bytes]) -> S:
    """A shard that has had nothing yet, with the state that a log holds."""
    log = Log()
    for offset, value in enumerate(written):
        log.add(value, offset)
    restored = log.restore()
    assert restored is not None
    fresh.restore(restored)
    return fresh
