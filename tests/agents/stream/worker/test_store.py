"""What is known of the logs while partitions come, go and come back, as Faust says it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import faust
import pytest
from faust.types import TP

from agents.stream.worker.log import Checkpoint, Mark, pack
from agents.stream.worker.store import LogStore, LogTable
from pipeline.state import Entry

TOPIC = "state.things"


class Message(NamedTuple):
    """As much of one as is looked at."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


class Event(NamedTuple):
    """As Faust hands it over."""

    message: Message


def record(number: int) -> bytes:
    """A checkpoint that says little and builds on all before it."""
    previous = None if number == 1 else Mark(0, 1, number - 1)
    entry = Entry("things", f"key {number}", b"1")
    return pack(0, Checkpoint(Mark(0, 1, number), previous, 1, 1, {"in": number}, [entry]))[0].value


@pytest.fixture
def store() -> LogStore:
    async def nothing(_: set[int]) -> None: ...

    app = faust.App("test", store="memory://", autodiscover=False)
    return LogTable(app, "things", TOPIC, 4, nothing).logs


def read(store: LogStore, numbers: Iterable[int], topic: str = TOPIC) -> None:
    """Faust has read on: the message at offset N holds the record N + 1."""
    known = store.persisted_offset(TP(TOPIC, 0))
    assert known is not None
    messages: list[Any] = [
        Event(Message(topic, 0, n - 1, record(n))) for n in numbers if topic != TOPIC or n - 1 > known
    ]
    store.apply_changelog_batch(messages, bytes, bytes)


def entries(store: LogStore) -> int:
    """Of the state that a shard would be made of now."""
    log = store.release(0)
    restored = None if log is None else log.restore()
    return 0 if restored is None else len(restored.checkpoint.entries)


def test_what_others_go_on_with_is_read_anew_as_their_standby(store: LogStore) -> None:
    store.assigned({0}, set())
    read(store, range(1, 4))
    assert entries(store) == 3
    store.wrote(0, 3)
    store.assigned(set(), {0})
    read(store, range(1, 7))
    store.assigned({0}, set())
    read(store, range(1, 8))
    assert not store.holds_only_the_end(0)
    assert entries(store) == 7


def test_a_partition_that_comes_back_before_anybody_noticed_is_read_anew(store: LogStore) -> None:
    store.assigned({0}, set())
    read(store, range(1, 4))
    assert entries(store) == 3
    for active in (set[int](), {0}):
        store.assigned(active, set())
    read(store, range(1, 6))
    assert store.waiting(0)
    assert entries(store) == 5


def test_what_others_wrote_in_between_is_known_to_be_the_end_only(store: LogStore) -> None:
    store.assigned({0}, set())
    read(store, range(1, 4))
    assert entries(store) == 3
    store.assigned({0}, set())
    read(store, range(1, 6))
    assert store.waiting(0)
    assert store.holds_only_the_end(0)


def test_what_we_wrote_ourselves_is_not_read_again(store: LogStore) -> None:
    store.assigned({0}, set())
    read(store, range(1, 4))
    assert entries(store) == 3
    store.wrote(0, 3)
    store.assigned({0}, set())
    read(store, range(1, 5))
    assert not store.waiting(0)


def test_messages_of_another_table_are_none_of_ours(store: LogStore) -> None:
    store.assigned({0}, set())
    read(store, range(1, 4))
    read(store, range(4, 6), "state.others")
    assert entries(store) == 3
