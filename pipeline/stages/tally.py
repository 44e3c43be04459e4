"""Tally: how many events came, alerts began and incidents opened, by interval of event time.

An arrival is counted in the interval that its own time is in, for as long as the watermark has not passed the end of
it: so any order of arrival inside the lateness gives the same counts. What turns out never to have been is taken off
again. Sources are counted by the interval that is set, and all else, which is many and speaks seldom, by the hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from models.kinds import classify
from pipeline.stages.enrich import Inventory
from pipeline.stages.node import OURS, About
from pipeline.stages.rings import SEP, Counts, Intervals, Ring
from schemas.base import DAY, HOUR
from schemas.event import Event
from schemas.incident import Incident, IncidentStatus

Cells = tuple[list[int], list[int], list[int]]
"""Of source, kind and item."""
NEVER = 1 << 62
_REMEMBERED = 1 << 16
"""Alerts of which it is remembered where their events are counted."""
_GONE = (IncidentStatus.MERGED, IncidentStatus.WITHDRAWN)


class Counted(NamedTuple):
    """One interval that is final: tenant, what and by (joined) to key to count."""

    start: int
    length: int
    counts: Counts


class Tally:
    """The open intervals, of both lengths. `most` is the number of different keys that are counted in either."""

    def __init__(self, inventory: Inventory, length: int, lateness: int, most: int) -> None:
        self._sources, self._hours = Ring(length, lateness, most), Ring(HOUR, lateness, most)
        self.intervals = Intervals("tally", self._sources, self._hours)
        self.due = 0
        """The watermark at which the next interval is final."""
        self._length, self._inventory = length, inventory
        self._known: dict[str, tuple[str, list[int], list[int], list[int]]] = {}
        """Fingerprint to source, and the cells of source, kind and item that its events are counted in."""
        self._begun: dict[tuple[str, str, str, str], Cells] = {}
        """The same of alerts, by tenant, source, kind and item."""
        self._open: dict[int, tuple[int, int]] = {}
        """Begins of intervals that something was counted in since others became final, and where they are in cells."""
        self._from = self._until = self._slot = self._hour = 0
        """The interval that the last arrival was counted in, and where that is in a cell."""

    # -- what is counted -------------------------------------------------------------------------------------------

    def event(self, event: Event, time: int) -> None:
        """One event, at its time by our clock. All of one alert and source are taken to be about the same."""
        if not self._from <= time < self._until and not self._turn(time):
            return
        known = self._known.get(event.fingerprint)
        if known is None or known[0] != event.source:
            known = self._bind(event)
        hour = self._hour
        known[1][self._slot] += 1
        known[2][hour] += 1
        known[3][hour] += 1

    def alert(self, about: About, start: int, by: int) -> None:
        """A spell began (`by` 1), or turns out never to have begun (-1). What we say ourselves is not counted."""
        if about.source in OURS or (not self._from <= start < self._until and not self._turn(start)):
            return
        name = (about.tenant, about.source, about.kind, about.item or about.resource)
        cells = self._begun.get(name)
        if cells is None:
            cells = self._begun[name] = self._cells("alerts", *name)
        cells[0][self._slot] += by
        cells[1][self._hour] += by
        cells[2][self._hour] += by

    def incident(self, incident: Incident) -> None:
        """A version of an incident: it may say that it is none, or what it is really about."""
        time = incident.opened
        if not self._from <= time < self._until and not self._turn(time):
            return
        opened = self._hours.singles.setdefault(self._hours.start(time), {})
        if incident.status in _GONE:
            opened.pop(incident.id, None)
        else:
            root = incident.candidates[0] if incident.candidates else None
            kind = classify(root.check if root is not None and root.check else incident.title)
            opened[incident.id] = _joined(incident.tenant, kind, root.item if root is not None else "")

    def forget(self) -> None:
        """The items have changed: what events are about is to be found out anew."""
        self._known.clear()
        self._begun.clear()

    def _turn(self, time: int) -> bool:
        """Take up the intervals that a time is in. False where the shorter one is final already."""
        start = time - time % self._length
        known = self._open.get(start)
        if known is None:
            if start + self._length <= self.due - self._length:
                return False
            known = self._open[start] = self._sources.slot(time), self._hours.slot(time)
            for ring in (self._sources, self._hours):
                begin = ring.start(time)
                self.intervals[self.intervals.key(ring, begin)] = begin
        self._from, self._until = start, start + self._length
        self._slot, self._hour = known
        return True

    def _bind(self, event: Event) -> tuple[str, list[int], list[int], list[int]]:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        item = self._inventory.find(event.tenant, event.resource, event.component, event.labels) or event.resource
        cells = self._cells("events", event.tenant, event.source, classify(event.check), item)
        known = self._known[event.fingerprint] = (event.source, *cells)
        return known

    def _cells(self, what: str, tenant: str, source: str, kind: str, item: str) -> Cells:
        return (
            self._sources.cell(_joined(tenant, what, "source"), source),
            self._hours.cell(_joined(tenant, what, "kind"), kind),
            self._hours.cell(_joined(tenant, what, "item"), item),
        )

    # -- time ------------------------------------------------------------------------------------------------------

    def final(self, watermark: int) -> Iterator[Counted]:
        """The intervals that have become final, by their ends; those without anything no further back than a day."""
        length, begin = self._length, self.due
        self.due = (watermark // length + 1) * length
        self._from = self._until = 0
        self._open.clear()
        if begin == 0:
            return
        first = max(begin, (watermark - DAY) // length * length)
        ends = set(range(first, watermark + 1, length))
        for key, start in self.intervals.live.items():
            ends.add(start + int(key.partition("+")[0]))
        for end in sorted(end for end in ends if end <= watermark):
            yield self._take(self._sources, end - length)
            if end % HOUR == 0:
                yield self._take(self._hours, end - HOUR)
        if self._sources.crowded() | self._hours.crowded():
            self.forget()

    def _take(self, ring: Ring, start: int) -> Counted:
        key = self.intervals.key(ring, start)
        if key not in self.intervals:
            return Counted(start, ring.length, {})
        del self.intervals[key]
        found = ring.take(start)
        if ring is self._hours:
            self._add_services(found)
        return Counted(start, ring.length, found)

    def _add_services(self, found: Counts) -> None:
        """What an item has, the services that depend on it have too."""
        known, services = self._inventory.items, self._inventory.services
        for head in [head for head in found if head.endswith(f"{SEP}item")]:
            by_service: dict[str, int] = {}
            for item, count in found[head].items():
                for service in services(item) if item in known else ():
                    by_service[service] = by_service.get(service, 0) + count
            if by_service:
                found[f"{head.removesuffix('item')}service"] = by_service

    def resume(self, watermark: int) -> None:
        """After a restore of the table."""
        self.due = (watermark // self._length + 1) * self._length if watermark >= 0 else 0


def _joined(*names: str) -> str:
    """Names as one, which can be taken apart again whatever they hold."""
    return SEP.join([name.replace(SEP, " ") for name in names])
