"""The Faust host: an agent for each step, a shard for each partition that is ours, and one task that sends and keeps.

The agents only change memory. What follows is sent a few times a second; every few seconds each shard writes a
checkpoint, after all that it has sent so far is in Kafka. After a crash the state is that of the last checkpoint, and
what was read since is read again: it gives the same outputs under the same numbers, which readers leave out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import faust
from faust.types import TP

from agents.config import Config
from agents.stream import wire
from agents.stream.clients import faust_options
from agents.stream.worker.access import aiokafka_options
from agents.stream.worker.alerts import AlertShard
from agents.stream.worker.keeper import Keeper, Kept
from agents.stream.worker.outputs import ALERT_STATE, ALERTS, COMMANDS, EVENTS, ROUTES, SCOPE_STATE, outs
from agents.stream.worker.reference import TOPIC, Given, Reference
from agents.stream.worker.scopes import ScopeShard
from agents.stream.worker.sender import Sender
from agents.stream.worker.shard import Shard
from agents.stream.worker.store import LogTable
from agents.stream.worker.transport import Transport
from pipeline.practices.reference import TYPES
from schemas.base import BadRecord
from schemas.command import Command
from schemas.event import DeadLetter, RawRecord, content_id

GROUP = "tocsin-correlate"
FLUSH = 0.02
"""Seconds between two looks at what has to be sent."""
BUFFER = 4096
"""Messages that may wait in memory."""


class _App(faust.App):
    """Faust's application, on our transport. `positions` says where reading goes on after a rebalance."""

    positions: Callable[[Iterable[TP]], dict[TP, int | None]]
    failed: Callable[[BaseException], None]

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """An agent that failed is not started again: the state may be half changed."""
        await super()._on_agent_error(agent, exc)
        self.failed(exc)

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)


