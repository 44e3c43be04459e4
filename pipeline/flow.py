"""All wiring, in one visible expression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.kinds import classify
from pipeline.output import Output
from pipeline.practices.command import Desk
from pipeline.practices.incident import Incidents
from pipeline.practices.reference import ReferenceData
from pipeline.settings import FlowSettings
from pipeline.stages.enrich import Inventory
from pipeline.stages.fold import NEVER
from pipeline.stages.intake import Change, Intake
from pipeline.stages.node import About
from pipeline.stages.scope import Scope
from pipeline.stages.skew import Skew
from pipeline.state import Entry, Table, Tables
from schemas.alert import Alert, AlertTransition, Placement
from schemas.base import Millis, Record
from schemas.command import Command
from schemas.event import Event
from schemas.incident import Incident
from schemas.severity import BY_RANK


class Flow:
    """The whole core, for one process: events and commands in, records out. No I/O, no clock.

    The host feeds inputs one at a time in the order of its log; the same log gives the same outputs, byte for byte.
    Every method that takes an input returns the records that changed because of it, in order.
    """

    def __init__(self, settings: FlowSettings) -> None:
        self.settings = settings
        self.inventory = Inventory(settings.correlate.hops)
        self.skew = Skew(settings.time.skew)
        self.intake = Intake(settings)
        self.scope = Scope(settings, self.inventory)
        self.practice = Incidents(self.scope)
        self.reference = ReferenceData(self.inventory, self.scope)
        self.desk = Desk(self.scope, self.practice, self.reference)
        self.clock: Table[dict[str, int]] = Table("clock", lambda value: value, lambda _, value: value)
        self.clock["flow"] = {"seq": 0, "high": 0}
        self.totals: Table[dict[str, int]] = Table("totals", lambda value: value, lambda _, value: value)
        self.totals["flow"] = {}
        self.tables = Tables(
            [self.clock, self.totals, self.reference.table, self.skew.table, self.intake.alerts, self.intake.tombs,
             self.intake.clears, self.scope.nodes, self.scope.groups, self.desk.seen]
        )  # fmt: skip
        self.reference.put_settings(settings)

    # -- inputs ----------------------------------------------------------------------------------------------------

    def event(self, event: Event) -> list[Output]:
        """One decoded event: skew -> watermark and timers -> dedup, flapping, hold -> enrich, suppress, correlate."""
        totals = self._begin("events")
        kind = event.kind.value
        self._count(totals, kind)
        self._count(totals, f"source {event.source}")
        time = self.skew.correct(event)
        late = time < self.watermark
        out = self._advance(time)
        if late:
            self._count(totals, "late")
        if kind in ("problem", "resolution"):
            moved = time != event.time
            if moved:
                event = event.model_copy(update={"time": time})
                self._count(totals, "skew corrected")
            change = self.intake.event(event, moved)
            self._count(totals, self.intake.last_reason)
            if change is not None:
                out = [*out, *self._changed(change), *self._told(time)]
        return out

    def command(self, command: Command) -> list[Output]:
        """One thing asked for; the first output is the Reply, the second the AuditEntry."""
        self._begin("commands")
        answer = self.desk.handle(command, self.scope.seq)
        return [*answer, *self._told(command.time)]

    def put(self, record: Record, at: Millis) -> list[Output]:
        """Insert or replace one record of reference data (see `schemas.reference.Reference`), in force from `at` on."""
        self._begin("reference")
        self.reference.put(record, at)
        return self._told(at)

    def tick(self, now: Millis) -> list[Output]:
        """Time has passed without events: `now` is a time that the host has seen."""
        self._begin("ticks")
        return self._advance(now)

    # -- the way through -------------------------------------------------------------------------------------------

    def _begin(self, what: str) -> dict[str, int]:
        clock = self.clock.live["flow"]
        clock["seq"] += 1
        self.clock.touch("flow")
        self.totals.touch("flow")
        self.intake.seq = self.scope.seq = clock["seq"]
        totals = self.totals.live["flow"]
        self._count(totals, what)
        return totals

    @staticmethod
    def _count(totals: dict[str, int], name: str) -> None:
        totals[name] = totals.get(name, 0) + 1

    def _advance(self, time: Millis) -> list[Output]:
        """Move the watermark and let happen what was waiting for it."""
        clock = self.clock.live["flow"]
        if time <= clock["high"]:
            return []
        clock["high"] = time
        watermark = max(time - self.settings.time.lateness, 0)
        self.scope.high, self.scope.watermark, self.intake.watermark = time, watermark, watermark
        out: list[Output] = []
        for change in self.intake.advance():
            out += self._changed(change)
            out += self._told(change.time)
        while (due := self.scope.next_due()) is not None:
            kind, key, at = due
            if kind == "node":
                self.scope.fire_node(key)
                out += self._told(at)
            else:
                out += self.practice.fire(key, at)
                out += self._told(at)
        return out

    def _changed(self, change: Change) -> list[Output]:
        """An alert changed: tell the correlating step of its spells."""
        for start in change.gone:
            self.scope.gone(change.fingerprint, start)
        for spell in change.spells:
            if not self.scope.again(change.fingerprint, spell):
                self.scope.begin(self._about(change), spell)
        view, identity = change.state.view, change.state.identity
        severity = BY_RANK[view.rank] if view.raw else None
        transition = AlertTransition(
            time=change.time,
            reason=change.reason,
            fingerprint=change.fingerprint,
            severity=severity,
            resource=identity.resource,
            component=identity.component,
            check=identity.check,
        )
        return [transition]

    def _told(self, now: Millis) -> list[Output]:
        """What the last change means for incidents, and the ledger."""
        scope = self.scope
        if not scope.touched and not scope.absorbed and not scope.ledger:
            return []
        out: list[Output] = [*self.practice.tell(now), *scope.ledger]
        scope.ledger.clear()
        return out

    def _about(self, change: Change) -> About:
        """Enrich: what a spell is about, bound to its configuration item."""
        identity, view = change.state.identity, change.state.view
        found = self.inventory.find(identity.tenant, identity.resource, identity.component, view.labels)
        item = self.inventory.items.get(found) if found is not None else None
        labels = view.labels if item is None else {**item.labels, **view.labels}
        labels = {
            **labels,
            "resource": identity.resource,
            "component": identity.component,
            "check": identity.check,
            "source": identity.source,
            "tenant": identity.tenant,
            "severity": BY_RANK[max(view.rank, 1)].value,
        }
        if item is not None:
            labels |= {"item": item.id, "kind": item.kind, "site": item.site, "owner": item.owner}
        return About(
            fingerprint=change.fingerprint,
            tenant=identity.tenant,
            scope=identity.scope,
            resource=identity.resource,
            component=identity.component,
            check=identity.check,
            summary=view.summary,
            labels=labels,
            item=found,
            kind=classify(identity.check, view.summary),
        )

    # -- state -----------------------------------------------------------------------------------------------------

    def drain(self) -> list[Entry]:
        """State entries changed since the last drain; what a checkpoint must hold beside the input offsets."""
        return self.tables.drain()

    def restore(self, entries: Iterable[Entry]) -> None:
        """Put back what all drains so far held; only on a new flow."""
        self.tables.restore(entries)
        high = self.clock["flow"]["high"]
        self.scope.high = high
        self.scope.watermark = self.intake.watermark = max(high - self.settings.time.lateness, 0) if high else -1
        self.reference.resume()
        self.intake.resume()
        self.scope.resume()
        self.practice.resume()

    def export(self, alerts: bool = True) -> list[Alert | Placement]:
        """Current records of all alerts that changed since the last drain (repeats change counts without an output).

        A host that shows what is in memory off the state (see `stored_alert`) needs no `alerts` but those forgotten.

        What was forgotten meanwhile comes as it was last, so that it does not matter how often this is called.
        """
        intake, scope = self.intake, self.scope
        out: list[Alert | Placement] = [*intake.parted, *scope.parted]
        for key in sorted(intake.alerts.changed) if alerts else ():
            record = intake.record(key)
            if record is not None:
                out.append(record)
        out += [scope.placement(key, version) for key, version in sorted(scope.placed.items()) if key in scope.nodes]
        intake.parted.clear()
        scope.parted.clear()
        scope.placed.clear()
        return out

    # -- reading ---------------------------------------------------------------------------------------------------

    def alerts(self) -> Iterable[Alert]:
        """All alerts in memory, current, in the order of their fingerprints."""
        for key in sorted(self.intake.alerts.live):
            record = self.intake.record(key)
            if record is not None:
                yield record

    def incidents(self) -> Iterable[Incident]:
        """All incidents in memory, current, in the order of their ids."""
        for incident in sorted(self.practice.by_id):
            yield self.practice.current(incident)

    def counters(self) -> Mapping[str, int]:
        """Exactly-once totals since the beginning: events by source and kind, repeats, late, ... Part of the state."""
        return self.totals["flow"]

    def open_alerts(self) -> int:
        """How many spells are open."""
        return sum(1 for node in self.scope.nodes.live.values() if node.spell.end == NEVER)

    @property
    def high(self) -> int:
        """The newest event time seen."""
        return self.scope.high

    @property
    def watermark(self) -> int:
        """No event before this time is expected any more."""
        return self.scope.watermark
