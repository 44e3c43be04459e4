"""Where evidence is looked up: lists of spells in order of time, by what they share.

Linking each spell to its nearest neighbours in time inside a cell gives the same connected groups as comparing all
pairs, because two spells further apart than the window have no link and those between them chain the rest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

Place = tuple[int, str]
"""(time, key) of a node."""
LAST = "\uffff"


class Cells:
    """Sorted lists of places by cell name."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: dict[object, list[Place]] = {}

    def add(self, cell: object, place: Place) -> None:
        """Insert in order; times mostly rise, so this mostly appends."""
        places = self._cells.get(cell)
        if places is None:
            self._cells[cell] = [place]
        elif places[-1] < place:
            places.append(place)
        else:
            insort(places, place)

    def discard(self, cell: object, place: Place) -> None:
        """Remove if it is there."""
        places = self._cells.get(cell)
        if places is None:
            return
        index = bisect_left(places, place)
        if index < len(places) and places[index] == place:
            del places[index]
            if not places:
                del self._cells[cell]

    def before(self, cell: object, place: Place) -> Place | None:
        """The nearest one not after `place`, itself left out."""
        places = self._cells.get(cell)
        if not places:
            return None
        index = bisect_left(places, place) - 1
        return places[index] if index >= 0 else None

    def after(self, cell: object, place: Place) -> Place | None:
        """The nearest one after `place`."""
        places = self._cells.get(cell)
        if not places:
            return None
        index = bisect_right(places, place)
        return places[index] if index < len(places) else None

    def between(self, cell: object, since: int, until: int) -> list[Place]:
        """All with since <= time <= until."""
        places = self._cells.get(cell)
        if not places:
            return []
        return places[bisect_left(places, (since, "")) : bisect_right(places, (until, LAST))]

    def neighbours(self, cell: object, place: Place, window: int) -> Iterator[Place]:
        """The nearest before and the nearest after, as far as they are inside the window."""
        near = self.before(cell, place)
        if near is not None and place[0] - near[0] <= window:
            yield near
        near = self.after(cell, place)
        if near is not None and near[0] - place[0] <= window:
            yield near
