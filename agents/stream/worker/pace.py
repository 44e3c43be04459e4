"""When checkpoints are due: as often as asked for, and less often while that would take time that the work needs.

Whether it would is judged here as well.
"""

from __future__ import annotations

SHARE = 0.02
"""Of a busy worker's time for checkpoints."""
BUSY = 0.75
"""Of a CPU; who uses more has all to do that it can. 2,000 events a second are half of a slow one, and what follows
from them should not wait for larger packs."""
FEW = 100
"""Messages that may wait at any time."""
LONGEST = 4
"""But no checkpoint waits longer than so many times what was asked for."""


class Pace:
    """Shared by all partitions of a worker. Times are in seconds, of any clock that only goes on.

    What a checkpoint costs depends on what has changed: a worker that catches up on hours within seconds would spend as
    much on checkpoints as on the work. It has a share of its time for them then, and what it has to read again after a
    crash grows, up to a bound.
    """

    def __init__(self, now: float) -> None:
        self.busy = False
        """Whether there is more to do than the worker can."""
        self._left = 0.0
        """What may still be spent, less what was spent too much."""
        self._since = now

    def judge(self, used: float, handled: int, waiting: int) -> None:
        """Say what part of a CPU was used lately, how many messages were handled meanwhile, and how many wait now.

        Where as many wait as were handled we do not keep up, whoever has the CPU.
        """
        self.busy = used > BUSY or waiting > max(handled, FEW)

    def due(self, now: float, last: float, every: float) -> bool:
        """Whether a partition is to write a checkpoint, `every` so many seconds; its last one was at `last`."""
        waited = now - last
        if waited < every:
            return False
        if not self.busy or waited >= LONGEST * every:
            return True
        self._left = min(self._left + (now - self._since) * SHARE, SHARE * every)
        self._since = now
        return self._left > 0

    def spent(self, seconds: float) -> None:
        """A checkpoint has taken so long."""
        self._left -= seconds
