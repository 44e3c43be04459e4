"""One partition of one step: its state in memory, what it has read, what it has to send, and its checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agents.stream.worker.log import Checkpoint, Mark, Restored
from agents.stream.worker.outputs import Out
from pipeline.clock import Clock
from pipeline.state import Entry, Table, Tables

SLICES = 64
"""A checkpoint writes at least this part of the state anew, and otherwise half as much as has changed: so the log is
never longer than about three times the state."""


def exhaust(pauses: Iterable[None]) -> None:
    """Do all of something that has pauses at once."""
    for _ in pauses:
        pass


class Shard:
    """What both steps have in common. Whoever applies messages checks with `had` first, and says `read` afterwards."""

    def __init__(self, partition: int, clock: Clock, tables: Iterable[Table[Any]]) -> None:
        self.partition = partition
        self.clock = clock
        self.tables = Tables([*clock.tables, *tables])
        self.applied: dict[str, int] = {}
        self.outputs: list[Out] = []
        self.ahead = False
        """Something was applied that stands in no order with the rest of the input, such as a command. What follows
        from it may be sent only after a checkpoint says where it stood."""
        self.dirty = False
        self._mark: Mark | None = None
        self._epoch = 0
        self._base = self._keep = 1
        self._cycle: list[tuple[str, str]] = []
        self._cycle_start = 0
        self._fresh: set[tuple[str, str]] = set()
        """What was written since the cycle began, because it had changed: the cycle need not write it again."""

    # -- inputs ----------------------------------------------------------------------------------------------------

    def had(self, topic: str, offset: int) -> bool:
        """Whether a message is in the state already."""
        return offset <= self.applied.get(topic, -1)

    def finish(self) -> None:
        """Handle what is left of the message before, where a process ended in one of its pauses. It comes first."""

    def read(self, topic: str, offset: int) -> None:
        """A message is in the state now."""
        self.applied[topic] = offset
        self.dirty = True

    def take(self, now: int) -> list[Out]:
        """What has to be sent, once; `now` is the clock, in milliseconds."""
        del now
        taken, self.outputs = self.outputs, []
        return taken

    def export(self) -> None:
        """Send current records of what changed since the last checkpoint; to be called before one."""

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def checkpoint(self, generation: int) -> Checkpoint:
        """The next record of the log: what has changed since the one before it, and a part of the rest anew."""
        number = 1 if self._mark is None else self._mark.number + 1
        if not self._cycle:
            self._cycle, self._cycle_start = self.tables.keys()[::-1], number
            self._fresh.clear()
        changed = self.tables.drain()
        self._fresh.update([entry[:2] for entry in changed])
        entries = [*changed, *self._slice(changed)]
        if not self._cycle:
            self._keep, self._base = self._base, self._cycle_start
        mark = Mark(self._epoch, generation, number)
        record = Checkpoint(mark, self._mark, self._base, self._keep, dict(self.applied), entries)
        self._mark, self.dirty = mark, False
        return record

    def _slice(self, changed: list[Entry]) -> list[Entry]:
        """The next entries of the cycle: half as many as have changed, and at least a fixed part of all."""
        left = max(len(changed) // 2, len(self.tables) // SLICES + 1)
        out: list[Entry] = []
        while self._cycle and left:
            left -= 1
            name = self._cycle.pop()
            if name not in self._fresh:
                entry = self.tables.entry(*name)
                if entry.value is not None:  # one that is gone was in the changes then
                    out.append(entry)
        return out

    def restore(self, restored: Restored) -> None:
        """Go on where a log ends."""
        found = restored.checkpoint
        self.tables.restore(found.entries)
        self.applied = dict(found.applied)
        self.outputs += found.outbox
        self._mark, self._base, self._keep = found.mark, found.base, found.keep
        self._epoch = found.mark.epoch + 1
        self.resume()

    def resume(self) -> None:
        """What follows from the tables."""
        raise NotImplementedError

    def counters(self) -> Mapping[str, int]:
        """Exactly-once totals of the partition."""
        return self.clock.counters()
