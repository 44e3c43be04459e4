"""The host's own metrics, in the Prometheus format."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agents.embedded.live import Live


class FlowCollector(Collector):
    """Reads the flow's exactly-once totals when it is asked."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def collect(self) -> Iterable[Metric]:
        """One family for the totals, and a gauge for each level."""
        host = self._live.host
        totals = CounterMetricFamily("tocsin_flow", "Inputs and what became of them.", labels=["what"])
        for name, value in sorted(host.flow.counters().items()):
            totals.add_metric([name], value)
        yield totals
        yield CounterMetricFamily("tocsin_dropped", "Payloads dropped for want of room.", value=self._live.dropped)
        levels: dict[str, tuple[str, float]] = {
            "tocsin_open_alerts": ("Spells that are open.", host.flow.open_alerts()),
            "tocsin_incidents": ("Incidents in memory.", len(host.flow.practice.by_id)),
            "tocsin_watermark_delay_seconds": (
                "Now less the watermark.",
                (self._live.now() - host.flow.watermark) / 1000,
            ),
            "tocsin_backlog": ("Inputs kept and not yet handled.", host.backlog()),
        }
        for name, (text, level) in levels.items():
            yield GaugeMetricFamily(name, text, value=level)
