"""The role detect: the models of metric samples. What they say goes to the topic of events, as if a monitor said it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from agents.config import Config
from agents.stream import wire
from agents.stream.worker.host import Host, Step, Told, at_once
from agents.stream.worker.outputs import DEAD, EVENTS, METRICS, SERIES_STATE
from agents.stream.worker.series import SeriesShard


class Detect(Host):
    """One worker of the role detect."""

    group = "tocsin-detect"

    def __init__(self, config: Config, name: str = "") -> None:
        super().__init__(config, name)
        flow, counted = config.flow, self.sender.partitions
        self.series = Step(
            "series",
            SERIES_STATE,
            config.kafka.checkpoint_models,
            {METRICS: lambda shard, value, offset: at_once(shard.apply(wire.unpack_metrics(value), offset))},
            lambda number: SeriesShard(flow, number, counted(METRICS), counted(EVENTS)),
        )

    def steps(self) -> Sequence[Step[Any]]:
        """See `Host.steps`."""
        return (self.series,)

    def topics(self) -> set[str]:
        """See `Host.topics`."""
        return {EVENTS, "replies", "audit", DEAD}

    def told(self) -> Iterable[Told]:
        """See `Host.told`."""
        shards = self.series.shards.values()
        yield Told("tocsin_series", "Series that are learned.", sum(len(shard.step.trends.table) for shard in shards))
