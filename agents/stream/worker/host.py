"""The Faust host: an agent for each input, a shard for each partition that is ours, and one task that sends and keeps.

Which steps a worker has is said by its role: see `Step`, and `correlate` and `detect`, which are made of this.

The agents only change memory. What follows is sent a few times a second; every few seconds each shard writes a
checkpoint, after all that it has sent so far is in Kafka. After a crash the state is that of the last checkpoint, and
what was read since is read again: it gives the same outputs under the same numbers, which readers leave out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import faust
from faust.types import TP

from agents.config import Config
from agents.stream.clients import faust_options
from agents.stream.worker.access import aiokafka_options
from agents.stream.worker.keeper import Keeper, Kept, moment
from agents.stream.worker.log import Log
from agents.stream.worker.outputs import outs
from agents.stream.worker.pace import Pace
from agents.stream.worker.sender import Sender
from agents.stream.worker.shard import Shard
from agents.stream.worker.store import LogTable, whole_log
from agents.stream.worker.transport import Transport
from schemas.base import BadRecord
from schemas.event import DeadLetter, RawRecord, content_id

FLUSH = 0.02
"""Seconds between two looks at what has to be sent."""
BUSY_OVER = 1.0
"""Seconds over which that is judged: whoever looks at one message only is always busy."""
STOOD_STILL = 0.5
"""Seconds between two looks that say that the process was stopped meanwhile: nothing follows of how busy it is."""
BUFFER = 1024
"""Messages that may wait in memory, of up to half a megabyte each."""


S = TypeVar("S", bound=Shard)

Taken = Callable[[S, bytes, int], Iterable[None]]
"""What a message does to its shard, by its bytes and its offset, with pauses: at each of them the message is in the
state, and others may look at it. Raises BadRecord for one that is not understood."""


def at_once(done: None) -> Iterable[None]:
    """What a message did that takes no pause."""
    del done
    return ()


class Step(Generic[S]):
    """One keyed step, and its shards in this worker by partition.

    `log` is the topic of its checkpoints, of which there is one every so many milliseconds. `inputs` are its topics,
    which have equally many partitions; a shard is made of one partition of each.
    """

    def __init__(
        self, name: str, log: str, every: int, inputs: Mapping[str, Taken[S]], make: Callable[[int], S]
    ) -> None:
        self.name, self.log, self.every, self.inputs, self.make = name, log, every, inputs, make
        self.shards: dict[int, S] = {}
        self.recovering = asyncio.Lock()
        """Held while shards come and go: the next rebalance may be over before that is."""


class Told(NamedTuple):
    """A figure that a role tells of itself: see `agents.stream.worker.metrics`."""

    name: str
    text: str
    value: float
    counter: bool = False


class _App(faust.App):
    """Faust's application, on our transport. `positions` says where reading goes on after a rebalance."""

    positions: Callable[[Iterable[TP]], dict[TP, int | None]]
    failed: Callable[[BaseException], None]

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """An agent that failed is not started again: the state may be half changed."""
        await super()._on_agent_error(agent, exc)
        self.failed(exc)

    def on_init_dependencies(self) -> Any:
        """Without Faust's own figures of each message: ours are told elsewhere."""
        services = super().on_init_dependencies()
        self.sensors.remove(self.monitor)
        return services

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)


