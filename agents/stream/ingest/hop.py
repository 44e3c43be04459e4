"""What the hop does to messages, without Kafka: decode, sort by partition, pack; refuse with reason and coordinates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from agents.stream.clients import RawMessage
from agents.stream.parcel import together
from agents.stream.partition import Partitioner
from agents.stream.sizes import EVENT_BYTES, PACK_BYTES
from agents.stream.wire import Events, Samples, Tick, pack_events, pack_record, pack_samples
from pipeline.sources.base import Decoded, Refused
from pipeline.sources.normalise import Normaliser, dead_letter
from pipeline.stages.skew import vouched_time
from schemas.base import BadRecord, Millis
from schemas.event import Event, MetricSample, RawRecord, fingerprint

ORIGIN = "origin"
"""Header of a raw message: where the payload came from (the address of a device)."""


class Out(NamedTuple):
    """A message to send; `topic` without prefix, the partition from the key where it is None."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes


CHECKED = 64 * 1024
"""Bytes of a payload above which it is looked at whether each of its events finds room in a message."""
TICKS = 5000
"""Origins in one message that says how far they are."""
UNTOLD = -1
"""Less than any time."""


class Origin:
    """One upstream partition: how far its time is, and what of it waits to be packed, by target partition."""

    __slots__ = (
        *("events", "high", "highs", "measured", "name", "quiet", "received", "rests", "samples", "source"),
        *("told", "told_of_samples"),
    )

    def __init__(self, name: str, source: str, targets: int) -> None:
        self.name, self.source = name, source
        self.high: Millis = 0
        self.events: list[list[Event]] = [[] for _ in range(targets)]
        self.highs: list[list[Millis]] = [[] for _ in range(targets)]
        """How far the origin was with each of those events."""
        self.samples: list[list[MetricSample]] = [[] for _ in range(targets)]
        self.told: list[Millis] = [UNTOLD] * targets
        """The `high` that each target was last told."""
        self.rests = [False] * targets
        """Which targets were told that it is read to its end, and nothing since."""
        self.told_of_samples: list[Millis] = [0] * targets
        self.quiet = [False] * targets
        """The same two in the topic of metrics."""
        self.measured: Millis = 0
        """The newest time of a sample; only where there was one is the topic of metrics told how far this is."""
        self.received: Millis = 0
        """When the last message reached Kafka; how long it has been read to its end where that is later."""

    @property
    def newest(self) -> Millis:
        """How far it is, samples included."""
        return max(self.high, self.measured)


