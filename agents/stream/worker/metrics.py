"""What a worker tells of itself, in the Prometheus format: read off what it has when somebody asks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agents.stream.worker.host import Host

if TYPE_CHECKING:
    from agents.stream.ingest.run import Ingest


class HostCollector(Collector):
    """The steps of a role: what came in and what became of it, how far they are, their checkpoints and recoveries."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def collect(self) -> Iterable[Metric]:
        """One family for each thing counted."""
        host = self._host
        flow = CounterMetricFamily("tocsin_flow", "Inputs and what became of them, ever.", labels=["step", "what"])
        delay = GaugeMetricFamily(
            "tocsin_watermark_delay_seconds", "How far the watermark is behind the clock.", labels=["step", "partition"]
        )
        now = time.time()
        for step in host.steps():
            totals: dict[str, int] = {}
            for number, shard in sorted(step.shards.items()):
                for what, count in shard.counters().items():
                    totals[what] = totals.get(what, 0) + count
                if shard.clock.high:
                    delay.add_metric([step.name, str(number)], max(now - shard.clock.watermark / 1000, 0))
            for what, count in sorted(totals.items()):
                flow.add_metric([step.name, what], count)
        yield flow
        yield delay
        yield from self._lag()
        yield from self._counted()
        yield from self._levels()

    def _lag(self) -> Iterable[Metric]:
        lag = GaugeMetricFamily(
            "tocsin_lag", "Messages that are there and not yet handled.", labels=["topic", "partition"]
        )
        for (topic, number), behind in sorted(self._host.lag().items()):
            lag.add_metric([topic, str(number)], behind)
        yield lag

    def _counted(self) -> Iterable[Metric]:
        host = self._host
        kept = host.kept()
        for name, text, value in (
            ("tocsin_checkpoints", "Checkpoints written.", kept.checkpoints),
            ("tocsin_checkpoint_bytes", "Bytes of checkpoints written.", kept.bytes),
            ("tocsin_checkpoint_seconds", "Time spent on making checkpoints.", kept.seconds),
            ("tocsin_sent_messages", "Messages sent.", host.sender.messages),
            ("tocsin_sent_bytes", "Bytes sent.", host.sender.bytes),
            ("tocsin_dead", "Messages that could not be understood.", host.refused),
        ):
            yield CounterMetricFamily(name, text, value=value)

    def _levels(self) -> Iterable[Metric]:
        host = self._host
        for name, text, value in (
            ("tocsin_ready", "1 when all partitions that are ours are served.", host.ready),
            ("tocsin_recovery_seconds", "How long the last recovery took to make the state.", host.recovery_seconds),
        ):
            yield GaugeMetricFamily(name, text, value=value)
        for told in host.told():
            family = CounterMetricFamily if told.counter else GaugeMetricFamily
            yield family(told.name, told.text, value=told.value)


class IngestCollector(Collector):
    """The hop from raw payloads to packs."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    def collect(self) -> Iterable[Metric]:
        """One family for each thing counted."""
        ingest, hop = self._ingest, self._ingest.hop
        received = CounterMetricFamily("tocsin_received", "Payloads taken in since the start.", labels=["source"])
        for source, count in sorted(hop.received.items()):
            received.add_metric([source], count)
        yield received
        dead = CounterMetricFamily(
            "tocsin_dead", "Payloads, or parts of them, not understood.", labels=["source", "reason"]
        )
        for (source, reason), count in sorted(hop.refused.items()):
            dead.add_metric([source, reason], count)
        yield dead
        for name, text, value in (
            ("tocsin_decoded", "Events that were in the payloads.", hop.decoded),
            ("tocsin_transactions", "Transactions committed.", ingest.transactions),
            ("tocsin_transactions_given_up", "Transactions given up, their payloads read again.", ingest.given_up),
            ("tocsin_packs", "Messages of packs sent.", ingest.packs),
        ):
            yield CounterMetricFamily(name, text, value=value)
        yield GaugeMetricFamily("tocsin_ready", "1 when it reads.", value=ingest.ready)


def registry(collector: Collector) -> CollectorRegistry:
    """A registry of its own, so that several workers can live in one process."""
    made = CollectorRegistry()
    made.register(collector)
    return made
