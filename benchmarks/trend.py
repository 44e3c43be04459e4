"""The models on simulated series: `python -m benchmarks.trend [--json] [--series 200] [--parts false,lead,...]`.

False alarms on ordinary series, lead before a fixed threshold on degradations, forecasts of when something is full,
points a second from sample to event, bytes of state.
"""

from __future__ import annotations

import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, NamedTuple

from agents import collector
from agents.embedded.host import Host
from agents.embedded.store import Store
from benchmarks.day import arguments, print_json
from benchmarks.series import DAY, MINUTE, ORDINARY, Degradation, Point, degradation, growth, ordinary
from models.forecast import Forecaster
from pipeline.flow import Flow
from pipeline.settings import FlowSettings, ModelSettings
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import make_source
from pipeline.stages.trend import Trends, series_key
from schemas.alert import AlertTransition
from schemas.event import MetricSample, RawRecord
from schemas.incident import Incident

MONTH = 30.0
MANY = 100_000
METRICS = {
    "temperature": ("temperature", "Cel"),
    "traffic": ("throughput", "By"),
    "cpu": ("cpu utilization", "%"),
    "office": ("active sessions", ""),
    "latency": ("response time", "ms"),
    "counts": ("mail queue", ""),
    "backup": ("disk util", "%"),
    "cleaned": ("disk usage", "%"),
    "memory": ("memory usage", "%"),
    "shares": ("availability", "%"),
    "up": ("up", ""),
    "errors": ("error rate", ""),
}


def samples(name: str, metric: tuple[str, str], points: Iterable[Point]) -> Iterable[MetricSample]:
    """The points as a monitor would send them."""
    for time, value in points:
        yield MetricSample(
            time=time, received=time, source="simulated", resource=name, metric=metric[0], value=value, unit=metric[1]
        )


class Said(NamedTuple):
    """What came out of a flow: alerts that began, and how many incidents were opened."""

    begun: list[AlertTransition]
    incidents: int


def said(arriving: Iterable[MetricSample]) -> Said:
    """Put samples through a flow of their own."""
    flow, begun, incidents = Flow(FlowSettings()), [], 0
    for one in arriving:
        for record in flow.sample(one):
            if isinstance(record, AlertTransition) and record.reason in ("opened", "reopened"):
                begun.append(record)
            elif isinstance(record, Incident) and record.reason == "opened":
                incidents += 1
    return Said(begun, incidents)


def false_alarms(number: int) -> dict[str, Any]:
    """Events a series and month on series on which nothing is wrong."""
    rates: dict[str, list[float]] = defaultdict(list)
    kinds: Counter[str] = Counter()
    incidents = restless = 0
    for seed in range(number):
        kind, points, days = ordinary(seed)
        told, opened = said(samples(f"series-{seed}", METRICS[kind], points))
        kinds.update(alert.check.rsplit(" ", 1)[1] for alert in told)
        rates[kind].append(len(told) * MONTH / days)
        incidents += opened
        restless += _restless([alert.time for alert in told])
    every = sorted(rate for found in rates.values() for rate in found)
    return {
        "series": number,
        "mean": sum(every) / len(every),
        "above_one": sum(rate > 1.0 for rate in every) / len(every),
        "two_in_a_month": restless / number,
        "most": every[-1],
        "anomalies": kinds["anomaly"],
        "forecasts": kinds["forecast"],
        "incidents": incidents,
        "by_kind": {kind: sum(found) / len(found) for kind, found in rates.items()},
    }


def _restless(times: list[int]) -> bool:
    """Whether two of them are within a month: a series of 15 days with one alone has a rate of two a month."""
    return any(later - time < MONTH * DAY for time, later in pairwise(sorted(times)))


def lead(number: int) -> dict[str, Any]:
    """How often, and how long, an event came before the fixed threshold was passed."""
    seen: dict[str, list[float | None]] = defaultdict(list)
    for seed in range(number):
        case = degradation(seed)
        seen[case.kind].append(_first(case))
    leads = [one for found in seen.values() for one in found if one is not None]
    return {
        "cases": number,
        "before": len(leads) / number,
        "median_lead_minutes": median(leads) / MINUTE if leads else 0.0,
        "by_kind": {kind: sum(one is not None for one in found) / len(found) for kind, found in seen.items()},
    }


def _first(case: Degradation) -> float | None:
    told = said(samples("one", (case.metric, case.unit), case.points)).begun
    before = [alert.time for alert in told if case.begins <= alert.time < case.passes]
    return case.passes - before[0] if before else None


