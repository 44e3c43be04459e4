"""How far each lane is read and written. What has piled up goes on beside what is new, so that neither waits."""

from __future__ import annotations

from typing import NamedTuple

from agents.embedded.rows import PLACES, Cursor
from agents.embedded.store import Store
from agents.index.feed import DONE, NAME

PILE = 20_000
"""More inputs than this behind is a pile: it becomes a range of its own, read by turns with what is new."""
OPEN_END = (1 << 63) - 1
RANGES = 5
"""Ranges at most: what is new in three lanes, and what has piled up in two."""


class Range(NamedTuple):
    """A part of a lane that is read from `after` on, up to `upto`."""

    lane: str
    cursor: str
    after: int
    upto: int = OPEN_END


class Progress:
    """The ranges of one output, as they were read; what is written is kept in the store."""

    def __init__(self, store: Store, output: str, lanes: dict[str, int], *, again: bool = False) -> None:
        """`lanes` by their names, each with the end of it now; `again`: forget what has been read."""
        self._store = store
        self._name = f"{NAME} {output}"
        self._doubt = dict(lanes)
        self.ranges: dict[str, Range] = {}
        for lane in lanes:
            if again:
                self._forget(lane)
            self._load(lane)
        store.set_cursors(*map(_cursor, self.ranges.values()))

    def _load(self, lane: str) -> None:
        name = f"{self._name} {lane}"
        self.ranges[name] = Range(lane, name, self._store.cursor(name))
        pile = self._store.find_cursor(f"{name} pile")
        if pile is not None and pile.position != DONE:
            self.ranges[pile.name] = Range(lane, pile.name, pile.position, int(pile.mark))

    def _forget(self, lane: str) -> None:
        name = f"{self._name} {lane}"
        self._store.set_cursors(Cursor(name, 0, ""), Cursor(f"{name} pile", DONE, ""))

    def split(self, ends: dict[str, int]) -> list[Cursor]:
        """Where a lane has piled up, leave that to a range of its own and go on at its end.

        Returns the cursors to keep once all is written that was read before.
        """
        changed: list[Cursor] = []
        for lane, end in ends.items():
            name = f"{self._name} {lane}"
            live = self.ranges[name]
            apart = f"{name} pile"
            if lane != "changes" and apart not in self.ranges and _inputs(lane, end - live.after) > PILE:
                self.ranges[apart] = Range(lane, apart, live.after, end)
                self.ranges[name] = live._replace(after=end)
                changed += (_cursor(self.ranges[apart]), _cursor(self.ranges[name]))
        return changed

    def doubtful(self, one: Range) -> bool:
        """Whether what comes next in a range may have been written by an earlier run."""
        return one.lane != "changes" and one.after < self._doubt[one.lane]

    def read(self, one: Range, position: int) -> Cursor:
        """A range was read up to a position; the cursor to keep once that is written."""
        if position >= one.upto:
            del self.ranges[one.cursor]
            return Cursor(one.cursor, DONE)
        self.ranges[one.cursor] = now = one._replace(after=position)
        return _cursor(now)


def _cursor(one: Range) -> Cursor:
    return Cursor(one.cursor, one.after, str(one.upto) if one.upto != OPEN_END else "")


def _inputs(lane: str, distance: int) -> int:
    return distance // PLACES if lane == "history" else distance
