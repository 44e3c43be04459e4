"""Records of raw topics, unpacked by compiled code: the same as kafka-python's own, from wherever and however read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import crc32c
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher, IsolationLevel  # type: ignore[import-untyped]
from kafka.errors import CorruptRecordError  # type: ignore[import-untyped]
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from agents.stream.records import CompiledRecords

PLACE = TopicPartition("raw.native", 0)
CHECKSUM, ATTRIBUTES, LAST = 17, 21, 23
"""Where in a batch these begin."""
CONTROL = 0x20
"""The bit of a marker in the attributes."""
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]
Found = tuple[list[tuple[Any, ...]], list[int]]
"""Records, and where reading goes on after each look."""


class Batch(NamedTuple):
    """What a producer sends at once. Compaction took as many records after it as there are `holes`."""

    records: Sequence[Record]
    codec: int = 0
    producer: int = -1
    marker: str = ""
    holes: int = 0


class Aborted(NamedTuple):
    """What brokers say of a transaction that was given up."""

    producer_id: int
    first_offset: int


values = st.none() | st.binary(max_size=5)
records = st.lists(
    st.tuples(values, values, st.lists(st.tuples(st.text(max_size=5), values), max_size=2)), min_size=1, max_size=6
)
producers = st.sampled_from([7, 8])
sent = st.builds(
    Batch, records, st.sampled_from([0, 1]), st.just(-1) | producers, marker=st.just(""), holes=st.integers(0, 2)
)
markers = st.builds(
    Batch, st.just([]), st.just(0), producers, marker=st.sampled_from(["abort", "commit"]), holes=st.just(0)
)


def written(batches: Iterable[Batch]) -> bytes:
    """The batches as a broker has them."""
    data, offset = b"", 0
    for batch in batches:
        last = max(len(batch.records), 1) - 1 + batch.holes
        one = packed(batch)
        one = struct.pack(">q", offset) + one[8:LAST] + struct.pack(">i", last) + one[LAST + 4 :]
        data += sealed(one)
        offset += last + 1
    return data


def packed(batch: Batch) -> bytes:
    """A batch as a producer makes it; a marker as a broker does."""
    sequence = 0 if batch.producer >= 0 else -1
    made = MemoryRecordsBuilder(2, batch.codec, 1 << 20, 0, batch.producer >= 0, batch.producer, 0, sequence)
    marks: list[Record] = [(struct.pack(">hh", 0, batch.marker == "commit"), b"\0" * 6, [])] if batch.marker else []
    for at, (key, value, headers) in enumerate([*batch.records, *marks]):
        made.append(1000 + at, key, value, headers)
    made.close()
    data = bytearray(made.buffer())
    if batch.marker:
        data[ATTRIBUTES + 1] |= CONTROL
    return bytes(data)


def sealed(batch: bytes) -> bytes:
    """With the checksum of what it holds."""
    return batch[:CHECKSUM] + struct.pack(">I", crc32c.crc32c(batch[ATTRIBUTES:])) + batch[ATTRIBUTES:]


def read(kind: Any, data: bytes, start: int = 0, most: int = 100, aborted: Sequence[Aborted] = ()) -> Found:
    """All from an offset on, some at a time."""
    isolation = IsolationLevel.READ_COMMITTED
    made = kind(start, PLACE, MemoryRecords(data), isolation_level=isolation, aborted_transactions=aborted)
    found: list[tuple[Any, ...]] = []
    places = []
    while made:
        found += [(one.offset, one.timestamp, one.key, one.value, list(one.headers)) for one in made.take(most)]
        places.append(made.next_fetch_offset)
    return found, [*places, made.leader_epoch]


@given(
    st.lists(sent | markers, max_size=6),
    st.integers(0, 12),
    st.integers(1, 4),
    st.lists(st.builds(Aborted, producers, st.integers(0, 20)), max_size=2),
)
def test_what_is_read_is_the_same_as_kafka_python_reads(
    batches: list[Batch], start: int, most: int, aborted: list[Aborted]
) -> None:
    data = written(batches)
    assert read(CompiledRecords, data, start, most, aborted) == read(
        Fetcher.PartitionRecords, data, start, most, aborted
    )


@pytest.mark.parametrize("magic", [0, 1])
def test_what_is_in_a_topic_since_before_kafka_0_11_is_read(magic: int) -> None:
    made = MemoryRecordsBuilder(magic, 0, 1 << 20)
    for at in range(3):
        made.append(1000 + at, b"k", b"%d" % at)
    made.close()
    found, places = read(CompiledRecords, bytes(made.buffer()), start=1)
    assert (found, places) == read(Fetcher.PartitionRecords, bytes(made.buffer()), start=1)
    assert [value for _, _, _, value, _ in found] == [b"1", b"2"]


@pytest.mark.parametrize("codec", CODECS)
def test_whatever_a_producer_compresses_with_is_read(codec: str) -> None:
    made = DefaultRecordBatchBuilder(2, CODECS[codec], 0, -1, -1, -1, 1 << 20)
    for at in range(50):
        made.append(at, 1000, None, b"%d" % at * 20, [("origin", None)])
    found, places = read(CompiledRecords, bytes(made.build()), most=20)
    assert found == [(at, 1000, None, b"%d" % at * 20, [("origin", None)]) for at in range(50)]
    assert places[:-1] == [20, 40, 50]


def test_a_batch_that_is_not_what_its_checksum_says_is_an_error_after_all_before_it() -> None:
    whole, broken = written([Batch([(None, b"a", [])])]), bytearray(written([Batch([(None, b"b", [])])]))
    broken[-3] ^= 1
    made = CompiledRecords(0, PLACE, MemoryRecords(whole + bytes(broken)))
    assert [one.value for one in made.take(5)] == [b"a"]
    with pytest.raises(CorruptRecordError, match="checksum"):
        made.take(5)


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_that_holds_something_else_than_its_head_says_is_an_error(codec: str) -> None:
    broken = bytearray(packed(Batch([(None, b"b", [])])))[: LAST + 38] + b"\xff" * 40
    broken[8:12] = struct.pack(">i", len(broken) - 12)
    broken[ATTRIBUTES + 1] |= CODECS[codec]
    with pytest.raises(CorruptRecordError):
        read(CompiledRecords, sealed(bytes(broken)))
