"""What the models make of ordinary traffic: `python -m benchmarks.quiet [--data PETSHOP] [--json]`.

The recorded day with and without ordinary samples of its hosts beside it: no other incident may open. And the hours of
PetShop on which nothing was wrong: none may open at all. PETSHOP is the folder that holds its normal hours,
noissue/metrics.csv, and graph.csv.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from agents.simulate import Day, simulate
from benchmarks.day import arguments, make_flow, make_normaliser, print_json
from benchmarks.series import ORDINARY
from benchmarks.trend import METRICS
from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import FlowSettings
from schemas.alert import AlertTransition
from schemas.event import Event, MetricSample
from schemas.incident import Incident
from schemas.reference import ConfigurationItem, Relation

HOSTS = 24
STEP = 5 * 60_000
BEFORE = 14
"""Days of samples before the day, so that the series are known."""


class Tally:
    """What came out of a flow."""

    def __init__(self) -> None:
        self.incidents: set[str] = set()
        self.anomalies: Counter[str] = Counter()

    def add(self, outputs: Iterable[Output]) -> None:
        """Count some outputs."""
        for record in outputs:
            if isinstance(record, Incident):
                self.incidents.add(record.id)
            elif isinstance(record, AlertTransition) and record.check.endswith((" anomaly", " forecast")):
                self.anomalies[record.reason] += 1


def measured(day: Day) -> Iterator[MetricSample]:
    """Ordinary series of some hosts of the day, for two weeks before it and through it, in the order of time."""
    chance = Random("quiet")
    hosts = [item.name for item in islice(day.centre.items.values(), HOSTS)]
    kinds = sorted(ORDINARY)
    shapes = [(name, kinds[at % len(kinds)], ORDINARY[kinds[at % len(kinds)]](chance)) for at, name in enumerate(hosts)]
    first, last = day.lines[0].raw.received, day.lines[-1].raw.received
    for time in range(first - BEFORE * 24 * 12 * STEP, last, STEP):
        for name, kind, shape in shapes:
            metric, unit = METRICS[kind]
            yield MetricSample(
                time=time, received=time, source="made", resource=name, metric=metric, value=shape(time), unit=unit
            )


def recorded_day() -> dict[str, Any]:
    """The incidents of the day with and without samples."""
    day, normaliser = simulate(1), make_normaliser()
    plain, beside = Tally(), Tally()
    events = [event for line in day.lines for event in normaliser.normalise(line.raw).events]
    flow = make_flow(day)
    for event in events:
        plain.add(flow.event(event))
    flow = make_flow(day)
    samples = list(measured(day))
    both: list[Event | MetricSample] = [*events, *samples]
    for one in sorted(both, key=lambda one: one.received):
        beside.add(flow.event(one) if isinstance(one, Event) else flow.sample(one))
    return {
        "samples": len(samples),
        "incidents_without": len(plain.incidents),
        "incidents_with": len(beside.incidents),
        "opened_by_samples": len(beside.incidents - plain.incidents),
        "anomalies": beside.anomalies["opened"],
    }


def petshop(folder: Path) -> dict[str, Any]:
    """The hours on which nothing was wrong, every metric of every node."""
    flow, tally, times, count = _shop(folder), Tally(), set(), 0
    for one in _normal_hours(folder):
        count += 1
        times.add(one.time)
        tally.add(flow.sample(one))
    return {
        "hours": len(times) / 12,
        "samples": count,
        "series": len(flow.trend_step.trends.table),
        "anomalies": tally.anomalies["opened"],
        "incidents": len(tally.incidents),
    }


def _shop(folder: Path) -> Flow:
    """A flow that knows who calls whom."""
    flow = Flow(FlowSettings())
    with (folder / "graph.csv").open(encoding="utf-8", newline="") as file:
        (_, *nodes), *rows = csv.reader(file)
    for name in nodes:
        flow.put(ConfigurationItem(id=name, name=name, kind="service"), 0)
    for caller, *calls in rows:
        for name, number in zip(nodes, calls, strict=True):
            if float(number) and name != caller:
                flow.put(Relation(source=caller, target=name), 0)
    return flow


def _normal_hours(folder: Path) -> Iterator[MetricSample]:
    """Columns are named by three rows: node, metric, statistic; the times are seconds."""
    with (folder / "noissue" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        nodes, metrics, statistics, _, *rows = csv.reader(file)
    for first, *values in rows:
        time = int(float(first) * 1000)
        for node, metric, statistic, value in zip(nodes[1:], metrics[1:], statistics[1:], values, strict=True):
            if value:
                yield MetricSample(
                    time=time,
                    received=time,
                    source="petshop",
                    resource=node,
                    metric=f"{metric} {statistic}",
                    value=float(value),
                )


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    options = arguments("What ordinary traffic opens.", given, data="")
    figures = {"recorded day": recorded_day()}
    if options.data:
        figures["petshop, normal hours"] = petshop(Path(options.data))
    for part, found in figures.items():
        print(part)
        for name, value in found.items():
            print(f"  {name:<24}{value:,.6g}")
    if options.json:
        print_json(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
