"""One partition of the correlating step: packs of changes, commands and reference data in, records out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from agents.stream import wire
from agents.stream.wire import Changes
from agents.stream.worker.abreast import Abreast
from agents.stream.worker.outputs import METRICS, Out, all_outs, outs
from agents.stream.worker.shard import Shard, exhaust
from pipeline.clock import Clock
from pipeline.scope_step import ScopeStep
from pipeline.settings import FlowSettings
from pipeline.stages.fold import NEVER
from pipeline.state import Table
from pipeline.upstream import Upstreams
from schemas.base import Millis, Record
from schemas.command import Action, Command, Reply

SHARED = frozenset({Action.SILENCE, Action.UNSILENCE, Action.PUT_REFERENCE, Action.DELETE_REFERENCE})
"""Commands about reference data, which all partitions have to know."""
ELSEWHERE = "elsewhere"
"""Instead of an answer: whoever has the models answers, and writes the line of the audit trail."""


class ScopeShard(Shard):
    """`origins` is the number of partitions of the alert step."""

    def __init__(self, settings: FlowSettings, partition: int, origins: int) -> None:
        clock = Clock(settings.time.lateness)
        self.step = ScopeStep(settings, clock)
        self.step.desk.models = lambda _: (ELSEWHERE, "")
        self.upstreams = Upstreams(settings.time.idle, map(str, range(origins)))
        self.abreast = Abreast(
            Upstreams(settings.time.idle, map(str, range(origins))), wire.pack_changes, wire.unpack_changes
        )
        self.had_of: Table[int] = Table("had", lambda value: value, lambda _, value: value)
        self.lost = 0
        """Changes whose numbers were skipped: never, unless messages were deleted before they were read."""
        super().__init__(partition, clock, [*self.step.tables, self.upstreams.table, self.had_of, *self.abreast.tables])

    # -- inputs ----------------------------------------------------------------------------------------------------

    def apply(self, pack: Changes) -> None:
        """Handle one message, and those that waited for it; what they say again is left out."""
        exhaust(self.gradually(pack))

    def gradually(self, pack: Changes) -> Iterator[None]:
        """The same, with a pause after each one that was handled, once all parts of the message are in the state."""
        self.finish()
        self.upstreams.told(pack.origin, 0, pack.sent)
        *parts, last = pack.parts()
        for part in parts:
            for one in self.abreast.through(part):
                self._apply(one)
        for one in self.abreast.through(last):
            self._apply(one)
            yield

    def finish(self) -> None:
        """See `Shard.finish`."""
        for one in self.abreast.left():
            self._apply(one)

    def _apply(self, pack: Changes) -> None:
        step, clock = self.step, self.clock
        had = self.had_of.live.get(pack.origin, 0)
        self.lost += max(pack.first - had - 1, 0)
        for change in pack.changes[max(had + 1 - pack.first, 0) :]:
            step.begin("changes")
            clock.see(change.time)
            step.scope.high = clock.newest
            self.outputs += outs(step.change(change))
        newest = pack.first + len(pack.changes) - 1
        if newest > had:
            self.had_of[pack.origin] = newest
        self.upstreams.told(pack.origin, pack.high, pack.sent)
        if clock.advance(self.upstreams.least()):
            self._advance()

    def _advance(self) -> None:
        step = self.step
        step.advance()
        while True:
            step.begin("timers")
            fired = step.fire()
            if fired is None:
                return
            self.outputs += outs(fired)

    def command(self, command: Command) -> None:
        """Handle a command."""
        self.finish()
        self.step.begin("commands")
        records = self.step.command(command)
        reply = records[0]
        assert isinstance(reply, Reply)
        self.ahead = self.dirty = True
        if reply.reason == ELSEWHERE:
            records = records[2:]
            self.outputs.append(Out(METRICS, 0, b"", wire.pack_feedback(command)))
        self.outputs += outs(records)
        if command.action in SHARED and reply.reason == "done":
            self.outputs += self._shared(command)

    def _shared(self, command: Command) -> Iterable[Out]:
        """Reference data that a command has put or taken away, for all other partitions."""
        kind = "silence" if command.action in (Action.SILENCE, Action.UNSILENCE) else str(command.arguments["kind"])
        identity = command.target
        if command.action in (Action.UNSILENCE, Action.DELETE_REFERENCE):
            yield Out(f"reference.{kind}", None, f"{kind}:{identity}".encode(), b"")
            return
        for key in sorted(self.step.reference.table.changed):
            if key.startswith(f"{kind}:") and (entry := self.step.reference.table.get(key)) is not None:
                yield Out(f"reference.{kind}", None, key.encode(), orjson.dumps(entry[1]))

    def refer(self, records: Iterable[tuple[Record, Millis]]) -> None:
        """Take over reference data that differs from what is in force, each from a time on."""
        for record, at in records:
            if self.step.reference.differs(record):
                self.finish()
                self.step.begin("reference")
                self.outputs += outs(self.step.put(record, at))
                self.ahead = self.dirty = True

    def withdraw(self, kind: str, identity: str) -> None:
        """Take a silence out of force; all else stays until it is replaced."""
        if kind == "silence" and f"{kind}:{identity}" in self.step.reference.table:
            self.finish()
            self.step.begin("reference")
            self.step.reference.remove(kind, identity)
            self.step.scope.judge_waiting()
            self.outputs += outs(self.step.told(self.clock.newest))
            self.ahead = self.dirty = True

    # -- outputs ---------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """Send where spells were put since the last checkpoint; to be called before one."""
        self.outputs += all_outs(self.step.export())

    # -- state -----------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """What follows from the tables."""
        self.clock.resume()
        self.step.resume()
        self.abreast.resume()

    def open_alerts(self) -> int:
        """Spells that are open."""
        return sum(1 for node in self.step.scope.nodes.live.values() if node.spell.end == NEVER)
