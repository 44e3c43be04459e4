"""All wiring, in one visible expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.output import Output
from pipeline.settings import FlowSettings
from pipeline.state import Entry, Tables
from schemas.alert import Alert, Placement
from schemas.base import Millis
from schemas.command import Command
from schemas.event import Event
from schemas.incident import Incident
from schemas.reference import Reference


class Flow:
    """The whole core, for one process: events and commands in, records out. No I/O, no clock.

    The host feeds inputs one at a time in the order of its log; the same log gives the same outputs, byte for byte.
    Every method that takes an input returns the records that changed because of it, in order.
    """

    def __init__(self, settings: FlowSettings) -> None:
        self.settings = settings
        self.tables = Tables([])

    def event(self, event: Event) -> list[Output]:
        """One decoded event."""
        raise NotImplementedError

    def command(self, command: Command) -> list[Output]:
        """One thing asked for; the first output is the Reply, the second the AuditEntry."""
        raise NotImplementedError

    def put(self, record: Reference, at: Millis) -> list[Output]:
        """Insert or replace one record of reference data, in force from `at` on."""
        raise NotImplementedError

    def tick(self, now: Millis) -> list[Output]:
        """Time has passed without events: `now` is a time that the host has seen."""
        raise NotImplementedError

    def drain(self) -> list[Entry]:
        """State entries changed since the last drain; what a checkpoint must hold beside the input offsets."""
        return self.tables.drain()

    def restore(self, entries: Iterable[Entry]) -> None:
        """Put back what all drains so far held; only on a new flow."""
        self.tables.restore(entries)

    def export(self) -> list[Alert | Placement]:
        """Current records of all alerts that changed since the last export (repeats change counts without an output)."""
        raise NotImplementedError

    def alerts(self) -> Iterable[Alert]:
        """All alerts in memory, current."""
        raise NotImplementedError

    def incidents(self) -> Iterable[Incident]:
        """All incidents in memory, current, in the order of their ids."""
        raise NotImplementedError

    def counters(self) -> Mapping[str, int]:
        """Exactly-once totals since the beginning: events by source and kind, repeats, late, ... Part of the state."""
        raise NotImplementedError

    @property
    def watermark(self) -> int:
        """No event before this time is expected any more."""
        raise NotImplementedError
