"""The second keyed step: changes of alerts and commands in, incidents out. Keyed by scope."""

from __future__ import annotations

from collections.abc import Iterator

from models.kinds import classify
from pipeline.clock import Clock
from pipeline.output import Output
from pipeline.practices.command import Desk
from pipeline.practices.incident import Incidents
from pipeline.practices.reference import ReferenceData
from pipeline.settings import FlowSettings
from pipeline.stages.change import AlertChange, Opening
from pipeline.stages.enrich import Inventory
from pipeline.stages.node import RATES, About
from pipeline.stages.scope import Scope
from pipeline.state import Table
from schemas.alert import Placement
from schemas.base import Millis, Record
from schemas.command import Command
from schemas.severity import BY_RANK


class ScopeStep:
    """Enrich, suppress, correlate and rank the alerts of any number of scopes, and look after their incidents.

    The caller moves its clock, and numbers what comes in: see `begin`.
    """

    def __init__(self, settings: FlowSettings, clock: Clock) -> None:
        self.clock = clock
        self.inventory = Inventory(settings.correlate.hops)
        self.scope = Scope(settings, self.inventory)
        self.practice = Incidents(self.scope)
        self.reference = ReferenceData(self.inventory, self.scope)
        self.desk = Desk(self.scope, self.practice, self.reference)
        self.reference.put_settings(settings)

    @property
    def tables(self) -> list[Table[object]]:
        """The state, beside that of the clock."""
        scope, lasting = self.scope, self.practice.clocks.lasting
        return [self.reference.table, scope.nodes, scope.groups, scope.words.table, self.desk.seen, lasting]  # type: ignore[list-item]

    # -- inputs ----------------------------------------------------------------------------------------------------

    def begin(self, what: str) -> None:
        """What follows comes of the next input: its number is the version of what it changes."""
        self.scope.seq = self.clock.begin(what)

    def change(self, change: AlertChange) -> list[Output]:
        """One change of one alert."""
        scope = self.scope
        for start in change.gone:
            scope.gone(change.fingerprint, start)
        openings = {opening.start: opening for opening in change.openings}
        for spell in change.spells:
            opening = openings.get(spell.start)
            if opening is not None:
                scope.retell(self.about(change, opening, spell.rank), spell.start)
            if not scope.again(change.fingerprint, spell):
                scope.begin(self.about(change, opening or change, spell.rank), spell)
        return self.told(change.time)

    def command(self, command: Command) -> list[Output]:
        """One thing asked for; the first output is the Reply, the second the AuditEntry."""
        answer = self.desk.handle(command, self.scope.seq)
        return [*answer, *self.told(command.time)]

    def put(self, record: Record, at: Millis) -> list[Output]:
        """Insert or replace one record of reference data, in force from `at` on."""
        self.reference.put(record, at)
        return self.told(at)

    def advance(self) -> None:
        """Take over the clock's watermark; `fire` then does what was waiting for it."""
        self.scope.high, self.scope.watermark = self.clock.newest, self.clock.watermark

    def fire(self) -> list[Output] | None:
        """The next thing that waited for the watermark, and what came of it; None when there is nothing left."""
        due = self.scope.next_due()
        if due is None:
            return None
        kind, key, at = due
        self.scope.watermark = at  # as if time had come just so far: it may have leapt over what else is due
        out: list[Output] = []
        if kind == "node":
            self.scope.fire_node(key)
        else:
            out += self.practice.fire(key, at)
        out += self.told(at)
        self.scope.watermark = self.clock.watermark
        return out

    # -- the way through -------------------------------------------------------------------------------------------

    def told(self, now: Millis) -> list[Output]:
        """What the last change means for incidents, and the ledger."""
        scope, practice = self.scope, self.practice
        if not scope.touched and not scope.absorbed and not scope.ledger and not practice.notices:
            return []
        out: list[Output] = [*practice.tell(now), *practice.notices, *scope.ledger]
        practice.notices.clear()
        scope.ledger.clear()
        return out

    def about(self, change: AlertChange, said: Opening | AlertChange, rank: int) -> About:
        """Enrich: what a spell is about, by what the event `said` that began it, bound to its configuration item."""
        found = None
        if change.source != RATES:
            found = self.inventory.find(change.tenant, change.resource, change.component, said.labels)
        item = self.inventory.items.get(found) if found is not None else None
        return About(
            fingerprint=change.fingerprint,
            tenant=change.tenant,
            scope=change.scope,
            source=change.source,
            resource=change.resource,
            component=change.component,
            check=change.check,
            severity=BY_RANK[rank].value,
            summary=said.summary,
            said={**item.labels, **said.labels} if item is not None and item.labels else said.labels,
            facts=self.inventory.facts(found),
            item=found,
            kind=classify(change.check, said.summary),
        )

    # -- state -----------------------------------------------------------------------------------------------------

    def export(self) -> Iterator[Placement]:
        """Where the spells are that were moved since the last call, those forgotten meanwhile included.

        One by one, to be taken before anything else happens.
        """
        scope = self.scope
        parted, placed = [*scope.parted], sorted(scope.placed.items())
        scope.parted.clear()
        scope.placed.clear()
        yield from parted
        for key, version in placed:
            if key in scope.nodes:
                yield scope.placement(key, version)

    def resume(self) -> None:
        """After a restore of the tables, the clock's included."""
        self.advance()
        self.reference.resume()
        self.scope.resume()
        self.practice.resume()
