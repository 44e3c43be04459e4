"""How far time has come where events come from several partitions: as far as the slowest of them that still speaks."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.stages.fold import NEVER
from pipeline.state import Table
from schemas.base import Millis

RESTS = -1
"""Instead of the clock of the sender."""


class Upstreams:
    """What each upstream partition last told of itself: (newest event time, clock of the sender). Part of the state.

    One that is silent for longer than `idle`, by the clocks of the senders, no longer holds the others back; nor does
    one that rests, for it is read to its end.
    """

    def __init__(self, idle: int, expected: Iterable[str] = ()) -> None:
        self._idle = idle
        self._expected = tuple(expected)
        self.table: Table[list[int]] = Table("upstreams", lambda value: value, lambda _, value: value)

    def told(self, origin: str, high: Millis, sent: Millis, *, rests: bool = False) -> None:
        """Note what an upstream partition says of itself. It never goes back. One that speaks no longer rests."""
        if not len(self.table):
            for name in self._expected:  # those that never spoke have as long as those that fell silent
                self.table[name] = [0, sent]
        old_high, old_sent = self.table.get(origin) or (0, 0)
        self.table[origin] = [max(high, old_high), RESTS if rests else max(sent, old_sent)]

    @property
    def rests(self) -> bool:
        """Whether all that are known rest."""
        return bool(self.table.live) and all(sent == RESTS for _, sent in self.table.live.values())

    def least(self) -> Millis:
        """The time that all have reached; 0 before anything is known."""
        return min((high for high, _ in self._speaking()), default=0)

    def least_beside(self, origin: str) -> Millis:
        """The time that all but one have reached; later than any time where there is no other."""
        own = self.table.get(origin)
        return min((value[0] for value in self._speaking() if value is not own), default=NEVER)

    def _speaking(self) -> list[list[int]]:
        live = self.table.live.values()
        since = max((sent for _, sent in live), default=RESTS) - self._idle
        speaking = [value for value in live if value[1] >= since and value[1] != RESTS]
        return speaking or sorted(live)[-1:]  # where all rest, time is as far as the newest event
