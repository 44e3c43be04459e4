"""The history is the outbox: what is to be told stands there in order, and a cursor says what was told."""

from __future__ import annotations

from agents.embedded.rows import Cursor, Dead, Place, as_number, as_place
from agents.embedded.store import Store


class Outbox:
    """What one output has yet to tell. A new output begins with what happens after it was first configured."""

    def __init__(self, store: Store, name: str) -> None:
        self.name = name
        self._store = store
        found = store.find_cursor(name)
        if found is None:
            found = Cursor(name, as_number(store.read.history_end()))
            store.set_cursors(found)
        self._told = self._looked = as_place(found.position)

    def next(self, most: int) -> list[tuple[Place, bytes]]:
        """The next versions of incidents, in order, each with its place."""
        end = self._store.read.history_end()
        found = self._store.read.versions(self._looked, most)
        if not found:
            self._looked = end  # transitions are passed over once
        return found

    def done(self, place: Place, *with_it: Cursor) -> None:
        """Everything up to a place was told; what else is to be kept in the same transaction."""
        self._store.set_cursors(Cursor(self.name, as_number(place)), *with_it)
        self._told = self._looked = place

    def give_up(self, place: Place, letter: Dead) -> None:
        """What stands at a place can't be told: it becomes a dead letter."""
        self._store.bury(letter, Cursor(self.name, as_number(place)))
        self._told = self._looked = place

    def pending(self) -> int:
        """How many versions are yet to be told."""
        return self._store.read.count_versions(self._told)
