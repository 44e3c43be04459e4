"""The hop on Kafka: read, handle and commit in transactions, until told to stop.

Each transaction holds the packs and the offsets they came from, so that a pack is there exactly when its payloads count
as read. Whatever goes wrong in between, the transaction is given up and its payloads are read again, by us or by
whoever has the partition then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event as Flag
from typing import Any

from agents import collector
from agents.config import Config
from agents.source_files import make_sources
from agents.stream.clients import (
    Consumer,
    KafkaError,
    Listener,
    Partition,
    Producer,
    RawMessage,
    Replaced,
    Unreachable,
    close_quietly,
    consumer,
    leave_group,
    position,
    producer,
)
from agents.stream.ingest.ahead import Ahead
from agents.stream.ingest.hop import Hop, Out
from agents.stream.records import unpack_compiled
from agents.stream.topics import differences, wanted
from pipeline.sources.normalise import Normaliser
from schemas.base import ConfigError, Millis

LOG = logging.getLogger(__name__)
GROUP = "tocsin-ingest"
RAW = "raw."
TARGETS = ("events", "metrics", "dead")
MOST = 10_000
"""Messages in one transaction, about."""
POLLED = MOST // 2
"""Messages in one look, at most."""
FETCHED = 64 * 1024
"""Bytes that are read of a partition before others have their turn. The client hands out all that it has fetched of one
first, and the alert step keeps what is hours ahead until all others have come as far."""
BATCH_BYTES = 256 * 1024
TRANSACTION_TIMEOUT = 10_000
"""Milliseconds after which brokers give up the transaction of an ingest that died; until then it hides what follows."""
MUCH = MOST // 2
"""With so many messages goes how far all partitions are: they may be hours, and readers should not wait for a round."""
TICK, SOON = 1000, 100
"""Milliseconds between two rounds of ticks, at least; and while it is not known yet which partitions are ours, or where
one ends. Readers wait for those that have nothing until they are told."""
TICKS_A_SECOND = 200
"""Ticks that one ingest sends at most; with very many partitions they come less often."""
FEW, LET_COME = 100, 0.01
"""After fewer messages than this, seconds in which more may come before the next look: one costs the client and the
brokers as much for one message as for many, and they wait to be packed together anyway."""
RETRY = 10
"""Milliseconds after which a request of a transaction is sent again. Each one meets the end of the one before, which
brokers are still writing; with the client's 100 it waits once or twice for nothing."""
WEIGH = 100
"""Milliseconds between two looks at which partitions are ahead of others."""
PAUSE = 0.5
"""Seconds between two attempts when Kafka fails us."""

Clock = Callable[[], Millis]


def _now() -> Millis:
    return time.time_ns() // 1_000_000


