"""The embedded host: feeds the flow from the inbox, writes checkpoints, and goes on where it was after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from pydantic import BaseModel

from agents.embedded.rows import Checkpoint, Cursor, Dead, Input, Row, Step
from agents.embedded.store import Store
from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.practices.reference import NAMES, TYPES
from pipeline.sources.base import Decoded
from pipeline.sources.normalise import Normaliser, dead_letter
from schemas.alert import Alert, AlertTransition, LedgerEntry, Placement
from schemas.base import ConfigError, Record
from schemas.command import AuditEntry, Command, Reply
from schemas.event import RawRecord
from schemas.incident import Incident, ServiceLevelNotice
from schemas.rates import Rates

KINDS: dict[type[BaseModel], tuple[str, str]] = {
    Alert: ("alert", "fingerprint"),
    Placement: ("placement", "alert"),
    Incident: ("incident", "id"),
    LedgerEntry: ("ledger", "id"),
    ServiceLevelNotice: ("service-level", "incident"),
    Rates: ("rates", "id"),
    AlertTransition: ("transition", "fingerprint"),
    Reply: ("reply", "command"),
    AuditEntry: ("audit", "id"),
}
"""Type of an output to its kind in the store and the field that is its id."""
CURRENT = frozenset({"alert", "placement", "incident", "ledger"})
"""Kinds of which the highest version is kept; of the others, and of incidents, the history is."""
HISTORY = frozenset({"service-level", "rates", "transition", "incident", "reply", "audit"})
BATCH = 2000

Progress = Callable[[int], None]


class Fresh(NamedTuple):
    """An input before it has a number; see `Input`."""

    kind: str
    received: int
    source: str
    origin: str
    payload: bytes


class Summary(NamedTuple):
    """What a replay did."""

    inputs: int
    counters: dict[str, int]
    records: dict[str, int]


def of_raw(raw: RawRecord) -> Fresh:
    """A payload as an input."""
    return Fresh("raw", raw.received, raw.source, raw.origin, raw.payload)


def of_command(command: Command) -> Fresh:
    """A command as an input."""
    return Fresh("command", command.time, command.by, "", command.to_json())


def of_tick(now: int) -> Fresh:
    """That time has passed, as an input."""
    return Fresh("tick", now, "host", "", b"")


class Host:
    """One flow on one store, which nobody else may write to. `every` is the number of inputs between two checkpoints.

    Inputs are first kept and later handled, in the same order; what is kept and not handled when a process ends is
    handled by the next one. So what comes out depends on the inputs alone, not on when a checkpoint was written.
    """

    def __init__(self, flow: Flow, normaliser: Normaliser, store: Store, every: int = BATCH) -> None:
        store.own()
        self.flow, self.store, self.every = flow, store, every
        self._normaliser = normaliser
        self.applied = store.meta("applied", 0)
        self.last = store.last_input()
        self.dead: dict[tuple[str, str], int] = {}
        self._history: list[Step] = []
        self._rows: dict[tuple[str, str], Row] = {}
        self._dead: list[Dead] = []
        if self.applied:
            flow.restore(store.read.state())

    # -- inputs ----------------------------------------------------------------------------------------------------

    def keep(self, inputs: Iterable[Fresh], cursors: Iterable[Cursor] = ()) -> list[Input]:
        """Keep inputs in the inbox: once this returns they will be handled, whatever happens."""
        numbered = [Input(seq, *one) for seq, one in enumerate(inputs, self.last + 1)]
        self.store.append(numbered, cursors)
        self.last += len(numbered)
        return numbered

    def receive(self, raws: Iterable[RawRecord], cursor: Cursor | None = None) -> None:
        """Keep payloads, and how far they were read."""
        self.keep(map(of_raw, raws), () if cursor is None else (cursor,))

    def ask(self, command: Command) -> None:
        """Keep a command."""
        self.keep([of_command(command)])

    def refer(self, records: Iterable[Record], at: int) -> None:
        """Keep reference data that differs from what the flow has, in force from `at` on; and handle it."""
        self.pump()  # the inbox may hold it already
        known = self.flow.reference
        self.keep(
            Fresh("reference", at, NAMES[type(record)], "", record.to_json())
            for record in records
            if known.differs(record)
        )
        self.pump()

    def backlog(self) -> int:
        """Inputs that are kept and not yet handled."""
        return self.last - self.applied

    # -- handling --------------------------------------------------------------------------------------------------

    def pump(self, progress: Progress | None = None) -> int:
        """Handle everything that waits in the inbox. Returns how many inputs that was."""
        done = 0
        while batch := self.store.pending(self.applied, self.every):
            for one in batch:
                self.handle(one)
            self.checkpoint()
            done += len(batch)
            if progress is not None:
                progress(len(batch))
        return done

    def handle(self, one: Input, decoded: Decoded | None = None) -> Sequence[Output]:
        """Handle the next input of the inbox; `decoded` is what its payload says, where that is known already."""
        outputs = self._outputs(one, decoded)
        self.applied = one.seq
        for n, output in enumerate(outputs):
            kind, field = KINDS[type(output)]
            identity, value = getattr(output, field), output.to_json()
            if kind in HISTORY:
                self._history.append(Step(one.seq, n, kind, identity, value))
            if kind in CURRENT:
                self._put(Row(kind, identity, getattr(output, "version", one.seq), value))
        return outputs

    def _outputs(self, one: Input, decoded: Decoded | None) -> Sequence[Output]:
        flow = self.flow
        if one.kind == "raw":
            if decoded is None or decoded.refused:
                raw = RawRecord(source=one.source, received=one.received, payload=one.payload, origin=one.origin)
                decoded = decoded or self._normaliser.normalise(raw)
                self._refuse(one.seq, raw, decoded)
            outputs: list[Output] = []
            for event in decoded.events:
                outputs += flow.event(event)
            for sample in decoded.samples:
                outputs += flow.sample(sample)
            return outputs
        if one.kind == "command":
            return flow.command(Command.model_validate_json(one.payload))
        if one.kind == "reference":
            return flow.put(TYPES[one.source].model_validate_json(one.payload), one.received)
        if one.kind == "tick":
            return flow.tick(one.received)
        raise ConfigError(f"the inbox of {self.store.path} has an input of unknown kind {one.kind!r}")

    def _refuse(self, seq: int, raw: RawRecord, decoded: Decoded) -> None:
        for refused in decoded.refused:
            letter = dead_letter(raw, refused)
            self._dead.append(Dead(letter.id, seq, letter.reason, letter.to_json()))
            self.dead[raw.source, letter.reason] = self.dead.get((raw.source, letter.reason), 0) + 1

    def _put(self, row: Row) -> None:
        old = self._rows.get((row.kind, row.id))
        if old is None or row.version >= old.version:
            self._rows[row.kind, row.id] = row

    def checkpoint(self) -> None:
        """Write what followed from the inputs so far."""
        for record in self.flow.export(alerts=False):
            kind, field = KINDS[type(record)]
            self._put(Row(kind, getattr(record, field), record.version, record.to_json()))
        rows = list(self._rows.values())
        self.store.write(Checkpoint(self.applied, self.flow.drain(), rows, self._history, self._dead))
        self._rows, self._history, self._dead = {}, [], []

    # -- whole files -----------------------------------------------------------------------------------------------

    def replay(self, name: str, raws: Iterable[RawRecord], progress: Progress | None = None) -> Summary:
        """Handle a finite input from where it was left, then let time pass. `name` is that of its cursor."""
        self.pump(progress)
        position = self.store.cursor(name)
        rest = islice(raws, position, None)
        while batch := list(islice(rest, self.every)):
            position += len(batch)
            self.receive(batch, Cursor(name, position))
            self.pump(progress)
        self.finish(name)
        return Summary(position, dict(self.flow.counters()), self.store.read.counts())

    def finish(self, name: str) -> None:
        """An input has ended: let happen, once, what waits for one lateness beyond the newest event."""
        ended = f"{name} ended"
        self.pump()
        if self.store.cursor(ended) < self.last:
            now = self.flow.high + self.flow.settings.time.lateness
            self.keep([of_tick(now)], [Cursor(ended, self.last + 1)])
            self.pump()
