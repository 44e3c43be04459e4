"""What the models of metrics have learned, as the workers' checkpoints have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import orjson

from agents.stream.settings import KafkaSettings
from agents.stream.whole import whole
from agents.stream.worker.log import Log
from agents.stream.worker.outputs import SERIES_STATE
from pipeline.state import Entry


class Learned:
    """The newest checkpoint of each partition. Raises ConfigError where no broker or topic is."""

    def __init__(self, settings: KafkaSettings) -> None:
        logs: dict[int, Log] = {}
        for message in whole(settings, SERIES_STATE):
            logs.setdefault(message.partition, Log()).add(message.value or b"", message.offset)
        restored = [logs[number].restore() for number in sorted(logs)]
        self._entries = [entry for one in restored if one is not None for entry in one.checkpoint.entries]

    def state(self, table: str) -> Iterator[Entry]:
        """The entries of one table of the state."""
        return (entry for entry in self._entries if entry.table == table)

    def counters(self) -> Mapping[str, int]:
        """What was counted since the beginning."""
        totals: Counter[str] = Counter()
        for entry in self.state("totals"):
            totals.update(orjson.loads(entry.value or b"{}"))
        return totals
