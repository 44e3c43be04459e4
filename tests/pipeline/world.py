"""A small world to tell stories in: items and what they need, problems and recoveries, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import FlowSettings
from schemas.alert import LedgerEntry, Placement
from schemas.base import MINUTE, SECOND, Record
from schemas.command import Action, Command, Reply
from schemas.event import Event, EventKind, fingerprint
from schemas.incident import Incident, IncidentStatus
from schemas.reference import ConfigurationItem, Relation, RelationKind
from schemas.severity import Severity

BEGIN = 1_772_409_600_000
"""2026-03-02T00:00:00Z, a Monday."""
NO_HOLDS = FlowSettings(holds=())


def at(minute: float) -> int:
    """Minute of the story to time."""
    return BEGIN + int(minute * MINUTE)


class World:
    """A flow, and a short way to say what happens in it. All that came out is in `out`."""

    def __init__(self, settings: FlowSettings = NO_HOLDS) -> None:
        self.flow = Flow(settings)
        self.out: list[Output] = []
        self._number = 0

    def items(self, *names: str, kind: str = "host", criticality: int = 3) -> Self:
        """Items of a kind, their id being their name."""
        return self.put(*(ConfigurationItem(id=n, name=n, kind=kind, criticality=criticality) for n in names))

    def needs(self, source: str, *targets: str, kind: RelationKind = RelationKind.DEPENDS_ON) -> Self:
        """`source` needs each of the targets."""
        return self.put(*(Relation(source=source, target=target, kind=kind) for target in targets))

    def put(self, *records: Record, minute: float = 0) -> Self:
        """Reference data, in force from a minute on."""
        for record in records:
            self.out += self.flow.put(record, at(minute))
        return self

    def problem(
        self,
        resource: str,
        minute: float,
        severity: Severity = Severity.CRITICAL,
        check: str = "ping",
        summary: str = "",
        **labels: str,
    ) -> Self:
        """A monitor reports a problem."""
        return self._event(resource, minute, EventKind.PROBLEM, severity, check, summary, labels)

    def recovery(self, resource: str, minute: float, check: str = "ping", **labels: str) -> Self:
        """A monitor reports that it is over."""
        return self._event(resource, minute, EventKind.RESOLUTION, Severity.CRITICAL, check, "", labels)

    def _event(
        self,
        resource: str,
        minute: float,
        kind: EventKind,
        severity: Severity,
        check: str,
        summary: str,
        labels: dict[str, str],
    ) -> Self:
        self._number += 1
        event = Event(
            id=f"e{self._number}",
            kind=kind,
            time=at(minute),
            received=at(minute),
            source="test",
            resource=resource,
            check=check,
            severity=severity,
            summary=summary,
            labels=labels,
            fingerprint=print_of(resource, check),
        )
        self.out += self.flow.event(event)
        return self

    def until(self, minute: float) -> Self:
        """Time passes until the watermark stands at a minute, told of every ten seconds."""
        late = self.flow.settings.time.lateness
        for now in range(self.flow.high, at(minute) + late, 10 * SECOND):
            self.out += self.flow.tick(now)
        self.out += self.flow.tick(at(minute) + late)
        return self

    def ask(self, action: Action, target: str, minute: float, by: str = "ann", **arguments: str | list[str]) -> Reply:
        """Somebody asks for something."""
        self._number += 1
        command = Command(
            id=f"c{self._number}", action=action, target=target, by=by, time=at(minute), arguments=arguments
        )
        found = self.flow.command(command)
        self.out += found
        reply = found[0]
        assert isinstance(reply, Reply)
        return reply

    # -- what came of it -------------------------------------------------------------------------------------------

    def incidents(self) -> list[Incident]:
        """The incidents as they were last told of, without those merged or withdrawn, by when they opened."""
        last: dict[str, Incident] = {}
        for one in self.out:
            if isinstance(one, Incident):
                last[one.id] = one
        gone = (IncidentStatus.MERGED, IncidentStatus.WITHDRAWN)
        return sorted((one for one in last.values() if one.status not in gone), key=lambda one: (one.opened, one.id))

    def only(self) -> Incident:
        """The one incident there is."""
        (found,) = self.incidents()
        return found

    def together(self) -> list[set[str]]:
        """Resources of each incident as it is now."""
        return [members(one) for one in self.flow.incidents()]

    def reasons(self, incident: str) -> list[str]:
        """Why each version of an incident was told."""
        return [one.reason for one in self.out if isinstance(one, Incident) and one.id == incident]

    def ledger(self) -> list[LedgerEntry]:
        """The suppression ledger: the last word on each entry."""
        return list({one.id: one for one in self.out if isinstance(one, LedgerEntry)}.values())

    def placements(self) -> dict[str, Placement]:
        """Where each alert is, by fingerprint."""
        return {one.alert: one for one in self.flow.export() if isinstance(one, Placement)}


def print_of(resource: str, check: str = "ping") -> str:
    """Fingerprint of an alert of the story."""
    return fingerprint("default", resource, "", check)


def members(incident: Incident) -> set[str]:
    """Resources of an incident."""
    return {member.resource for member in incident.members}


def named(candidates: Iterable[object]) -> list[str]:
    """Items of candidates, most likely first."""
    return [str(getattr(one, "item", "")) for one in candidates]