class Hop:
    """`targets` is the number of partitions of the topics of events and of metrics, `skew` in milliseconds.

    With `clock` the messages are of today. Nobody waits then for samples that we are slow to read: they move time in
    the topic of metrics alone, and are said to be sent when Kafka got them.
    """

    def __init__(self, normaliser: Normaliser, targets: int, skew: int, pack: int, clock: bool = False) -> None:
        self._normalise = normaliser.normalise
        self.targets, self._skew, self._pack, self._clock = targets, skew, pack, clock
        self._partition = Partitioner(targets)
        self._origins: dict[str, Origin] = {}
        self._dead: list[Out] = []
        self.waiting = 0
        """Messages that were taken in and have not yet left in a pack."""
        self.received: Counter[str] = Counter()
        self.decoded = 0
        self.refused: Counter[tuple[str, str]] = Counter()

    def take(self, origin: str, source: str, messages: Sequence[RawMessage]) -> None:
        """Decode the messages of one upstream partition; never raises for what is in them."""
        at = self.meet(origin, source)
        normalise, partition, skew = self._normalise, self._partition, self._skew
        buckets, highs, high = at.events, at.highs, at.high
        raw, fields = _blank(source)
        count = 0
        for message in messages:
            fields["received"] = max(message.timestamp, 0)
            fields["payload"] = message.value or b""
            fields["origin"] = _origin(message) if message.headers else ""
            found = normalise(raw)
            if len(fields["payload"]) > CHECKED:
                found = _that_fit(found, fields["payload"])
            events, samples, refusals = found
            for event in events:
                if event.time > high and (time := vouched_time(event, skew)) > high:
                    high = time
                target = partition(event.fingerprint)
                buckets[target].append(event)
                highs[target].append(high)
                count += 1
            for sample in samples:
                at.samples[partition(_series(sample))].append(sample)
                time = sample.time if sample.time - sample.received <= skew else sample.received
                if time > at.measured:
                    at.measured = time
                    high = high if self._clock else max(high, time)
            for refused in refusals:
                letter = dead_letter(raw, refused, f"{origin}@{message.offset}")
                self._dead.append(Out("dead", None, letter.id.encode(), pack_record(letter)))
                self.refused[source, letter.reason] += 1
        at.high, at.received = high, fields["received"]
        self.waiting += len(messages)
        self.received[source] += len(messages)
        self.decoded += count

    def packs(self, sent: Millis) -> list[Out]:
        """All that waits as messages; `sent` is our clock. Each pack has the time its origin had come to by its end."""
        outs = self._dead
        self._dead = []
        for target in range(self.targets):
            messages = together(self._of_events(target, sent), self._pack)
            outs += [Out("events", target, None, message) for message in messages]
            for at in self._origins.values():
                for samples in _parts(at.samples[target], self._pack):
                    outs += self._samples_in_parts(at, target, sent, samples)
                at.samples[target] = []
        self.waiting = 0
        return outs

    def _of_events(self, target: int, sent: Millis) -> Iterator[tuple[bytes, int]]:
        """The packs for one target, origin by origin, each with how many events it holds."""
        for at in self._origins.values():
            waiting, highs = at.events[target], at.highs[target]
            for start in range(0, len(waiting), self._pack):
                end = min(start + self._pack, len(waiting))
                highs[-1] = at.high
                yield from self._in_parts(at, target, sent, start, end)
                at.told[target], at.rests[target] = highs[end - 1], False
            at.events[target], at.highs[target] = [], []

    def _in_parts(self, at: Origin, target: int, sent: Millis, start: int, end: int) -> Iterator[tuple[bytes, int]]:
        """A pack of the events that wait from one place to another; in halves where it is too large."""
        value = pack_events(Events(at.name, at.highs[target][end - 1], sent, at.events[target][start:end]))
        if len(value) <= PACK_BYTES or end - start < 2:
            yield value, end - start
            return
        middle = (start + end) // 2
        yield from self._in_parts(at, target, sent, start, middle)
        yield from self._in_parts(at, target, sent, middle, end)

    def _samples_in_parts(self, at: Origin, target: int, sent: Millis, samples: list[MetricSample]) -> Iterator[Out]:
        out = self._measured(at, target, sent, samples)
        if len(out.value) <= PACK_BYTES or len(samples) < 2:
            yield out
            return
        for half in (samples[: len(samples) // 2], samples[len(samples) // 2 :]):
            yield from self._samples_in_parts(at, target, sent, half)

    def meet(self, name: str, source: str) -> Origin:
        """An upstream partition that is ours now; `greetings` tell of it."""
        return self._origins.get(name) or self._origins.setdefault(name, Origin(name, source, self.targets))

    def greetings(self, now: Millis) -> list[Out]:
        """Packs that only name the origins not yet told of, to be sent before all else: readers wait for them."""
        ticks: list[list[Tick]] = [[] for _ in range(self.targets)]
        for at in self._origins.values():
            for target, told in enumerate(at.told):
                if told == UNTOLD:
                    ticks[target].append(Tick(at.name, 0))
                    at.told[target] = 0
        return list(_of_ticks(ticks, now))

    def ticks(self, now: Millis, ended: Collection[str] = ()) -> list[Out]:
        """Packs without events, for those targets that have not been told how far an origin is.

        `ended` are origins that are read to their end while the clock is `now`. In ordinary life they are as far as
        that; in a replay only events move time, and nobody need wait for them.
        """
        outs: list[Out] = []
        ticks: list[list[Tick]] = [[] for _ in range(self.targets)]
        for at in self._origins.values():
            over = at.name in ended
            if over and self._clock:
                at.high, at.received = max(at.high, now), max(at.received, now)
            rests = over and not self._clock
            for target, told in enumerate(at.told):
                if (max(told, 0) < at.high or (rests and not at.rests[target])) and not at.events[target]:
                    ticks[target].append(Tick(at.name, at.high, rests))
                    at.told[target], at.rests[target] = at.high, rests
            for target, told in enumerate(at.told_of_samples if at.measured else ()):
                if (told < at.newest or (rests and not at.quiet[target])) and not at.samples[target]:
                    outs.append(self._measured(at, target, now, rests=rests))
        return [*_of_ticks(ticks, now), *outs]

    def _measured(
        self, at: Origin, target: int, now: Millis, samples: Sequence[MetricSample] = (), *, rests: bool = False
    ) -> Out:
        at.told_of_samples[target], at.quiet[target] = at.newest, rests
        sent = min(now, at.received) if self._clock else now
        return Out("metrics", target, None, pack_samples(Samples(at.name, at.newest, sent, samples, rests)))

    def forget(self, origins: Iterable[str] | None = None) -> None:
        """Drop what waits of some upstream partitions, or of all: they are read elsewhere, or again."""
        for name in list(self._origins) if origins is None else origins:
            self._origins.pop(name, None)
        if origins is None:
            self._dead = []
            self.waiting = 0

    @property
    def ticking(self) -> int:
        """Messages in a round of ticks, at most."""
        return self.targets * (1 + sum(bool(at.measured) for at in self._origins.values()))


def _that_fit(found: Decoded, payload: bytes) -> Decoded:
    """Without those events that are too large for all that is made of them to find room; the payload is kept, then."""
    sizes = [len(pack_events(Events("", 0, 0, (event,)))) for event in found.events]
    if max(sizes, default=0) <= EVENT_BYTES:
        return found
    fitting = [event for event, size in zip(found.events, sizes, strict=True) if size <= EVENT_BYTES]
    detail = f"{len(sizes) - len(fitting)} of {len(sizes)} events, of {max(sizes)} bytes; {EVENT_BYTES} find room"
    refused = [*found.refused, Refused(BadRecord("too-large", detail), payload)]
    return Decoded(events=fitting, samples=found.samples, refused=refused)


def _of_ticks(ticks: Sequence[list[Tick]], now: Millis) -> Iterator[Out]:
    """The messages that say them to each target."""
    for target, some in enumerate(ticks):
        for part in _parts(some, TICKS):
            yield Out("events", target, None, pack_events(Events("", 0, now, ticks=part)))


def _parts(rows: list[Any], most: int) -> Iterator[list[Any]]:
    for start in range(0, len(rows), most):
        yield rows[start : start + most]


def _series(sample: MetricSample) -> str:
    return fingerprint(sample.tenant, sample.resource, sample.component, sample.metric)


def _blank(source: str) -> tuple[RawRecord, dict[str, Any]]:
    """A record and its fields, to be filled anew for each message of a source.

    To make and check a record for each message would cost a tenth of decoding it; nobody keeps it, and Kafka vouches
    for what is in it.
    """
    raw = RawRecord.trusted({"source": source, "received": 0, "payload": b"", "origin": ""})
    return raw, raw.__dict__


def _origin(message: RawMessage) -> str:
    """Where a payload came from, by its header; "" where there is none."""
    return next(((value or b"").decode("utf-8", "replace") for name, value in message.headers if name == ORIGIN), "")
