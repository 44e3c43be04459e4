"""The embedded host: feeds the flow from the inbox, writes checkpoints, and goes on where it was after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from pydantic import BaseModel

from agents.embedded.store import Checkpoint, Dead, Input, Row, Step, Store
from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.practices.reference import NAMES, TYPES
from pipeline.sources.base import Refused
from pipeline.sources.normalise import Normaliser, dead_letter
from schemas.alert import Alert, AlertTransition, LedgerEntry, Placement
from schemas.base import BadRecord, ConfigError, Record
from schemas.command import AuditEntry, Command, Reply
from schemas.event import RawRecord
from schemas.incident import Incident

KINDS: dict[type[BaseModel], tuple[str, str]] = {
    Alert: ("alert", "fingerprint"),
    Placement: ("placement", "alert"),
    Incident: ("incident", "id"),
    LedgerEntry: ("ledger", "id"),
    AlertTransition: ("transition", "fingerprint"),
    Reply: ("reply", "command"),
    AuditEntry: ("audit", "id"),
}
"""Type of an output to its kind in the store and the field that is its id."""
CURRENT = frozenset({"alert", "placement", "incident", "ledger"})
"""Kinds of which the highest version is kept; of the others, and of incidents, the history is."""
HISTORY = frozenset({"transition", "incident", "reply", "audit"})
BATCH = 2000

Progress = Callable[[int], None]


class Summary(NamedTuple):
    """What a replay did."""

    inputs: int
    counters: dict[str, int]
    records: dict[str, int]


class Host:
    """One flow on one store. `every` is the number of inputs between two checkpoints."""

    def __init__(self, flow: Flow, normaliser: Normaliser, store: Store, every: int = BATCH) -> None:
        self.flow, self.store = flow, store
        self._normaliser = normaliser
        self._every = every
        self._applied = store.meta("applied", 0)
        self._history: list[Step] = []
        self._rows: dict[tuple[str, str], Row] = {}
        self._dead: list[Dead] = []
        if self._applied:
            flow.restore(store.state())

    # -- inputs ----------------------------------------------------------------------------------------------------

    def receive(self, raws: Iterable[RawRecord], cursor: tuple[str, int] | None = None) -> None:
        """Keep payloads in the inbox: once this returns they will be handled, whatever happens."""
        self._append((("raw", r.received, r.source, r.origin, r.payload) for r in raws), cursor)

    def ask(self, command: Command) -> None:
        """Keep a command in the inbox."""
        self._append([("command", command.time, command.by, "", command.model_dump_json().encode())])

    def refer(self, records: Iterable[Record], at: int) -> None:
        """Keep reference data that differs from what the flow has, once it has all that was kept before."""
        self.pump()
        known = self.flow.reference
        new = [record for record in records if known.differs(record)]
        self._append(("reference", at, NAMES[type(record)], "", record.model_dump_json().encode()) for record in new)

    def tick(self, now: int) -> None:
        """Time has passed without input."""
        self._append([("tick", now, "host", "", b"")])

    def undelivered(self, url: str, body: bytes, now: int, detail: str) -> None:
        """A delivery was given up: it ends as a dead letter."""
        raw = RawRecord(source="webhook", received=now, payload=body, origin=url)
        letter = dead_letter(raw, Refused(BadRecord("undelivered", detail), body))
        self._dead.append(Dead(letter.id, self._applied, letter.reason, letter.model_dump_json().encode()))
        self.checkpoint()

    def backlog(self) -> int:
        """Inputs that are kept and not yet handled."""
        return self.store.last_input() - self._applied

    def finish(self, name: str) -> None:
        """The inputs have ended: let happen what waits for time to pass, by one lateness beyond the newest input."""
        self.pump()
        now = self.flow.high + self.flow.settings.time.lateness
        self._append([("tick", now, "host", "", b"")], (name, 1))
        self.pump()

    def _append(self, rows: Iterable[tuple[str, int, str, str, bytes]], cursor: tuple[str, int] | None = None) -> None:
        last = self.store.last_input()
        self.store.append((Input(last + n, *row) for n, row in enumerate(rows, 1)), cursor)

    # -- the pump --------------------------------------------------------------------------------------------------

    def pump(self, progress: Progress | None = None) -> int:
        """Handle everything that waits in the inbox. Returns how many inputs that was."""
        done = 0
        while batch := self.store.pending(self._applied, self._every):
            for one in batch:
                self._handle(one)
            self._applied = batch[-1].seq
            self.checkpoint()
            done += len(batch)
            if progress is not None:
                progress(len(batch))
        return done

    def _handle(self, one: Input) -> None:
        n = 0
        for output in self._outputs(one):
            kind, field = KINDS[type(output)]
            identity, value = getattr(output, field), output.model_dump_json().encode()
            if kind in HISTORY:
                self._history.append(Step(one.seq, n, kind, identity, value))
                n += 1
            if kind in CURRENT:
                self._keep(Row(kind, identity, getattr(output, "version", one.seq), value))

    def _outputs(self, one: Input) -> Iterator[Output]:
        flow = self.flow
        if one.kind == "raw":
            raw = RawRecord(source=one.source, received=one.received, payload=one.payload, origin=one.origin)
            decoded = self._normaliser.normalise(raw)
            for refused in decoded.refused:
                letter = dead_letter(raw, refused)
                self._dead.append(Dead(letter.id, one.seq, letter.reason, letter.model_dump_json().encode()))
            for event in decoded.events:
                yield from flow.event(event)
        elif one.kind == "command":
            yield from flow.command(Command.model_validate_json(one.payload))
        elif one.kind == "reference":
            yield from flow.put(TYPES[one.source].model_validate_json(one.payload), one.received)
        elif one.kind == "tick":
            yield from flow.tick(one.received)
        else:
            raise ConfigError(f"the inbox of {self.store.path} has an input of unknown kind {one.kind!r}")

    def _keep(self, row: Row) -> None:
        old = self._rows.get((row.kind, row.id))
        if old is None or row.version >= old.version:
            self._rows[row.kind, row.id] = row

    def checkpoint(self) -> None:
        """Write what followed from the inputs so far."""
        for record in self.flow.export():
            kind, field = KINDS[type(record)]
            self._keep(Row(kind, getattr(record, field), record.version, record.model_dump_json().encode()))
        rows = list(self._rows.values())
        self.store.write(Checkpoint(self._applied, self.flow.drain(), rows, self._history, self._dead))
        self._rows, self._history, self._dead = {}, [], []

    # -- whole files -----------------------------------------------------------------------------------------------

    def replay(self, name: str, raws: Iterable[RawRecord], progress: Progress | None = None) -> Summary:
        """Handle a finite input from where it was left, then let time pass. `name` is that of its cursor."""
        position = self.store.cursor(name)
        rest = islice(raws, position, None)
        while batch := list(islice(rest, self._every)):
            position += len(batch)
            self.receive(batch, (name, position))
            self.pump(progress)
        ended = f"{name} ended"
        if not self.store.cursor(ended):
            self.finish(ended)
        return self.summary(position)

    def summary(self, inputs: int) -> Summary:
        """Totals so far."""
        return Summary(inputs, dict(self.flow.counters()), self.store.counts())
