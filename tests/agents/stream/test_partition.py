from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.stream.partition import Partitioner, partition_of


@pytest.mark.parametrize(
    ("key", "hashed"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)],
)
def test_the_hash_is_that_of_the_java_client(key: bytes, hashed: int) -> None:
    """The values are those of Kafka's own test of org.apache.kafka.common.utils.Utils.murmur2."""
    assert partition_of(key, 1 << 31) == hashed & 0x7FFFFFFF


@given(st.lists(st.text(max_size=8), max_size=50), st.integers(1, 64))
def test_a_memory_that_is_full_changes_nothing(keys: list[str], partitions: int) -> None:
    remembering = Partitioner(partitions, most=3)
    assert [remembering(key) for key in keys] == [
        partition_of(key.encode("utf-8", "surrogatepass"), partitions) for key in keys
    ]
