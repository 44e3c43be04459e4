"""Which partition a key belongs to: murmur2, as Kafka's own clients have it, so that other languages find the same."""

from __future__ import annotations

from kafka.partitioner.default import murmur2  # type: ignore[import-untyped]


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among so many."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


class Partitioner:
    """The same for texts, with a memory: keys come again and again, and murmur2 in Python is slow."""

    def __init__(self, partitions: int, most: int = 200_000) -> None:
        self.partitions, self._most = partitions, most
        self._known: dict[str, int] = {}

    def __call__(self, key: str) -> int:
        """The partition of a key."""
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self._most:
                self._known.clear()
            found = self._known[key] = partition_of(key.encode("utf-8", "surrogatepass"), self.partitions)
        return found
