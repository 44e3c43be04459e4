"""Which partition a key belongs to: murmur2, as Kafka's own clients have it, so that other languages find the same."""

from __future__ import annotations

from kafka.partitioner.default import murmur2  # type: ignore[import-untyped]


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among so many."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


class Partitioner(dict[str, int]):
    """The partition of every text there is, of which so many are kept: they come again, and murmur2 in Python is slow.

    It is asked as a mapping because that costs a third of a call.
    """

    def __init__(self, partitions: int, most: int = 200_000) -> None:
        super().__init__()
        self.partitions, self._most = partitions, most

    def __missing__(self, key: str) -> int:
        """The partition of a key that is not kept."""
        if len(self) >= self._most:
            self.clear()
        found = self[key] = partition_of(key.encode("utf-8", "surrogatepass"), self.partitions)
        return found
