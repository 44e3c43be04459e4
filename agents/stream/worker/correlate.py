"""The role correlate: the alert step and the scope step, and reference data for all partitions of the latter."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from agents.config import Config
from agents.stream import wire
from agents.stream.parcel import packs_in
from agents.stream.worker.access import aiokafka_options
from agents.stream.worker.alerts import AlertShard
from agents.stream.worker.host import Host, Step, Told, at_once
from agents.stream.worker.outputs import (
    ALERT_STATE,
    ALERTS,
    COMMANDS,
    EVENTS,
    ROUTES,
    SCOPE_STATE,
)
from agents.stream.worker.reference import TOPIC, Given, Reference
from agents.stream.worker.scopes import ScopeShard
from pipeline.practices.reference import TYPES
from schemas.command import Command


class Correlate(Host):
    """One worker of the role correlate."""

    group = "tocsin-correlate"

    def __init__(self, config: Config, name: str = "") -> None:
        super().__init__(config, name)
        self.reference = Reference(config.kafka.prefix, aiokafka_options(config.kafka))
        flow, every, counted = config.flow, config.kafka.checkpoint, self.sender.partitions
        self.alerts = Step(
            "alerts",
            ALERT_STATE,
            every,
            {EVENTS: lambda shard, value, _: shard.gradually(*map(wire.unpack_arrivals, packs_in(value)))},
            lambda number: AlertShard(flow, number, counted(ALERTS)),
        )
        self.scopes = Step(
            "scopes",
            SCOPE_STATE,
            every,
            {
                ALERTS: lambda shard, value, _: shard.gradually(wire.unpack_changes(value)),
                COMMANDS: lambda shard, value, _: at_once(shard.command(wire.unpack_record(Command, value))),
            },
            lambda number: ScopeShard(flow, number, counted(EVENTS)),
        )

    def steps(self) -> Sequence[Step[Any]]:
        """See `Host.steps`."""
        return self.alerts, self.scopes

    def topics(self) -> set[str]:
        """See `Host.topics`."""
        return {topic for _, names in ROUTES.values() for topic in names} | {TOPIC.format(kind) for kind in TYPES}

    def tasks(self) -> Iterable[Coroutine[Any, Any, None]]:
        """See `Host.tasks`."""
        return (self.reference.run(self._heard),)

    async def renew(self, step: Step[Any], mine: set[int]) -> None:
        """See `Host.renew`: nothing is correlated before all reference data is known."""
        if step is not self.scopes:
            await self.recover(step, mine)
            return
        await self.reference.ready.wait()
        new = await self.recover(self.scopes, mine)
        known = self.reference.known()
        for shard in new:
            _refer(shard, known)

    def _heard(self, news: Iterable[Given]) -> None:
        for shard in self.scopes.shards.values():
            _refer(shard, news)

    def told(self) -> Iterable[Told]:
        """See `Host.told`."""
        alerts = incidents = lost = 0
        for shard in self.scopes.shards.values():
            alerts += shard.open_alerts()
            incidents += len(shard.step.practice.by_id)
            lost += shard.lost
        yield Told("tocsin_open_alerts", "Alerts that are open.", alerts)
        yield Told("tocsin_open_incidents", "Incidents that are not closed.", incidents)
        yield Told("tocsin_lost_changes", "Changes of alerts that were deleted before they were read.", lost, True)


def _refer(shard: ScopeShard, news: Iterable[Given]) -> None:
    news = list(news)
    shard.refer((given.record, given.at) for given in news if given.record is not None)
    for given in news:
        if given.record is None:
            shard.withdraw(given.kind, given.identity)