def forecasts(number: int) -> dict[str, Any]:
    """Time to full, asked at half the way."""
    errors: dict[str, list[float | None]] = defaultdict(list)
    covered: dict[str, list[bool]] = defaultdict(list)
    for seed in range(number):
        case = growth(seed)
        half = (case.points[0][0] + case.full) // 2
        forecaster = Forecaster()
        for time, value in case.points:
            if time <= half:
                forecaster.learn_one(time, value)
        found = forecaster.reaches(100.0)
        errors[case.kind].append(None if found is None else abs(found.at - case.full) / (case.full - half))
        if found is not None:
            covered[case.kind].append(found.earliest <= case.full <= found.latest)
    every = [one for found in errors.values() for one in found]
    holds = [one for found in covered.values() for one in found]
    return {
        "cases": number,
        "within_20": sum(one is not None and one <= 0.2 for one in every) / number,
        "silent": sum(one is None for one in every) / number,
        "covered_of_80": sum(holds) / len(holds),
        "within_20_by_kind": {k: sum(o is not None and o <= 0.2 for o in f) / len(f) for k, f in errors.items()},
        "covered_by_kind": {kind: sum(found) / len(found) for kind, found in covered.items()},
    }


def mixed(series: int, rounds: int) -> list[MetricSample]:
    """One sample of each series in turn, of all kinds, every five minutes."""
    streams = []
    for seed in range(series):
        kind, points, _ = ordinary(seed * len(ORDINARY) * 7 + seed)
        streams.append(
            [*samples(f"series-{seed}", METRICS[kind], (p for p, _ in zip(points, range(rounds), strict=False)))]
        )
    return [stream[at] for at in range(rounds) for stream in streams]


def speed() -> dict[str, Any]:
    """Points a second on one core in the models, and what a checkpoint of all series costs."""
    arriving = mixed(60, 1000)
    trends = Trends()
    begun = process_time()
    for one in arriving:
        trends.sample(one)
    took = process_time() - begun
    begun = process_time()
    entries = list(trends.table.drain())
    drained = process_time() - begun
    sizes = sorted(len(entry.value or b"") for entry in entries)
    return {
        "points_per_second": len(arriving) / took,
        "checkpoint_microseconds_a_series": drained / len(entries) * 1e6,
        "state_bytes_median": sizes[len(sizes) // 2],
        "state_bytes_most": sizes[-1],
    }


def path() -> dict[str, Any]:
    """Points a second on one core from payloads to the checkpoint: kept, decoded, learned and written to a store."""
    series, rounds = 60, 500
    payloads = []
    arriving = mixed(series, rounds)
    for begin in range(0, len(arriving), series):
        some = arriving[begin : begin + series]
        lines = [f"{_plain(one)},host={one.resource} value={one.value!r} {one.time * 1_000_000}" for one in some]
        received = max(one.time for one in some)
        payloads.append(RawRecord(source="influx", received=received, payload="\n".join(lines).encode()))
    with TemporaryDirectory() as folder:
        store = Store(f"{folder}/store.db")
        host = Host(Flow(FlowSettings()), Normaliser({"influx": make_source("influx")}), store, every=20)
        begun = process_time()
        host.receive(payloads)
        host.pump()
        took = process_time() - begun
        counted = host.flow.counters()["samples"]
        store.close()
    return {"points": counted, "points_per_second": counted / took}


def _plain(sample: MetricSample) -> str:
    return sample.metric.replace(" ", "\\ ")


def state() -> dict[str, Any]:
    """Memory of many series that are known well, and points a second where each point is of another one."""
    arriving = mixed(60, 1501)
    known, last = Trends(), arriving[-60:]
    for one in arriving[:-60]:
        known.sample(one)
    written = [known.table.entry(series_key(one)).value or b"" for one in last]
    before = _memory()
    trends = Trends(ModelSettings(most=MANY))
    for number in range(MANY):
        trends.table.restore(series_key(_other(last[number % 60], number)), written[number % 60])
    took = 0.0
    for begin in range(0, MANY, 1000):
        some = [_other(last[number % 60], number) for number in range(begin, begin + 1000)]
        begun = process_time()
        for one in some:
            trends.sample(one)
        took += process_time() - begun
    return {
        "series": len(trends.table),
        "bytes_in_memory": (_memory() - before) / MANY,
        "bytes_written": sum(map(len, written)) / len(written),
        "points_per_second_each_of_another": MANY / took,
    }


def _other(sample: MetricSample, number: int) -> MetricSample:
    """The same of another resource."""
    return sample.model_copy(update={"resource": f"{sample.resource}-{number:06d}"})


def _memory() -> int:
    """Bytes of this process that are in memory now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "false": false_alarms,
    "lead": lead,
    "forecast": forecasts,
    "speed": lambda _: speed(),
    "path": lambda _: path(),
    "state": lambda _: state(),
}


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    options = arguments("The models on simulated series.", given, series="200", parts=",".join(PARTS))
    collector.settle()  # as all hosts do
    figures = {}
    for part in options.parts.split(","):
        figures[part] = PARTS[part](int(options.series))
        print(part)
        for name, value in figures[part].items():
            shown = {k: round(v, 2) for k, v in value.items()} if isinstance(value, dict) else f"{value:,.6g}"
            print(f"  {name:<36}{shown}")
    if options.json:
        print_json(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