class Host:
    """One worker of a role. `name` makes a restart quick: the group waits for whoever has it."""

    group: str
    """The name of the consumer group, without prefix."""

    def __init__(self, config: Config, name: str = "") -> None:
        kafka = config.kafka
        self.config, self._prefix = config, kafka.prefix
        self.app = _App(
            kafka.prefix + self.group,
            **faust_options(kafka),
            store="memory://",
            topic_disable_leader=True,
            topic_allow_declare=False,
            stream_buffer_maxsize=BUFFER,
            stream_wait_empty=False,
            stream_recovery_delay=0.0,
            broker_client_id=f"{kafka.prefix}tocsin",
            broker_commit_interval=0.5,
            broker_session_timeout=kafka.session / 1000,
            broker_heartbeat_interval=min(3.0, kafka.session / 4000),
            broker_max_poll_interval=300.0,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=name or None,
            web_enabled=False,
            canonical_url=f"http://{name or id(self)}",
        )
        self.app.positions, self.app.failed = self.positions, self.fail
        self.sender = Sender(kafka.prefix, aiokafka_options(kafka))
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refused = self._handled = 0
        self._pace = Pace(moment())
        self._keepers: dict[Shard, Keeper] = {}
        self._tables: dict[str, LogTable] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushes: set[asyncio.Task[None]] = set()
        self.recovered = asyncio.Event()
        self.recovery_seconds = 0.0

    # -- what a role says ------------------------------------------------------------------------------------------

    def steps(self) -> Sequence[Step[Any]]:
        """Its steps, always the same ones. `sender` knows the topics once a shard is made."""
        raise NotImplementedError

    def topics(self) -> set[str]:
        """What it writes to, beside its checkpoints."""
        raise NotImplementedError

    def tasks(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What runs beside the steps; it may raise to end the worker."""
        return ()

    async def renew(self, step: Step[Any], mine: set[int]) -> None:
        """Partitions have come or gone, and the log of the step has been read."""
        await self.recover(step, mine)

    def told(self) -> Iterable[Told]:
        """Figures of its own."""
        return ()

    # -- start and end ---------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Connect, join the group, and work until `end`. What fails later is in `failure`."""
        inputs = {topic for step in self.steps() for topic in (*step.inputs, step.log)}
        await self.sender.start(self.topics() | inputs)
        for work in self.tasks():
            self._spawn(work, self._tasks)
        self._declare()
        self._spawn(self._flush(), self._tasks)
        await self.app.start()
        self._spawn(self._watch(), self._tasks)

    async def end(self) -> bool:
        """Write what is left, leave the group, disconnect. It is all written."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._flushes, return_exceptions=True)
        if not self.failure.done():
            await self._keep_all()
        await self.app.stop()
        await self.sender.stop()
        return True

    def fail(self, error: BaseException) -> None:
        """Something can't go on: the process has to end."""
        if not self.failure.done():
            self.failure.set_exception(error)

    def _spawn(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
        task = asyncio.ensure_future(work)
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    async def _watch(self) -> None:
        await self.app.wait_until_stopped()
        if self.app.crash_reason is not None:
            raise self.app.crash_reason

    # -- what Faust needs ------------------------------------------------------------------------------------------

    def _declare(self) -> None:
        """A table for each step, an agent for each input. All names are ours."""
        for step in self.steps():
            partitions = self.sender.partitions(next(iter(step.inputs)))
            table = LogTable(self.app, step.name, self._prefix + step.log, partitions, self._renewing(step))
            self._tables[step.name] = table
            self.app.tables.add(table)
            for topic in step.inputs:
                channel = self.app.topic(
                    self._prefix + topic,
                    key_serializer="raw",
                    value_serializer="raw",
                    value_type=bytes,
                    partitions=partitions,
                )
                self.app.agent(channel, name=f"tocsin.{topic}")(self._reading(step, topic))
        self.app.on_partitions_revoked.connect(self._revoked)

    def positions(self, assigned: Iterable[TP]) -> dict[TP, int | None]:
        """Where reading goes on in each partition that has a shard; None is at its beginning."""
        found: dict[TP, int | None] = {}
        steps = {topic: step for step in self.steps() for topic in step.inputs}
        for tp in assigned:
            topic = tp.topic.removeprefix(self._prefix)
            shard = steps[topic].shards.get(tp.partition) if topic in steps else None
            if shard is not None:
                found[tp] = shard.applied[topic] + 1 if topic in shard.applied else None
        return found

    # -- partitions come and go ------------------------------------------------------------------------------------

    async def _revoked(self, *told: Any, **more: Any) -> None:
        del told, more
        self.recovered.clear()
        await self._keep_all()

    def _renewing(self, step: Step[Any]) -> Callable[[set[int]], Coroutine[Any, Any, None]]:
        async def renew(mine: set[int]) -> None:
            """Faust does not notice when what it calls after a recovery fails."""
            task = asyncio.ensure_future(self.renew(step, mine))
            await asyncio.wait([task])
            self._ended(task)
            await self.app.consumer.perform_seek()

        return renew

    async def recover(self, step: Step[S], mine: set[int]) -> list[S]:
        """Shards for the partitions that are ours; those that we had, and nobody else wrote to, go on as they are.

        Returns the new ones. Raises KafkaError.
        """
        begin = time.perf_counter()
        async with step.recovering:
            self._let_go(step, mine)
            new = [await self._shard(step, number) for number in sorted(mine - step.shards.keys())]
        self.recovery_seconds = time.perf_counter() - begin
        self.recovered.set()
        return new

    def _let_go(self, step: Step[Any], mine: set[int]) -> None:
        logs = self._tables[step.name].logs
        for number in [one for one in step.shards if one not in mine or logs.waiting(one)]:
            self._keepers.pop(step.shards.pop(number)).drop()

    async def _shard(self, step: Step[S], number: int) -> S:
        """A shard as its log says."""
        logs = self._tables[step.name].logs
        only_the_end, log = logs.holds_only_the_end(number), logs.release(number)
        if only_the_end or not (log is None or log.whole):
            log = await whole_log(aiokafka_options(self.config.kafka), self._prefix + step.log, number)
        # Beside the loop, however long it takes: else the group would think that we are dead.
        shard, offsets = await asyncio.to_thread(_restored, step, number, log)
        step.shards[number] = shard
        keeper = self._keepers[shard] = Keeper(shard, step.log, self.sender, logs, step.every, self._pace)
        keeper.offsets = offsets
        return shard

    # -- inputs ----------------------------------------------------------------------------------------------------

    def _reading(self, step: Step[Any], topic: str) -> Callable[[Any], Coroutine[Any, Any, None]]:
        take = step.inputs[topic]

        async def read(stream: Any) -> None:
            async for event in stream.events():
                message = event.message
                shard = step.shards[message.partition]
                if not shard.had(topic, message.offset):
                    await self._take(shard, topic, message, take)

        return read

    async def _take(self, shard: S, topic: str, message: Any, take: Taken[S]) -> None:
        """Handle a message; heartbeats and all others have their turn in its pauses, however much there is to do."""
        keeper = self._keepers[shard]
        try:
            for _ in take(shard, message.value, message.offset):
                shard.read(topic, message.offset)
                await keeper.room()
                await asyncio.sleep(0)
                if keeper.dropped:  # the partition is another worker's, who goes on where the checkpoint stands
                    return
        except BadRecord as error:
            self._refuse(shard, message, error)
        shard.read(topic, message.offset)
        self._handled += 1
        await keeper.room()  # not each message takes a pause
        await asyncio.sleep(0)

    def _refuse(self, shard: Shard, message: Any, error: BadRecord) -> None:
        """What can't be understood is kept with its bytes, and never stops the rest."""
        origin = f"{message.topic}/{message.partition}@{message.offset}"
        raw = RawRecord(
            source=message.topic, received=int(message.timestamp * 1000), payload=message.value or b"", origin=origin
        )
        letter = DeadLetter(id=content_id(origin), reason=error.reason, detail=error.detail, raw=raw)
        shard.outputs += outs([letter])
        self.refused += 1

    # -- outputs ---------------------------------------------------------------------------------------------------

    async def _flush(self) -> None:
        """Have each shard send what it has, for ever."""
        at, used, had = time.monotonic(), time.process_time(), 0
        looked = at
        while True:
            await asyncio.sleep(FLUSH)
            now = time.monotonic()
            stood_still, looked = now - looked > STOOD_STILL, now
            if stood_still or now - at >= BUSY_OVER:
                spent, handled = time.process_time(), self._handled
                if not stood_still:
                    lately = (spent - used) / (now - at), handled - had
                    self._pace.judge(spent, *lately, sum(self.lag().values()))
                at, used, had = now, spent, handled
            if self._pace.sends(now, self._handled):
                for keeper in list(self._keepers.values()):
                    if not keeper.busy:
                        self._spawn(keeper.flush(self.generation), self._flushes)

    async def _keep_all(self) -> None:
        """Have each shard send what it has and write a checkpoint."""
        await asyncio.gather(*(keeper.flush(self.generation, final=True) for keeper in self._keepers.values()))

    # -- what it tells of itself ------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether all partitions that are ours are served."""
        return self.recovered.is_set() and not self.app.rebalancing and not self.failure.done()

    def lag(self) -> dict[tuple[str, int], int]:
        """Messages that are there and not yet handled, by topic and partition; nothing while partitions move."""
        found: dict[tuple[str, int], int] = {}
        if not self.ready:
            return found
        consumer: Any = self.app.consumer
        for tp, position in self.positions(consumer.assignment()).items():
            behind = consumer.behind(tp, -1 if position is None else position - 1)
            if behind is not None:
                found[tp.topic, tp.partition] = behind
        return found

    def kept(self) -> Kept:
        """What checkpoints have cost so far."""
        keepers = self._keepers.values()
        return Kept(
            sum(keeper.checkpoints for keeper in keepers),
            sum(keeper.bytes for keeper in keepers),
            sum(keeper.seconds for keeper in keepers),
        )

    @property
    def generation(self) -> int:
        """Of the consumer group."""
        return int(self.app.consumer_generation_id)


def _restored(step: Step[S], number: int, log: Log | None) -> tuple[S, dict[int, int]]:
    """A shard as its log says, and where the records of the log are. Raises ConfigError."""
    shard, restored = step.make(number), None if log is None else log.restore()
    if restored is None:
        return shard, {}
    shard.restore(restored)
    shard.finish()
    return shard, restored.offsets
