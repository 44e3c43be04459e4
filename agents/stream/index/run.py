"""The role index on Kafka: read what the topics say, write it to Elasticsearch, count it as read only then.

It keeps nothing. A round of messages is made into documents while the one before is written; its offsets are committed
when each of its documents is in Elasticsearch or in the topic of dead letters. Whatever dies in between, the round is
read again, and what is written again has the same ids and versions. While Elasticsearch takes nothing there are two
rounds in memory, and what the client has fetched: nothing more is read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any

import aiokafka  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from agents.config import Config
from agents.index.bulk import Refusal
from agents.index.client import connect
from agents.index.indexer import Indexer, State
from agents.index.settings import DEEP, ElasticsearchOutput
from agents.stream.index.feeds import FEEDS, PACKED
from agents.stream.index.rounds import Round
from agents.stream.sizes import MOST_BYTES
from agents.stream.wire import pack_record
from agents.stream.worker.access import aiokafka_options, stopped
from agents.stream.worker.outputs import DEAD
from schemas.base import ConfigError
from schemas.event import DeadLetter

LOG = logging.getLogger(__name__)
GROUP = "tocsin-index"
SLICE = {topic: 2 if topic in PACKED else 100 for topic in FEEDS}
"""Messages that are read of a topic before the others have their turn."""
MOST = 10_000
"""Messages in a round at most, however few documents they hold."""
PAUSE = 0.2
"""Seconds between two attempts, and to wait for messages where there are none."""
MOVING = (CommitFailedError, IllegalGenerationError, IllegalStateError, RebalanceInProgressError, UnknownMemberIdError)
"""What a commit ends with while partitions go to others."""
NOT_KNOWN = 1 << 63
"""An offset that comes never."""
IDLE = 2**31 - 1
"""Milliseconds that reading may pause without the group taking our partitions away: it pauses while we wait."""
FINISH = 2.0
"""Seconds in which what is being written has to be, when partitions go to others or we are stopped."""
FETCH = 100
"""Milliseconds that a fetch waits at a broker: those of other partitions wait behind it."""


def output_of(config: Config) -> ElasticsearchOutput | None:
    """The output that the role writes to: the first to Elasticsearch."""
    return next((one for one in config.outputs if isinstance(one, ElasticsearchOutput)), None)


def required_output(config: Config) -> ElasticsearchOutput:
    """The same. Raises ConfigError where there is none."""
    found = output_of(config)
    if found is None:
        raise ConfigError(
            "outputs: the role index has nowhere to write to; name Elasticsearch in the configuration, for example\n"
            "outputs:\n  - type: elasticsearch\n    nodes: [http://localhost:9200]"
        )
    return found


class Index(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]
    """One worker of the role. `name` makes a restart quick: the group waits for whoever has it."""

    def __init__(self, config: Config, name: str = "") -> None:
        """Raises ConfigError where no output is named, or a file does not hold what it should."""
        self.settings, self._kafka = required_output(config), config.kafka
        self.group = f"{config.kafka.prefix}{GROUP}-{self.settings.prefix}"
        wanted = [topic for topic in FEEDS if topic != "events" or self.settings.events]
        self._topics = {config.kafka.topic(topic): topic for topic in wanted}
        self._client = connect(self.settings)
        self.indexer = Indexer(self._client, self.settings, self._refuse)
        options = aiokafka_options(config.kafka)
        self._consumer = aiokafka.AIOKafkaConsumer(
            **options,
            group_id=self.group,
            group_instance_id=name or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=config.kafka.session,
            heartbeat_interval_ms=min(3000, config.kafka.session // 4),
            max_poll_interval_ms=IDLE,
            fetch_max_wait_ms=FETCH,
        )
        self._producer = aiokafka.AIOKafkaProducer(
            **options, enable_idempotence=True, max_request_size=MOST_BYTES, max_batch_size=MOST_BYTES
        )
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.dead: Counter[str] = Counter()
        """Dead letters by their reason."""
        self.rounds = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._epoch = 0
        self._doubt: dict[Any, int] = {}
        """The end that each partition had when it became ours: others may have written anything before it."""
        self._read_to: dict[Any, int] = {}
        self._written: dict[Any, int] = {}
        """How far each partition is read, and written."""
        self._refused: list[Refusal] = []
        self._writing: asyncio.Task[None] | None = None
        self._assigned = False

    # -- start and end ---------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Connect, and work until `end`. What fails later is in `failure`. Raises KafkaError."""
        await self._producer.start()
        await self._consumer.start()
        self._spawn(self._work())
        self._spawn(self._watch())

    async def end(self) -> bool:
        """Write what is being written where that is possible, leave the group, disconnect. Whether it was written."""
        writing = self._writing
        if writing is not None and self.indexer.health.state is State.INDEXING:
            await asyncio.wait({writing}, timeout=FINISH)
        finished = writing is None or writing.done()
        tasks = [*self._tasks, *(() if writing is None else (writing,))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await stopped(self._consumer.stop())
        await self._producer.stop()
        self._client.close()
        return finished

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.failure.done():
            self.failure.set_exception(error)

    async def _work(self) -> None:
        await self.indexer.ready()
        self._consumer.subscribe(list(self._topics), listener=self)
        ahead = asyncio.create_task(self._read())
        try:
            while True:
                found = await ahead
                if found.epoch == self._epoch:
                    self._writing = asyncio.create_task(self._write(found))
                ahead = asyncio.create_task(self._read())
                if self._writing is not None:
                    await asyncio.wait({self._writing})
                    if not self._writing.cancelled():
                        self._writing.result()
                    self._writing = None
        finally:
            ahead.cancel()

    # -- reading ---------------------------------------------------------------------------------------------------

    async def _read(self) -> Round:
        """A round that is full, or has waited long enough for more."""
        made = Round(self._epoch)
        until = 0.0
        while True:
            made = await self._by_turns(made)
            now = time.monotonic()
            if made.messages and not until:
                until = now + self.settings.wait / 1000
            if self._full(made) or (until and now >= until):
                return made
            made = await self._take(made, (), PAUSE, 1)

    async def _by_turns(self, made: Round) -> Round:
        """Of each topic a slice, again and again, so that none waits until another one is read to its end."""
        before = -1
        while made.messages != before and not self._full(made):
            before = made.messages
            for topic, partitions in self._partitions().items():
                made = await self._take(made, partitions, 0, SLICE[topic])
        return made

    async def _take(self, made: Round, partitions: Sequence[Any], wait: float, most: int) -> Round:
        """Add messages of these partitions, or of all; to a new round, where partitions have moved meanwhile."""
        found = await self._consumer.getmany(*partitions, timeout_ms=int(wait * 1000), max_records=most)
        if made.epoch != self._epoch:
            made = Round(self._epoch)
        for partition, messages in found.items():
            self._written.setdefault(partition, messages[0].offset)
            self._read_to[partition] = messages[-1].offset + 1
            made.doubtful = made.doubtful or messages[0].offset < self._doubt.get(partition, NOT_KNOWN)
            made.take(self._topics[partition.topic], partition, messages)
        if found:
            await asyncio.sleep(0)  # heartbeats, and answers that requests wait for, have their turn, too
        return made

    def _partitions(self) -> dict[str, list[Any]]:
        """Our partitions by topic, in the order of FEEDS."""
        found: dict[str, list[Any]] = {topic: [] for topic in self._topics.values()}
        for one in self._consumer.assignment():
            found[self._topics[one.topic]].append(one)
        return {topic: partitions for topic, partitions in found.items() if partitions}

    def _full(self, made: Round) -> bool:
        """Whether it is enough; where nothing is being written what keeps all requests busy is enough."""
        most, size = self.settings.round_documents, self.settings.round_bytes
        if self._writing is None or self._writing.done():
            most, size = most // DEEP, size // DEEP
        return len(made) >= most or made.size >= size or made.messages >= MOST

    # -- writing ---------------------------------------------------------------------------------------------------

    async def _write(self, made: Round) -> None:
        """Write a round, send the dead letters of what was refused, and commit."""
        self._refused = []
        await self.indexer.write(made.documents, doubtful=made.doubtful)
        letters = [*made.letters, *made.refusals(self._refused)]
        if letters:
            await self._send(letters)
        await self._commit(made)
        self.rounds += 1

    def _refuse(self, refused: Iterable[Refusal]) -> None:
        self._refused += refused

    async def _send(self, letters: Sequence[DeadLetter]) -> None:
        topic = self._kafka.topic(DEAD)
        for one in letters:
            while True:
                try:
                    await self._producer.send_and_wait(topic, pack_record(one), one.id.encode())
                    break
                except KafkaError as error:
                    if not error.retriable:
                        raise
                    LOG.warning("a dead letter could not be sent, and is tried again: %r", error)
                    await asyncio.sleep(PAUSE)
            self.dead[one.reason] += 1

    async def _commit(self, made: Round) -> None:
        """Commit until it has been done, or others have the partitions: then they write the round again."""
        while True:
            try:
                await self._consumer.commit(made.positions)
                break
            except KafkaError as error:
                if made.epoch != self._epoch:
                    LOG.info("what was written is not committed, for others have the partitions now: %r", error)
                    return
                if not (isinstance(error, MOVING) or error.retriable):
                    raise
                LOG.warning("what was written could not be committed, and is tried again: %r", error)
                await asyncio.sleep(PAUSE)
        if made.epoch == self._epoch:
            self._written |= made.positions

    # -- partitions come and go ------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """Finish what is being written, where that is possible soon; what is read beyond it is forgotten."""
        del revoked
        self._epoch += 1
        self._assigned = False
        self._doubt, self._read_to, self._written = {}, {}, {}
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=FINISH)
            self._writing.cancel()

    async def on_partitions_assigned(self, assigned: Sequence[Any]) -> None:
        """Others may have written what is there now."""
        LOG.info("index has %d partitions", len(assigned))
        self.indexer.forget()
        self._assigned = True
        if assigned:
            self._doubt = await self._consumer.end_offsets(assigned)

    async def _watch(self) -> None:
        """Where nothing is read that is not written, it stands where it will read on: that may be behind marks."""
        while True:
            await asyncio.sleep(1)
            epoch = self._epoch
            for one in self._consumer.assignment():
                before = self._read_to.get(one)
                if before == self._written.get(one):
                    with suppress(IllegalStateError):  # it is somebody else's by now
                        position = await self._consumer.position(one)
                        if epoch == self._epoch and self._read_to.get(one) == before:
                            self._read_to[one] = self._written[one] = position

    # -- what it tells of itself -----------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether it has its partitions, and Elasticsearch takes what is in them."""
        return self._assigned and not self.failure.done() and self.indexer.health.state is State.INDEXING

    def lag(self) -> dict[tuple[str, int], int]:
        """Messages that are there and not yet written, by topic and partition."""
        found: dict[tuple[str, int], int] = {}
        for one, position in self._written.items():
            end = self._consumer.highwater(one)
            if end is not None:
                found[one.topic, one.partition] = max(end - position, 0)
        return found
