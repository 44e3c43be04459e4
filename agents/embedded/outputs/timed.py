"""An outbox that gathers the changes of an incident before it tells them; see `pipeline.practices.notify`.

What it knows of an incident (since when it fires, what was told of it and when) is in the store, and changes in one
transaction with its place in the history: after a crash nothing is forgotten, and the waiting goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from agents.embedded.live import Clock
from agents.embedded.outputs.outbox import Ticket, begin
from agents.embedded.rows import Cursor, Dead, Place, as_number
from agents.embedded.store import Store
from pipeline.practices.notify import Decision, NotifyTiming, Told, decide, firing
from schemas.incident import Incident

TOGETHER = 500


class Notice(NamedTuple):
    """What is known of one incident: its newest version, what fires in it, since when, and what was told."""

    place: Place
    firing: frozenset[str]
    since: int
    told: Told | None
    times: int
    """How often it was told."""


class Gathered:
    """The outbox of an output that gathers."""

    def __init__(self, store: Store, name: str, timing: NotifyTiming, now: Clock) -> None:
        self.name = name
        self._store, self._timing, self._now = store, timing, now
        self._looked = begin(store, name)
        self._notices = {incident: _load(value) for incident, value in store.notices(name).items()}
        self._given: dict[str, str] = {}

    def next(self, most: int) -> list[Ticket]:
        """See `Outbox.next`."""
        self._look()
        now = self._now()
        due = sorted(
            (decision.at, incident, decision) for incident, decision in self._decisions() if decision.at <= now
        )
        return [self._ticket(incident, decision) for _, incident, decision in due[:most]]

    def done(self, tickets: Sequence[Ticket], *with_it: Cursor) -> None:
        """See `Outbox.done`."""
        self._tell(tickets, with_it, ())

    def give_up(self, ticket: Ticket, letter: Dead) -> None:
        """See `Outbox.give_up`."""
        self._tell([ticket], (), [letter])

    def pending(self) -> int:
        """See `Outbox.pending`: what waits for its time is not pending."""
        now = self._now()
        due = sum(1 for _, decision in self._decisions() if decision.at <= now)
        return due + self._store.read.count_versions(self._looked)

    def delay(self) -> float | None:
        """See `Outbox.delay`."""
        times = [decision.at for _, decision in self._decisions()]
        return max(min(times) - self._now(), 0) / 1000 if times else None

    def _look(self) -> None:
        """Take note of new versions."""
        end = self._store.read.history_end()
        while found := self._store.read.versions(self._looked, TOGETHER):
            changed: dict[str, Notice | None] = {}
            for place, value in found:
                incident = Incident.model_validate_json(value)
                changed[incident.id] = self._seen(incident, place)
                self._set(incident.id, changed[incident.id])
            self._looked = found[-1][0]
            self._keep(changed, [Cursor(self.name, as_number(self._looked))], ())
        self._looked = max(self._looked, end)

    def _seen(self, incident: Incident, place: Place) -> Notice | None:
        old, fires = self._notices.get(incident.id), firing(incident)
        if old is None or old.told is None:
            since = self._now() if old is None else old.since
            return Notice(place, fires, since, None, 0 if old is None else old.times) if fires else None
        return old._replace(place=place, firing=fires)

    def _decisions(self) -> list[tuple[str, Decision]]:
        return [
            (incident, decision)
            for incident, one in self._notices.items()
            if (decision := decide(one.firing, one.since, one.told, self._timing)) is not None
        ]

    def _ticket(self, incident: str, decision: Decision) -> Ticket:
        notice = self._notices[incident]
        value = self._store.read.version(notice.place)
        ticket = Ticket(notice.place, value, decision.reason.value, notice.times)
        self._given[ticket.mark] = incident
        return ticket

    def _tell(self, tickets: Sequence[Ticket], cursors: Sequence[Cursor], dead: Sequence[Dead]) -> None:
        changed: dict[str, Notice | None] = {}
        for ticket in tickets:
            incident = self._given.pop(ticket.mark)
            old = self._notices[incident]
            told = firing(Incident.model_validate_json(ticket.value))
            changed[incident] = old._replace(told=Told(self._now(), told), times=old.times + 1) if told else None
            self._set(incident, changed[incident])
        self._keep(changed, cursors, dead)

    def _set(self, incident: str, notice: Notice | None) -> None:
        if notice is None:
            self._notices.pop(incident, None)
        else:
            self._notices[incident] = notice

    def _keep(self, changed: dict[str, Notice | None], cursors: Sequence[Cursor], dead: Sequence[Dead]) -> None:
        values = {incident: None if notice is None else _dump(notice) for incident, notice in changed.items()}
        self._store.note(self.name, values, cursors, dead)


def _dump(notice: Notice) -> bytes:
    told = None if notice.told is None else [notice.told.at, sorted(notice.told.firing)]
    return orjson.dumps([[*notice.place], sorted(notice.firing), notice.since, told, notice.times])


def _load(value: bytes) -> Notice:
    place, fires, since, told, times = orjson.loads(value)
    last = None if told is None else Told(told[0], frozenset(told[1]))
    return Notice(Place(*place), frozenset(fires), since, last, times)