class Host:
    """One worker of the role correlate. `name` makes a restart quick: the group waits for whoever has it."""

    def __init__(self, config: Config, name: str = "") -> None:
        kafka = config.kafka
        self.config, self._prefix = config, kafka.prefix
        self.app = _App(
            kafka.prefix + GROUP,
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
        options = aiokafka_options(kafka)
        self.sender = Sender(kafka.prefix, options)
        self.reference = Reference(kafka.prefix, options)
        self.alert_shards: dict[int, AlertShard] = {}
        self.scope_shards: dict[int, ScopeShard] = {}
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refused = 0
        self._keepers: dict[Shard, Keeper] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushes: set[asyncio.Task[None]] = set()
        self.recovered = asyncio.Event()
        self.recovery_seconds = 0.0

    # -- start and end ---------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Connect, join the group, and work until `end`. What fails later is in `failure`."""
        topics = {topic for _, names in ROUTES.values() for topic in names} | {EVENTS, ALERTS, COMMANDS}
        topics |= {ALERT_STATE, SCOPE_STATE, *(TOPIC.format(kind) for kind in TYPES)}
        await self.sender.start(topics)
        self._spawn(self.reference.run(self._heard), self._tasks)
        self._declare()
        self._spawn(self._flush(), self._tasks)
        await self.app.start()
        self._spawn(self._watch(), self._tasks)

    async def end(self) -> None:
        """Write what is left, leave the group, disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._flushes, return_exceptions=True)
        if not self.failure.done():
            await self._keep_all()
        await self.app.stop()
        await self.sender.stop()

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
        """Two tables, three agents. All names are ours."""
        events, alerts = self.sender.partitions(EVENTS), self.sender.partitions(ALERTS)
        self.alert_log = LogTable(
            self.app,
            "alerts",
            self._prefix + ALERT_STATE,
            events,
            lambda mine: self._recovering(self._alerts_recovered(mine)),
        )
        self.scope_log = LogTable(
            self.app,
            "scopes",
            self._prefix + SCOPE_STATE,
            alerts,
            lambda mine: self._recovering(self._scopes_recovered(mine)),
        )
        for table in (self.alert_log, self.scope_log):
            self.app.tables.add(table)
        for topic, partitions, agent in (
            (EVENTS, events, self._events),
            (ALERTS, alerts, self._alerts),
            (COMMANDS, alerts, self._commands),
        ):
            channel = self.app.topic(
                self._prefix + topic,
                key_serializer="raw",
                value_serializer="raw",
                value_type=bytes,
                partitions=partitions,
            )
            self.app.agent(channel, name=f"tocsin.{topic}")(agent)
        self.app.on_partitions_revoked.connect(self._revoked)

    def positions(self, assigned: Iterable[TP]) -> dict[TP, int | None]:
        """Where reading goes on in each partition that has a shard; None is at its beginning."""
        found: dict[TP, int | None] = {}
        for tp in assigned:
            topic = tp.topic.removeprefix(self._prefix)
            shards: dict[str, Mapping[int, Shard]] = {
                EVENTS: self.alert_shards,
                ALERTS: self.scope_shards,
                COMMANDS: self.scope_shards,
            }
            shard = shards.get(topic, {}).get(tp.partition)
            if shard is not None:
                found[tp] = shard.applied[topic] + 1 if topic in shard.applied else None
        return found

    # -- partitions come and go ------------------------------------------------------------------------------------

    async def _revoked(self, *told: Any, **more: Any) -> None:
        del told, more
        self.recovered.clear()
        await self._keep_all()

    async def _recovering(self, work: Coroutine[Any, Any, None]) -> None:
        """Faust does not notice when what it calls after a recovery fails."""
        task = asyncio.ensure_future(work)
        await asyncio.wait([task])
        self._ended(task)
        await self.app.consumer.perform_seek()

    async def _alerts_recovered(self, mine: set[int]) -> None:
        targets = self.sender.partitions(ALERTS)
        self._recover(self.alert_log, self.alert_shards, mine, lambda n: AlertShard(self.config.flow, n, targets))

    async def _scopes_recovered(self, mine: set[int]) -> None:
        await self.reference.ready.wait()
        origins = self.sender.partitions(EVENTS)
        new = self._recover(self.scope_log, self.scope_shards, mine, lambda n: ScopeShard(self.config.flow, n, origins))
        known = self.reference.known()
        for shard in new:
            _refer(shard, known)

    def _recover(self, table: LogTable, shards: dict[int, Any], mine: set[int], make: Any) -> list[Any]:
        """Shards for the partitions that are ours; those that we had, and nobody else wrote to, go on as they are."""
        begin = time.perf_counter()
        logs = table.logs
        for number in [one for one in shards if one not in mine or logs.waiting(one)]:
            self._keepers.pop(shards.pop(number)).drop()
            if number not in mine:
                logs.forget(number)
        new = []
        for number in sorted(mine - shards.keys()):
            shard = shards[number] = make(number)
            restored = logs.release(number)
            topic = table.changelog_topic_name.removeprefix(self._prefix)
            keeper = self._keepers[shard] = Keeper(shard, topic, self.sender, logs, self.config.kafka.checkpoint)
            if restored is not None:
                shard.restore(restored)
                keeper.offsets = restored.offsets
            new.append(shard)
        self.recovery_seconds = time.perf_counter() - begin
        self.recovered.set()
        return new

    # -- inputs ----------------------------------------------------------------------------------------------------

    async def _events(self, stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            shard = self.alert_shards[message.partition]
            if not shard.had(EVENTS, message.offset):
                try:
                    shard.apply(wire.unpack_events(message.value))
                except BadRecord as error:
                    self._refuse(shard, message, error)
                shard.read(EVENTS, message.offset)
                await self._keepers[shard].room()

    async def _alerts(self, stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            shard = self.scope_shards[message.partition]
            if not shard.had(ALERTS, message.offset):
                try:
                    shard.apply(wire.unpack_changes(message.value))
                except BadRecord as error:
                    self._refuse(shard, message, error)
                shard.read(ALERTS, message.offset)
                await self._keepers[shard].room()

    async def _commands(self, stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            shard = self.scope_shards[message.partition]
            if not shard.had(COMMANDS, message.offset):
                try:
                    shard.command(wire.unpack_record(Command, message.value))
                except BadRecord as error:
                    self._refuse(shard, message, error)
                shard.read(COMMANDS, message.offset)

    def _refuse(self, shard: Shard, message: Any, error: BadRecord) -> None:
        """What can't be understood is kept with its bytes, and never stops the rest."""
        origin = f"{message.topic}/{message.partition}@{message.offset}"
        raw = RawRecord(
            source=message.topic, received=int(message.timestamp * 1000), payload=message.value or b"", origin=origin
        )
        letter = DeadLetter(id=content_id(origin), reason=error.reason, detail=error.detail, raw=raw)
        shard.outputs += outs([letter])
        self.refused += 1

    def _heard(self, news: Iterable[Given]) -> None:
        for shard in self.scope_shards.values():
            _refer(shard, news)

    # -- outputs ---------------------------------------------------------------------------------------------------

    async def _flush(self) -> None:
        """Have each shard send what it has, for ever."""
        while True:
            await asyncio.sleep(FLUSH)
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

    def steps(self) -> dict[str, dict[int, AlertShard] | dict[int, ScopeShard]]:
        """The shards of each step, by partition."""
        return {"alerts": self.alert_shards, "scopes": self.scope_shards}

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

    def lost(self) -> int:
        """Changes of alerts that were deleted before they were read."""
        return sum(shard.lost for shard in self.scope_shards.values())

    def open_alerts(self) -> int:
        """Alerts that are open in our partitions."""
        return sum(shard.open_alerts() for shard in self.scope_shards.values())

    def open_incidents(self) -> int:
        """Incidents that are not closed in our partitions."""
        return sum(len(shard.step.practice.by_id) for shard in self.scope_shards.values())

    @property
    def generation(self) -> int:
        """Of the consumer group."""
        return int(self.app.consumer_generation_id)


def _refer(shard: ScopeShard, news: Iterable[Given]) -> None:
    news = list(news)
    shard.refer((given.record, given.at) for given in news if given.record is not None)
    for given in news:
        if given.record is None:
            shard.withdraw(given.kind, given.identity)
