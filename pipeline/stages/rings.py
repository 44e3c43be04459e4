"""Counts by key of the intervals that are still open, each key with one small ring of numbers for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from pipeline.state import Entry, Table
from schemas.base import exact

SEP = "\x1f"

Counts = dict[str, dict[str, int]]
"""Tenant, what and by (joined) to key to how many."""


class Ring:
    """The open intervals of one length. A cell is found once and then counted in: nothing else is done for an event.

    `most` is the number of cells; what is beyond is counted under the key "".
    """

    def __init__(self, length: int, lateness: int, most: int) -> None:
        self.length, self._most = length, most
        self._size = lateness // length + 3
        self._cells: dict[tuple[str, str], list[int]] = {}
        self.singles: dict[int, dict[str, str]] = {}
        """Begin to incidents, which are counted one by one, for they may go: id to tenant, kind and item (joined)."""

    def start(self, time: int) -> int:
        """Begin of the interval that a time is in."""
        return time - time % self.length

    def slot(self, time: int) -> int:
        """Where in a cell the interval is that a time is in."""
        return time // self.length % self._size

    def cell(self, head: str, key: str) -> list[int]:
        """The cell of a key."""
        if len(self._cells) >= self._most and (head, key) not in self._cells:
            key = ""
        cell = self._cells.get((head, key))
        if cell is None:
            cell = self._cells[head, key] = [0] * self._size
        return cell

    def read(self, start: int) -> Counts:
        """The counts of an interval; what was taken off as often as it was counted is not among them."""
        slot = self.slot(start)
        found: Counts = {}
        for (head, key), cell in self._cells.items():
            if cell[slot] > 0:
                found.setdefault(head, {})[key] = cell[slot]
        for name in self.singles.get(start, {}).values():
            tenant, kind, item = name.split(SEP)
            for by, key in (("kind", kind), ("item", item)):
                some = found.setdefault(SEP.join((tenant, "incidents", by)), {})
                some[key] = some.get(key, 0) + 1
        return found

    def take(self, start: int) -> Counts:
        """The counts of an interval that is over; its place is then free."""
        found, slot = self.read(start), self.slot(start)
        for cell in self._cells.values():
            cell[slot] = 0
        self.singles.pop(start, None)
        return found

    def crowded(self) -> bool:
        """Whether there is little room for other keys; then those without a count are let go: ask for cells anew."""
        if 2 * len(self._cells) < self._most:
            return False
        self._cells = {name: cell for name, cell in self._cells.items() if any(cell)}
        return True

    def dump(self, start: int) -> list[Any]:
        """JSON-able state of one interval."""
        slot = self.slot(start)
        cells = [[head, key, cell[slot]] for (head, key), cell in self._cells.items() if cell[slot]]
        return [start, sorted(cells), self.singles.get(start, {})]

    def load(self, state: list[Any]) -> None:
        """Inverse of `dump`."""
        start, cells, singles = state
        for head, key, count in cells:
            self._cells.setdefault((head, key), [0] * self._size)[self.slot(start)] = count
        if singles:
            self.singles[start] = singles


class Intervals(Table[int]):
    """The begins of open intervals by length and begin. What they hold is read when the table is drained."""

    __slots__ = ("_drained", "_rings")

    def __init__(self, name: str, *rings: Ring) -> None:
        super().__init__(name, lambda value: value, lambda _, value: value)
        self._rings = {str(ring.length): ring for ring in rings}
        self._drained: dict[str, bytes] = {}

    @staticmethod
    def key(ring: Ring, start: int) -> str:
        """Key of one interval."""
        return f"{ring.length}+{start:015d}"

    def entry(self, key: str) -> Entry:
        """One entry as it is now; without a value where there is none."""
        start = self.live.get(key)
        if start is None:
            return Entry(self.name, key, None)
        ring = self._rings[key.partition("+")[0]]
        return Entry(self.name, key, exact(orjson.dumps(ring.dump(start), None, orjson.OPT_SORT_KEYS)))

    def drain(self) -> Iterator[Entry]:
        """What is not as it was at the last drain."""
        self._changed.clear()
        for key in sorted(self._drained.keys() | self.live.keys()):
            entry = self.entry(key)
            if entry.value is None:
                del self._drained[key]
            elif entry.value == self._drained.get(key):
                continue
            else:
                self._drained[key] = entry.value
            yield entry

    def restore(self, key: str, value: bytes) -> None:
        """Put back one entry of a checkpoint. That of a length that is counted no more is left out."""
        ring = self._rings.get(key.partition("+")[0])
        self._drained[key] = value
        if ring is not None:
            state = orjson.loads(value)
            self.live[key] = state[0]
            ring.load(state)
