"""The history is the outbox: what is to be told stands there in order, and a cursor says what was told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from agents.embedded.rows import Cursor, Dead, Place, as_number, as_place
from agents.embedded.store import Store


class Ticket(NamedTuple):
    """One thing to tell: a version of an incident or a notice.

    `again` is how often the incident was told before. No other ticket has the same `mark`.
    """

    place: Place
    value: bytes
    reason: str
    again: int = 0

    @property
    def mark(self) -> str:
        """What tells it from all others."""
        return f"{self.place.seq} {self.place.n} {self.again}"


class Outbox(Protocol):
    """What one output has yet to tell."""

    name: str

    def next(self, most: int) -> list[Ticket]:
        """What is to be told now, in order."""
        ...

    def done(self, tickets: Sequence[Ticket], *with_it: Cursor) -> None:
        """These were told, in order; what else is to be kept is kept in the same transaction."""
        ...

    def give_up(self, ticket: Ticket, letter: Dead) -> None:
        """It can't be told: it becomes a dead letter."""
        ...

    def pending(self) -> int:
        """How much is to be told now."""
        ...

    def delay(self) -> float | None:
        """Seconds until there is more to tell even if nothing changes; None where there will not be."""
        ...


class EachVersion:
    """Every version of every incident, or all of another kind in the history.

    A new output begins with what happens after it was first configured.
    """

    def __init__(self, store: Store, name: str, kind: str = "incident", reason: str = "version") -> None:
        self.name = name
        self._kind, self._reason = kind, reason
        self._store = store
        self._told = self._looked = begin(store, name)

    def next(self, most: int) -> list[Ticket]:
        """See `Outbox.next`."""
        end = self._store.read.history_end()
        found = self._store.read.versions(self._looked, most, self._kind)
        if not found:
            self._looked = end  # transitions are passed over once
        return [Ticket(place, value, self._reason) for place, value in found]

    def done(self, tickets: Sequence[Ticket], *with_it: Cursor) -> None:
        """See `Outbox.done`."""
        self._told = self._looked = tickets[-1].place
        self._store.set_cursors(Cursor(self.name, as_number(self._told)), *with_it)

    def give_up(self, ticket: Ticket, letter: Dead) -> None:
        """See `Outbox.give_up`."""
        self._store.bury(letter, Cursor(self.name, as_number(ticket.place)))
        self._told = self._looked = ticket.place

    def pending(self) -> int:
        """See `Outbox.pending`."""
        return self._store.read.count_versions(self._told, self._kind)

    def delay(self) -> float | None:
        """See `Outbox.delay`."""
        return 0 if self.pending() else None


def begin(store: Store, name: str) -> Place:
    """How far an output has come; the end of the history for one that was not there before."""
    found = store.find_cursor(name)
    if found is None:
        found = Cursor(name, as_number(store.read.history_end()))
        store.set_cursors(found)
    return as_place(found.position)


async def wait(changed: asyncio.Event, delay: float | None) -> None:
    """Wait for a change, or until there is something to tell anyway."""
    if delay == 0:
        return
    try:
        async with asyncio.timeout(delay):
            await changed.wait()
    except TimeoutError:
        return
    changed.clear()
