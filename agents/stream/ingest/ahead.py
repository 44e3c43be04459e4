"""Which partitions an ingest leaves alone for a while, so that it is about as far in all of them.

One that catches up on days would else be through with partitions in which little happened before it has read some hours
of the others. The alert step keeps what is ahead until the others have come as far, and has nothing to do meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable

from agents.stream.clients import Partition
from schemas.base import HOUR, SECOND, Millis

AHEAD = 6 * HOUR
"""How much further than the slowest of them a partition may be, by the times of its messages. Who waits is not
fetched, and few partitions are fetched slowly: with an hour the hop did nothing for a quarter of the time."""
BEHIND = 1000
"""Nobody waits for a partition of which fewer messages are left to read: in ordinary life for none."""
STALLED = 5 * SECOND
"""Nor for one of which nothing was read for so long: its broker may be away."""
MOST = 10 * SECOND
"""Whoever has waited so long is read again, whatever the others do: times may be wrong by years."""


class Ahead:
    """How far partitions are. `left` says how many messages of one are there to be read, None where that isn't known.

    What is read in the order of its partition counts by the newest time so far, and never as later than our clock.
    """

    def __init__(self, left: Callable[[Partition], int | None]) -> None:
        self._left = left
        self._times: dict[Partition, Millis] = {}
        self._read: dict[Partition, Millis] = {}
        """When something was last read of it, by our clock."""

    def read(self, partition: Partition, time: Millis, now: Millis) -> None:
        """Messages of a partition were read up to one of that time."""
        self._times[partition] = max(self._times.get(partition, 0), min(time, now))
        self._read[partition] = now

    def forget(self) -> None:
        """Partitions have come or gone, or are read again."""
        self._times.clear()
        self._read.clear()

    def waiting(self, now: Millis) -> set[Partition]:
        """Those that are to wait for others."""
        slowest = self._slowest(now)
        if slowest is None:
            return set()
        limit = self._times[slowest] + AHEAD
        since = now - MOST
        return {
            one for one, time in self._times.items() if time > limit and self._read[one] > since and self._left(one)
        }

    def _slowest(self, now: Millis) -> Partition | None:
        """The one that others wait for. It is forgotten until it is read again where nobody need wait."""
        while self._times:
            slowest = min(self._times, key=self._times.__getitem__)
            if (self._left(slowest) or 0) >= BEHIND and now - self._read[slowest] < STALLED:
                return slowest
            del self._times[slowest], self._read[slowest]
        return None
