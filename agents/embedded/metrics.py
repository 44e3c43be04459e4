"""The host's own metrics, in the Prometheus format: counted where it happens, read when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agents.embedded.live import Live
from agents.embedded.outputs.making import Stated, Watched


class HostCollector(Collector):
    """What came in, what became of it, and what waits."""

    def __init__(self, live: Live, outboxes: Sequence[Watched], requests: Counter[tuple[str, int]]) -> None:
        self._live, self._outboxes, self._requests = live, outboxes, requests

    def collect(self) -> Iterable[Metric]:
        """One family for each thing counted."""
        yield from self._counted()
        yield from self._levels()

    def _counted(self) -> Iterable[Metric]:
        live, host = self._live, self._live.host
        received = CounterMetricFamily("tocsin_received", "Payloads taken in since the start.", labels=["source"])
        for source, count in sorted(live.received.items()):
            received.add_metric([source], count)
        yield received
        dropped = CounterMetricFamily("tocsin_dropped", "Datagrams for which there was no room.", labels=["source"])
        for source, count in sorted(live.dropped.items()):
            dropped.add_metric([source], count)
        yield dropped
        dead = CounterMetricFamily(
            "tocsin_dead", "Payloads, or parts of them, not understood.", labels=["source", "reason"]
        )
        for (source, reason), count in sorted(host.dead.items()):
            dead.add_metric([source, reason], count)
        yield dead
        flow = CounterMetricFamily("tocsin_flow", "Inputs and what became of them, ever.", labels=["what"])
        for name, value in sorted(host.flow.counters().items()):
            flow.add_metric([name], value)
        yield flow
        requests = CounterMetricFamily("tocsin_http_requests", "HTTP requests.", labels=["path", "status"])
        for (path, status), count in sorted(self._requests.items()):
            requests.add_metric([path, str(status)], count)
        yield requests
        yield CounterMetricFamily("tocsin_checkpoints", "Checkpoints written.", value=live.checkpoints)
        yield CounterMetricFamily(
            "tocsin_checkpoint_seconds", "Time spent on checkpoints.", value=live.checkpoint_seconds
        )

    def _levels(self) -> Iterable[Metric]:
        live, host = self._live, self._live.host
        delay = max(live.now() - host.flow.watermark, 0) / 1000 if host.flow.high else 0
        levels: dict[str, tuple[str, float]] = {
            "tocsin_applied": ("Number of the last input handled.", host.applied),
            "tocsin_backlog": ("Inputs taken in and not yet handled.", live.waiting),
            "tocsin_open_alerts": ("Alerts that are open.", host.flow.open_alerts()),
            "tocsin_open_incidents": ("Incidents that are not closed.", len(host.flow.practice.by_id)),
            "tocsin_series": ("Series of metric samples that are learned.", len(host.flow.trend_step.trends.table)),
            "tocsin_watermark_delay_seconds": ("How far the watermark is behind the clock.", delay),
        }
        for name, (text, level) in levels.items():
            yield GaugeMetricFamily(name, text, value=level)
        pending = GaugeMetricFamily("tocsin_outbox", "What is not yet told to an output.", labels=["output"])
        for outbox in self._outboxes:
            pending.add_metric([outbox.name], outbox.pending())
        yield pending
        stands = GaugeMetricFamily("tocsin_output_state", "1 for how an output stands.", labels=["output", "state"])
        for outbox in self._outboxes:
            if isinstance(outbox, Stated):
                for state, now in outbox.states().items():
                    stands.add_metric([outbox.name, state], int(now))
        yield stands


def registry(live: Live, outboxes: Sequence[Watched], requests: Counter[tuple[str, int]]) -> CollectorRegistry:
    """A registry of its own, so that several hosts can live in one process."""
    made = CollectorRegistry()
    made.register(HostCollector(live, outboxes, requests))
    return made