class Ingest:
    """One worker of the hop. `name` is its own among all workers: a second one of that name takes its place.

    Raises ConfigError where no broker is there, or a topic is missing.
    """

    def __init__(self, config: Config, name: str, now: Clock = _now, group: str = GROUP) -> None:
        self.settings, self.name, self._now = config.kafka, name, now
        self._group = self.settings.prefix + group
        sources = make_sources(config.sources)
        topics = {self.settings.topic(RAW + source): source for source in sources}
        needed = [*topics, *(self.settings.topic(target) for target in TARGETS)]
        self._check(sources, needed)
        self._sources: Mapping[str, str] = topics
        self._consumer: Consumer = consumer(
            self.settings,
            group_id=self._group,
            group_instance_id=name,
            session_timeout_ms=self.settings.session,
            heartbeat_interval_ms=self.settings.session // 4,
            max_poll_records=POLLED,
            max_partition_fetch_bytes=FETCHED,
        )
        unpack_compiled(self._consumer)
        self._producer: Producer = self._new_producer()
        targets = len(self._producer.partitions_for(self.settings.topic("events")))
        ingest = self.settings.ingest
        self.hop = Hop(Normaliser(sources), targets, config.flow.time.skew, ingest.pack, ingest.clock)
        self.transactions = self.given_up = self.packs = self.ticks = 0
        self.broken = False
        """Whether Kafka failed us, and we have not begun anew yet."""
        self.ready = False
        """Whether it has partitions, or knows that others have them all."""
        self._thread = ThreadPoolExecutor(1, "transaction")
        self._open: Future[None] | None = None
        self._positions: dict[Partition, int] = {}
        self._member: Any = None
        """Who we were in the group when we read what waits: brokers refuse it once others have the partitions. Who we
        are when we commit would do only while the group has not dropped us; then it is nobody, whom they believe."""
        self._held: frozenset[Partition] = frozenset()
        self._doubtful: frozenset[Partition] = frozenset()
        """Partitions that we had before, too: others may have read on in a generation of the group that we missed."""
        self._ahead = Ahead(self._left)
        self._since = self._tick_at = self._weighed = 0
        self._closed = self._knows_topics = False

    # -- running ---------------------------------------------------------------------------------------------------

    def run(self, stop: Flag) -> bool:
        """Work until `stop` is set; then what was read is finished. Raises ConfigError when fenced by a namesake.

        False where it could not be finished, because Kafka failed us: it is read again, by others.
        """
        collector.settle()
        self.subscribe()
        try:
            while not stop.is_set():
                self.step()
            self.commit()
            finished = self.finish() and not self.broken
        finally:
            self.close()
        leave_group(self.settings, self._group, self.name)
        return finished

    def subscribe(self) -> None:
        """Ask for partitions."""
        self._consumer.subscribe(list(self._sources), listener=Listener(self._revoked, self._assigned))

    def close(self) -> None:
        """Let go of Kafka; what was not committed is read again by others."""
        self._closed = True
        close_quietly(self._producer)
        close_quietly(self._consumer)
        self._thread.shutdown()

    def step(self) -> None:
        """One look at Kafka, and a transaction where enough waits or has waited long enough."""
        if not (self._knows_topics or self._learned_topics()) or (self.broken and not self._recovered()):
            return
        linger = self.settings.ingest.linger
        try:
            polled = self._polled(linger)
        except KafkaError as error:
            self._failed("reading", error)
            return
        member = self._consumer.group_metadata()
        if member.generation_id >= 0:  # else a poll is over before the group has taken us in
            self.ready = True
            self._member = member if polled else self._member
        count, now = 0, self._now()
        for tp, messages in polled.items():
            self._since = self._since or now
            count += len(messages)
            self.hop.take(self._origin(tp), self._sources[tp.topic], messages)
            self._positions[tp] = messages[-1].offset + 1
            self._ahead.read(tp, messages[-1].timestamp, now)
        self._let_wait(count, now)
        if 0 < count < FEW:
            time.sleep(LET_COME)
        now = self._now()
        few = count < MOST // 10 and not self._consumer.paused()  # of those that are paused much is left
        waited = self.hop.waiting and few and now - self._since >= linger
        if self.hop.waiting >= MOST or waited or now >= self._tick_at:
            self.commit()

    def _polled(self, linger: Millis) -> Mapping[Partition, Sequence[RawMessage]]:
        """What there is to read, from where reading goes on now.

        The client reads on where it was with partitions that it gets again, though others may have had them meanwhile.
        """
        polled: Mapping[Partition, Sequence[RawMessage]] = self._consumer.poll(timeout_ms=linger)
        if self._doubtful:
            self._read_again(self._doubtful)
            polled = {tp: messages for tp, messages in polled.items() if tp not in self._doubtful}
            self._doubtful = frozenset()
        return polled

    def _let_wait(self, count: int, now: Millis) -> None:
        """Pause what is ahead of the rest; not while the client has more in hand than the last look gave."""
        if count >= POLLED or now - self._weighed < WEIGH:
            return
        self._weighed, paused, waiting = now, self._consumer.paused(), self._ahead.waiting(now)
        self._consumer.resume(*paused - waiting)
        self._consumer.pause(*waiting - paused)

    def _read_all(self) -> None:
        """Nobody waits any more. Who does is asked anew when the client tells by what it gives whether it has more."""
        self._ahead.forget()
        self._weighed = self._now()
        self._consumer.resume(*self._consumer.paused())

    def commit(self) -> None:
        """Begin a transaction with what waits, the ticks that are due, and the offsets of what was read.

        It goes on beside us while more is read and decoded; the next one waits for its end, and so does `finish`.
        """
        if not self.finish() or self.broken:
            return
        now, much = self._now(), self.hop.waiting >= MUCH
        for tp in self._consumer.assignment():
            self.hop.meet(self._origin(tp), self._sources[tp.topic])
        greetings = self.hop.greetings(now)
        outs = greetings + self.hop.packs(now)
        packs = len(outs) - len(greetings)
        if much or now >= self._tick_at:
            outs += self._ticks(now)
        if not outs and not self._positions:
            return
        offsets = {tp: position(offset) for tp, offset in self._positions.items()}
        self._open = self._thread.submit(self._transaction, outs, offsets, self._member)
        self.packs += packs
        self.ticks += len(outs) - packs
        self._positions, self._since = {}, 0

    def finish(self) -> bool:
        """Wait until the open transaction is in Kafka; False where it was given up."""
        if self._open is None:
            return True
        running, self._open = self._open, None
        try:
            running.result()
        except KafkaError as error:
            self._failed("writing", error)
            return False
        self.transactions += 1
        return True

    def _transaction(self, outs: Sequence[Out], offsets: Mapping[Partition, Any], group: Any) -> None:
        """All of it or nothing.

        What became of each message is asked before the end: where brokers have given up the transaction meanwhile, the
        client drops what it held of it, begins another one by itself, and says of that or of none that it is committed.
        """
        made = self._producer
        made.begin_transaction()
        topic = self.settings.topic
        sent = [made.send(topic(out.topic), out.value, out.key, partition=out.partition) for out in outs]
        if offsets:
            made.send_offsets_to_transaction(offsets, group)
        made.flush()
        for one in sent:
            one.get()
        made.commit_transaction()

    # -- partitions come and go ------------------------------------------------------------------------------------

    def _revoked(self, revoked: Sequence[Partition]) -> None:
        """Finish what was read of partitions before others get them."""
        if self._closed:
            return
        self.commit()
        self.finish()
        self._ahead.forget()  # the client does not tell how far what is not ours is
        self.hop.forget(self._origin(tp) for tp in revoked)

    def _assigned(self, assigned: Sequence[Partition]) -> None:
        """Nothing waits yet; where to read on is known by the offsets."""
        self._doubtful = self._held.intersection(assigned)
        self._held = frozenset(assigned)
        self._read_all()
        LOG.info("ingest %s has %d partitions", self.name, len(assigned))

    def lag(self) -> int:
        """Messages of our partitions that are there and not yet read."""
        return sum(self._left(tp) or 0 for tp in self._consumer.assignment())

    # -- inside ----------------------------------------------------------------------------------------------------

    def _check(self, sources: Mapping[str, Any], needed: Sequence[str]) -> None:
        topics = [topic for topic in wanted(self.settings, sources) if topic.name in needed]
        missing = [one.topic for one in differences(self.settings, topics) if one.what == "topic"]
        if missing:
            raise ConfigError(
                f"Kafka at {self.settings.address} has no topic {', '.join(missing)}; `tocsin topics create` makes them"
            )

    def _new_producer(self) -> Producer:
        made = producer(
            self.settings,
            transactional_id=f"{self._group}-{self.name}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT,
            batch_size=BATCH_BYTES,
            retry_backoff_ms=RETRY,
        )
        try:
            made.init_transactions()
        except KafkaError:
            close_quietly(made)  # else it goes on trying, and takes the place of the one after it
            raise
        return made

    def _origin(self, tp: Partition) -> str:
        return f"{tp.topic[len(self.settings.prefix) :]}/{tp.partition}"

    def _ticks(self, now: Millis) -> list[Out]:
        """How far all partitions are; of those that are read to their end, that."""
        left = {tp: self._left(tp) for tp in self._consumer.assignment()}
        known = left and None not in left.values()
        self._tick_at = now + (self._tick_every() if known else SOON)
        ended = {self._origin(tp) for tp, count in left.items() if count == 0 and tp not in self._positions}
        return self.hop.ticks(now, ended)

    def _learned_topics(self) -> bool:
        """Have the client know which partitions there are, before its first look at the group.

        Else it joins without, as the leader gives everybody nothing, and mends that in a second round. A namesake that
        takes its place in between is told that nothing has changed, and waits for the next change.
        """
        try:
            self._knows_topics = all(self._consumer.partitions_for_topic(topic) for topic in self._sources)
        except KafkaError as error:
            LOG.warning("ingest %s: Kafka does not tell of its topics yet: %s", self.name, error)
        if not self._knows_topics:
            time.sleep(PAUSE)
        return self._knows_topics

    def _left(self, tp: Partition) -> int | None:
        """Messages that are there and not yet read; None where that is not known yet."""
        end = self._consumer.highwater(tp)
        return None if end is None else max(end - self._consumer.position(tp), 0)

    def _tick_every(self) -> Millis:
        """Milliseconds between two rounds of ticks."""
        return max(TICK, self.hop.ticking * 1000 // TICKS_A_SECOND)

    def _failed(self, doing: str, error: Exception) -> None:
        """Give up what is open, to read it again: others may have the partitions now, or Kafka had a bad moment."""
        if isinstance(error, Replaced) or Replaced.__name__ in str(error):  # a producer says it in words only
            raise ConfigError(f"another ingest is named {self.name!r}: give each worker a name of its own") from error
        if self._open is not None:  # it fails too, or what it holds counts as read
            wait([self._open])
            self._open = None
        LOG.warning("ingest %s: %s failed, and is tried again: %s", self.name, doing, error)
        self.given_up += 1
        self.hop.forget()
        self._positions, self._since = {}, 0
        self.ready, self.broken = False, True

    def _recovered(self) -> bool:
        """Begin anew: a new producer gives up what the old one had open, and reading goes on from what is committed.

        The old one ends first: what it may still commit must not come between what we ask for and what we say.
        """
        time.sleep(PAUSE)
        close_quietly(self._producer)
        try:
            committed = self._read_again(self._consumer.assignment())
            self._ask_whether_replaced(committed)
            self._producer = self._new_producer()
            self._read_again(self._consumer.assignment())  # brokers may have ended what was open until now
        except Replaced as error:
            self._failed("starting again", error)
        except (KafkaError, Unreachable) as error:
            LOG.warning("ingest %s: Kafka is not back yet: %s", self.name, error)
            return False
        self.broken = False
        return True

    def _read_again(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Go back to what counts as read, and say what that is."""
        known: dict[Partition, int] = {}
        self._read_all()
        for tp in partitions:
            committed = self._consumer.committed(tp)
            if committed is None:
                self._consumer.seek_to_beginning(tp)
            else:
                known[tp] = committed
                self._consumer.seek(tp, committed)
        return known

    def _ask_whether_replaced(self, committed: Mapping[Partition, int]) -> None:
        """Commit what is committed already: that tells who has our name, before we take a producer away from them."""
        try:
            self._consumer.commit({tp: position(offset) for tp, offset in committed.items()})
        except Replaced:
            raise
        except KafkaError as error:
            LOG.debug("ingest %s: the group is changing: %s", self.name, error)
