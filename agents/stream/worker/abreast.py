"""What comes from several partitions, kept abreast: none is handled long before the others have come as far.

A worker that catches up reads partitions one after the other, hours of event time apart. Within minutes the order does
not matter to the steps; beyond that, what they remember for an hour would be gone or not there yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from pipeline.state import Table
from pipeline.upstream import Upstreams
from schemas.base import MINUTE, Millis

AHEAD = 20 * MINUTE
"""How much further than the slowest upstream partition that still speaks a pack may be, in event time."""


class Pack(Protocol):
    """See `agents.stream.wire.Events` and `Changes`."""

    @property
    def origin(self) -> str:
        """The upstream partition."""
        ...

    @property
    def high(self) -> Millis:
        """How far it is."""
        ...

    @property
    def sent(self) -> Millis:
        """The clock of the sender."""
        ...

    @property
    def rests(self) -> bool:
        """Whether it is read to its end."""
        ...


P = TypeVar("P", bound=Pack)


class Abreast(Generic[P]):
    """Lets packs through in the order of each origin, and holds those of an origin that is too far ahead.

    What is held is state, and so is how far each origin is known to be: `tables`. `pack` and `unpack` turn a pack into
    the bytes of a message and back.
    """

    def __init__(self, heard: Upstreams, pack: Callable[[P], bytes], unpack: Callable[[bytes], P]) -> None:
        self._heard = heard
        heard.table.name = "heard"
        self._held: Table[P] = Table("held", lambda one: pack(one).decode(), lambda _, text: unpack(text.encode()))
        self._queues: dict[str, deque[str]] = {}
        self._number = 0
        self.tables = (heard.table, self._held)

    def __len__(self) -> int:
        """Packs that are held."""
        return len(self._held)

    def through(self, pack: P) -> Iterator[P]:
        """A pack has come: those that may be handled now, in order."""
        yield from self.ready([pack])
        yield from self.left()

    def ready(self, packs: Iterable[P]) -> list[P]:
        """Packs have come at once, each of another origin: those of them for which nothing has to be handled first."""
        heard, packs = self._heard, list(packs)
        for one in packs:
            heard.told(one.origin, one.high, one.sent, rests=one.rests)
        most, ready = heard.least() + AHEAD, []
        for one in packs:
            if one.origin not in self._queues and one.high <= most:
                ready.append(one)
            else:
                self._hold(one)
        return ready

    def left(self) -> Iterator[P]:
        """Those that are held and may be handled now, in order.

        None before the next pack comes, but where whoever took the last ones stopped in between.
        """
        while self._queues:
            origin = min(self._queues, key=lambda one: (self._held.live[self._queues[one][0]].high, one))
            if self._held.live[self._queues[origin][0]].high > self._heard.least() + AHEAD:
                return
            yield self._release(origin)

    def _hold(self, pack: P) -> None:
        self._number += 1
        key = f"{self._number:016d}"
        self._held[key] = pack
        self._queues.setdefault(pack.origin, deque()).append(key)

    def _release(self, origin: str) -> P:
        queue = self._queues[origin]
        key = queue.popleft()
        if not queue:
            del self._queues[origin]
        pack = self._held.live[key]
        del self._held[key]
        return pack

    def resume(self) -> None:
        """After a restore of the tables: what follows from them."""
        self._queues.clear()
        for key in sorted(self._held):
            self._queues.setdefault(self._held.live[key].origin, deque()).append(key)
            self._number = int(key)
