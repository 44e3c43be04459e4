"""What the role index tells of itself, in the Prometheus format."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agents.index.bulk import Fate
from agents.index.indexer import State
from agents.stream.index.run import Index


class IndexCollector(Collector):
    """How far it is, what became of documents, and what it waits for."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def collect(self) -> Iterable[Metric]:
        """One family for each thing counted."""
        index, counts = self._index, self._index.indexer.counts
        lag = GaugeMetricFamily(
            "tocsin_lag", "Messages that are there and not yet written.", labels=["topic", "partition"]
        )
        for (topic, number), behind in sorted(index.lag().items()):
            lag.add_metric([topic, str(number)], behind)
        yield lag
        documents = CounterMetricFamily("tocsin_documents", "Documents by what became of them.", labels=["fate"])
        for fate in (Fate.WRITTEN, Fate.REPEATED, Fate.REFUSED):
            documents.add_metric([fate.value], counts[fate.value])
        yield documents
        dead = CounterMetricFamily(
            "tocsin_dead", "What was not understood, or never taken by Elasticsearch.", labels=["reason"]
        )
        for reason, count in sorted(index.dead.items()):
            dead.add_metric([reason], count)
        yield dead
        stands = GaugeMetricFamily("tocsin_output_state", "1 for how an output stands.", labels=["output", "state"])
        for state in State:
            stands.add_metric(["elasticsearch", state.value], int(state is index.indexer.health.state))
        yield stands
        for name, text, value in (
            ("tocsin_rounds", "Rounds of messages written and committed.", index.rounds),
            ("tocsin_index_requests", "Requests of many documents that were answered.", counts["requests"]),
            ("tocsin_index_waits", "Pauses before something was tried again.", counts["waits"]),
        ):
            yield CounterMetricFamily(name, text, value=value)
        yield GaugeMetricFamily("tocsin_ready", "1 when it reads, and Elasticsearch takes it.", value=index.ready)
