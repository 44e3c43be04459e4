"""When checkpoints are due, and when what follows is sent: less often while that would take time that the work needs.

Whether it would is judged here as well.
"""

from __future__ import annotations

from typing import NamedTuple

SHARE = 0.02
"""Of a busy worker's time for checkpoints."""
BUSY = 0.75
"""Of a CPU; who uses more has all to do that it can. 2,000 events a second are half of a slow one, and what follows
from them should not wait for larger packs."""
FEW = 20
"""Messages that may wait at any time."""
TOGETHER = 0.5
"""Seconds for which a busy worker keeps what it has to send: larger packs cost less an event."""
LONGEST = 4
"""But no checkpoint waits for more work than fits into so many times what was asked for."""


class Moment(NamedTuple):
    """Seconds of a clock that only goes on, and of the CPU that the worker has used."""

    clock: float
    cpu: float


class Pace:
    """Shared by all partitions of a worker. Times are in seconds.

    What a checkpoint costs depends on what has changed: a worker that catches up on hours within seconds would spend as
    much on checkpoints as on the work. It has a share of its time for them then, and what it has to do again after a
    crash grows, up to a bound. That is time of the CPU: where others have it, there is as little more to do again.
    """

    def __init__(self, now: Moment) -> None:
        self.busy = False
        """Whether there is more to do than the worker can."""
        self._left = 0.0
        """What may still be spent, less what was spent too much."""
        self._since = now.cpu
        self._sent = now.clock
        self._handled = 0

    def judge(self, cpu: float, used: float, handled: int, waiting: int) -> None:
        """Say what part of a CPU was used lately, how many messages were handled meanwhile, and how many wait now.

        Where as many wait as were handled we do not keep up, whoever has the CPU. `cpu` is as of `Moment`: a share of
        what is used from now on is for checkpoints, and of what was used before we were busy none.
        """
        was, self.busy = self.busy, used > BUSY or waiting > max(handled, FEW)
        if self.busy and not was:
            self._left, self._since = 0.0, cpu

    def sends(self, clock: float, handled: int) -> bool:
        """Whether to send now what there is, when `handled` messages have been handled ever.

        Always, unless we are busy. Then it waits, as long as there is something to do: when nothing was handled since
        this was asked last, others may be waiting for what we have.
        """
        rests, self._handled = handled == self._handled, handled
        if self.busy and not rests and clock - self._sent < TOGETHER:
            return False
        self._sent = clock
        return True

    def due(self, now: Moment, last: Moment, every: float) -> bool:
        """Whether a partition is to write a checkpoint, `every` so many seconds; its last one was at `last`."""
        if now.clock - last.clock < every:
            return False
        if not self.busy or now.cpu - last.cpu >= LONGEST * every:
            return True
        self._left = min(self._left + (now.cpu - self._since) * SHARE, SHARE * every)
        self._since = now.cpu
        return self._left > 0

    def spent(self, seconds: float) -> None:
        """A checkpoint has taken so long."""
        self._left -= seconds
