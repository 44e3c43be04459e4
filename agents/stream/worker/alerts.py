"""One partition of the alert step: packs of events in, packs of changes for the partitions of the next step out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from agents.stream import wire
from agents.stream.partition import Partitioner
from agents.stream.wire import Arrivals, Changes, Events
from agents.stream.worker.abreast import Abreast
from agents.stream.worker.outputs import ALERTS, EVENTS, Out, all_outs, outs
from agents.stream.worker.shard import Shard, exhaust
from pipeline.alert_step import AlertStep
from pipeline.clock import Clock
from pipeline.settings import FlowSettings
from pipeline.sources.base import Refused
from pipeline.sources.normalise import dead_letter
from pipeline.stages.change import AlertChange
from pipeline.stages.skew import vouched_time
from pipeline.state import Table
from pipeline.upstream import Upstreams
from schemas.base import MINUTE, SECOND, BadRecord, Millis
from schemas.event import RawRecord

TICK = SECOND // 4
"""Milliseconds between two packs that say only how far time has come."""
MOST = 500
"""Changes in one pack."""
SPAN = 5 * MINUTE
"""Of changes that are further apart, in event time, a pack says how far time was in between: so those of several
partitions are handled side by side, however long they waited to be sent."""


_how_far = attrgetter("high")


class Waiting:
    """Changes for one partition that have not been sent."""

    __slots__ = ("begun", "changes", "last", "marks")

    def __init__(self) -> None:
        self.changes: list[AlertChange] = []
        self.marks: list[tuple[int, int]] = []
        self.begun = self.last = 0
        """How far time was at the first change since the last mark, and at the newest."""

    def add(self, change: AlertChange, high: Millis) -> None:
        """One more; `high` is how far time is."""
        if not self.changes:
            self.begun = high
        elif high - self.begun > SPAN:
            self.marks.append((len(self.changes), self.last))
            self.begun = high
        self.changes.append(change)
        self.last = high

    def between(self, begin: int, end: int) -> list[tuple[int, int]]:
        """The marks inside some of the changes, counted from the first of these."""
        return [(number - begin, high) for number, high in self.marks if begin < number < end]

    def clear(self) -> None:
        """They have been sent."""
        self.changes.clear()
        self.marks.clear()


def _data(pack: Arrivals) -> bytes:
    """The message; one of its own for a tick that came with others."""
    return pack.data or wire.pack_events(Events(pack.origin, pack.high, pack.sent, rests=pack.rests))


class AlertShard(Shard):
    """`targets` is the number of partitions of the topic of alerts."""

    def __init__(self, settings: FlowSettings, partition: int, targets: int) -> None:
        clock = Clock(settings.time.lateness)
        self.step = AlertStep(settings, clock)
        self._skew = settings.time.skew
        self.upstreams = Upstreams(settings.time.idle)
        self.abreast = Abreast(Upstreams(settings.time.idle), _data, wire.unpack_arrivals)
        self.numbers: Table[int] = Table("numbers", lambda value: value, lambda _, value: value)
        self.had_of: Table[int] = Table("had", lambda value: value, lambda _, value: value)
        own = (self.upstreams.table, self.numbers, self.had_of)
        super().__init__(partition, clock, [*self.step.tables, *own, *self.abreast.tables])
        self._waiting = {target: Waiting() for target in range(targets)}
        self._told = dict.fromkeys(range(targets), (0, -1))
        self._target = Partitioner(targets)

    # -- inputs ----------------------------------------------------------------------------------------------------

    def apply(self, *packs: Arrivals) -> None:
        """Handle the packs of one message, and those that waited for them. Raises BadRecord."""
        exhaust(self.gradually(*packs))

    def gradually(self, *packs: Arrivals) -> Iterator[None]:
        """The same, with a pause once the message is in the state, and after each of the others.

        What waits may be hours of events.
        """
        self.finish()
        parts = [part for pack in packs for part in self._as_needed(pack).parts()]
        for one in parts:
            self.upstreams.told(one.origin, 0, one.sent)
        ready = self.abreast.ready(parts)
        if all(pack.ticks for pack in packs):
            self._come_as_far(ready)
        else:
            for one in sorted(ready, key=_how_far):  # as they would come if they were read side by side
                self._handle(one)
        if ready:
            yield
        for one in self.abreast.left():
            self._handle(one)
            yield

    def finish(self) -> None:
        """See `Shard.finish`."""
        for one in self.abreast.left():
            self._handle(one)

    def _come_as_far(self, ticks: Iterable[Arrivals]) -> None:
        """Origins have come so far; what follows is looked at once for all of them."""
        for one in ticks:
            self.upstreams.told(one.origin, one.high, one.sent, rests=one.rests)
        self._input()

    def _handle(self, pack: Arrivals) -> None:
        """A pack whose turn it is; what can't be understood of one that was held is kept with its bytes."""
        try:
            self._apply(pack)
        except BadRecord as error:
            raw = RawRecord(source=EVENTS, received=pack.sent, payload=pack.data, origin=pack.origin)
            self.outputs += outs([dead_letter(raw, Refused(error, pack.data))])

    def _as_needed(self, pack: Arrivals) -> Arrivals:
        """A pack with those of its events that have to be looked at."""
        return pack if not pack.plain or self.step.knows(pack.plain) else wire.one_by_one(pack)

    def _apply(self, pack: Arrivals) -> None:
        """Time goes on with each event of a pack, as it did upstream, as far as others have come.

        What the models say of a series may be newer than what they have read of others, which is what `high` says.
        """
        step, skew = self.step, self._skew
        pack = self._new(self._as_needed(pack))  # where it was held, things may have changed
        most = min(pack.high, self.upstreams.least_beside(pack.origin))
        step.count(pack.plain)
        plain = sorted((at, one.source, newest) for one in pack.plain for at, newest in one.newest)[::-1]
        for at, event in enumerate(pack.events):
            while plain and plain[-1][0] == at:
                self._prompt(*plain.pop()[1:], most)
            time = step.time_of(event)
            self._come_to(vouched_time(event, skew), most)
            change = step.fold(event, time)
            if change is not None:
                self._keep_for_later(change)
        for _, source, newest in plain[::-1]:
            self._prompt(source, newest, most)
        self.upstreams.told(pack.origin, pack.high, pack.sent, rests=pack.rests)
        self._input()

    def _input(self) -> None:
        """One more input is in the state: time goes on, and what follows from that has its number."""
        self.step.intake.seq = self.clock.begin("packs")
        self._advance(self.upstreams.least())

    def _prompt(self, source: str, newest: Millis, most: Millis) -> None:
        """Events of a source have come that only move time."""
        self.step.skew.prompt(source, newest)
        self._come_to(newest, most)

    def _come_to(self, high: Millis, most: Millis) -> None:
        if most > self.clock.high < high:
            self._advance(min(high, most))

    def _new(self, pack: Arrivals) -> Arrivals:
        """A pack, without its events where it was there before."""
        if pack.number:
            if pack.number <= self.had_of.live.get(pack.origin, 0):
                return pack._replace(events=(), plain=())
            self.had_of[pack.origin] = pack.number
        return pack

    def _advance(self, high: Millis) -> None:
        if self.clock.advance(high):
            for change in self.step.advance():
                self._keep_for_later(change)

    def _keep_for_later(self, change: AlertChange) -> None:
        target = self._target(change.scope)
        self._waiting[target].add(change, self.clock.high)
        self.numbers[str(target)] = self.numbers.live.get(str(target), 0) + 1

    # -- outputs ---------------------------------------------------------------------------------------------------

    def take(self, now: int) -> list[Out]:
        """What has to be sent: packs for partitions for which there are changes, or that have waited for a tick."""
        taken = super().take(now)
        for target, waiting in self._waiting.items():
            at, high = self._told[target]
            if waiting.changes or (self.clock.high != high and now - at >= TICK) or now - at >= 4 * TICK:
                taken += self._packs(target, waiting, now)
                waiting.clear()
                self._told[target] = now, self.clock.high
        return taken

    def _packs(self, target: int, waiting: Waiting, now: int) -> Iterable[Out]:
        changes = waiting.changes
        first = self.numbers.live.get(str(target), 0) + 1 - len(changes)
        for at in range(0, max(len(changes), 1), MOST):
            some = changes[at : at + MOST]
            # Only the last one may say how far time has come: what is in the later ones may be older.
            high = self.clock.high if at + MOST >= len(changes) else 0
            marks = waiting.between(at, at + MOST)
            for value in wire.pack_in_parts(Changes(str(self.partition), high, now, first + at, some, marks)):
                yield Out(ALERTS, target, b"", value)

    def export(self) -> None:
        """Send the records of the alerts that changed since the last checkpoint; to be called before one."""
        self.outputs += all_outs(self.step.export())

    # -- state -----------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """What follows from the tables."""
        self.clock.resume()
        self.step.resume()
        self.abreast.resume()
