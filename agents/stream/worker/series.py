"""One partition of the models: packs of samples and feedback in, packs of events for the alert step out.

Packs of samples are not kept abreast (see `agents.stream.worker.abreast`): a series is learned in the order in which
its points arrive, whatever others do, and hours of samples that are held would be more than fits into memory.
"""

from __future__ import annotations

from collections.abc import Iterable

from agents.stream import wire
from agents.stream.partition import Partitioner
from agents.stream.wire import Events, Samples
from agents.stream.worker.outputs import EVENTS, METRICS, Out, outs
from agents.stream.worker.shard import Shard
from pipeline.clock import Clock
from pipeline.practices.command import REMEMBERED, answered
from pipeline.settings import FlowSettings
from pipeline.state import Table
from pipeline.trend_step import TrendStep
from pipeline.upstream import Upstreams
from schemas.base import SECOND, Millis
from schemas.command import Command
from schemas.event import Event

TICK = SECOND
"""Milliseconds between two packs that say only how far time has come."""
MOST = 100
"""Events in one pack."""
PARTS = 1024
"""Packs that may come of one message, for one partition."""
ORIGIN = "detect/{}"


class SeriesShard(Shard):
    """`partitions` is how many there are of it, `targets` the number of partitions of the topic of events.

    It says how far it is with each pack, and with the `sent` of what it has read: so it holds back the time of the
    alert step while it is a little behind, and no longer once it is behind by more than `flow.time.idle`, or hears
    nothing. One that has never heard anything says nothing.
    """

    def __init__(self, settings: FlowSettings, partition: int, partitions: int, targets: int) -> None:
        clock = Clock(settings.time.lateness)
        share = -(-settings.models.most // partitions)
        models = settings.models.model_copy(update={"most": share})
        self.step = TrendStep(settings.model_copy(update={"models": models}), clock)
        self.upstreams = Upstreams(settings.time.idle)
        self.asked: Table[int] = Table("asked", lambda value: value, lambda _, value: value)
        """Feedback that came by, by the id of the command, and as which input."""
        super().__init__(partition, clock, [*self.step.tables, self.upstreams.table, self.asked])
        self._partitions, self._origin = partitions, ORIGIN.format(partition)
        self._waiting: dict[int, list[Events]] = {target: [] for target in range(targets)}
        self._told = dict.fromkeys(range(targets), (0, (0, 0, False)))
        self._sent = 0
        """The newest clock of a sender; after a restart that of the next message."""
        self._target = Partitioner(targets)

    # -- inputs ----------------------------------------------------------------------------------------------------

    def apply(self, message: Samples | Command, offset: int) -> None:
        """Handle one message. Its offset numbers what comes of it: that is the same whenever it is read again."""
        if isinstance(message, Command):
            self._feedback(message)
        else:
            self._samples(message, offset)

    def _samples(self, pack: Samples, offset: int) -> None:
        step, high = self.step, pack.high
        said: dict[int, list[Event]] = {}
        for given in pack.samples:
            sample = step.begin(given)
            high = max(high, sample.time)
            for event in step.events(sample):
                self.clock.count(f"told {event.check.rpartition(' ')[2]} {event.kind.value}")
                said.setdefault(self._target(event.fingerprint), []).append(event)
        for target, events in said.items():
            for part, at in enumerate(range(0, len(events), MOST)):
                some = Events(self._origin, 0, 0, events[at : at + MOST], number=offset * PARTS + part + 1)
                self._waiting[target].append(some)
        self._sent = max(self._sent, pack.sent)
        self.upstreams.told(pack.origin, high, pack.sent, rests=pack.rests)
        if self.clock.advance(self.upstreams.least()):
            step.advance()

    def _feedback(self, command: Command) -> None:
        """Answer for a series of ours; else the next partition is asked. The last one says that there is none."""
        if command.id in self.asked:
            return
        reason, text = self.step.feedback(command)
        seq = self.clock.begin("commands")
        self.asked[command.id] = seq
        if len(self.asked) > REMEMBERED:
            del self.asked[min(self.asked.live, key=lambda key: (self.asked[key], key))]
        following = self.partition + 1
        if reason == "not-found" and following < self._partitions:
            self.outputs.append(Out(METRICS, following, b"", wire.pack_feedback(command)))
        else:
            self.outputs += outs(answered(command, seq, reason, text))

    # -- outputs ---------------------------------------------------------------------------------------------------

    def take(self, now: int) -> list[Out]:
        """What has to be sent: packs for partitions of which something was said, or that have waited for a tick."""
        taken = super().take(now)
        known = (self.clock.high, self._sent, self.upstreams.rests)
        for target, packs in self._waiting.items():
            at, told = self._told[target]
            if packs or (told != known and now - at >= TICK):
                taken += self._packs(target, packs or [Events(self._origin, 0, 0)], *known)
                packs.clear()
                self._told[target] = now, known
        return taken

    @staticmethod
    def _packs(target: int, packs: list[Events], high: Millis, sent: Millis, rests: bool) -> Iterable[Out]:
        for left, pack in enumerate(packs, 1 - len(packs)):
            # Only the last one may say how far time has come: what is in the later ones may be older.
            told = pack._replace(high=0 if left else high, sent=sent, rests=rests and not left)
            yield Out(EVENTS, target, b"", wire.pack_events(told))

    # -- state -----------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """What follows from the tables."""
        self.clock.resume()
        self.step.resume()
