"""Does the cost of one alert grow with what there is already? `python -m benchmarks.growth`.

Each case runs in a process of its own, so that the memory is its own too. New alerts are put on items of their own
choosing, spread evenly, at a steady pace; the middle of their costs is what counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import orjson

from benchmarks.day import arguments, print_json
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from schemas.base import SECOND, Record
from schemas.event import Event, EventKind, fingerprint
from schemas.reference import (
    ConfigurationItem,
    CorrelationRule,
    InhibitionRule,
    Matcher,
    Relation,
    Silence,
)
from schemas.severity import Severity

BEGIN = 1_772_409_600_000
PROBES = 2_000
ISLAND = 10
"""Items by tens: the first of ten is needed by the other nine, and nothing else is needed."""


class Case(NamedTuple):
    """What there is before the alerts that are timed."""

    name: str
    open: int
    items: int
    rules: int


CASES = (
    Case("few open alerts", 1_000, 10_000, 100),
    Case("many open alerts", 100_000, 10_000, 100),
    Case("few items and rules", 1_000, 100, 10),
    Case("many items and rules", 1_000, 10_000, 1_000),
)


def reference(case: Case) -> Iterator[Record]:
    """Items in islands, and rules of three kinds in turn that each concern one check of one item."""
    for number in range(case.items):
        yield ConfigurationItem(id=f"item-{number}", name=f"item-{number}", kind="host")
        if number % ISLAND:
            yield Relation(source=f"item-{number}", target=f"item-{number - number % ISLAND}")
    for number in range(case.rules):
        here = (Matcher(label="item", value=f"item-{number % case.items}"), Matcher(label="check", value="probe"))
        if number % 3 == 0:
            yield CorrelationRule(id=f"join-{number}", matchers=here, equal=("site",))
        elif number % 3 == 1:
            yield InhibitionRule(id=f"mute-{number}", source=here, target=(*here[:1], Matcher(label="side", value="b")))
        else:
            yield Silence(id=f"quiet-{number}", matchers=here, starts=BEGIN, ends=BEGIN + SECOND)


def alert(number: int, item: int, check: str, at: int) -> Event:
    """A problem that opens an incident at once, or joins one."""
    name = f"item-{item}"
    return Event(
        id=f"{check}-{number}",
        kind=EventKind.PROBLEM,
        time=at,
        received=at,
        source="growth",
        resource=name,
        check=check,
        severity=Severity.CRITICAL,
        fingerprint=fingerprint(name, check, str(number)),
    )


def resident() -> int:
    """Bytes of memory that this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def run(case: Case) -> dict[str, Any]:
    """Open the alerts, then time more of them one by one."""
    flow = Flow(FlowSettings())
    for record in reference(case):
        flow.put(record, 0)
    before, at = resident(), BEGIN
    for number in range(case.open):
        at += 3 * SECOND // 5
        flow.event(alert(number, number * 7919 % case.items, "open", at))
        if number % 2_000 == 0:
            flow.export()
            flow.drain()
    held = resident() - before
    opened, probes = flow.open_alerts(), [0.0] * PROBES
    for number in range(PROBES):
        at += 3 * SECOND // 5
        event = alert(number, number * 6101 % case.items, "probe", at)
        begun = perf_counter()
        flow.event(event)
        probes[number] = perf_counter() - begun
    return {
        **case._asdict(),
        "opened": opened,
        "microseconds": statistics.median(probes) * 1e6,
        "microseconds_mean": statistics.fmean(probes) * 1e6,
        "bytes": held,
    }


def alone(case: Case) -> dict[str, Any]:
    """Run a case in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.growth", "--case", case.name]
    done = subprocess.run(command, check=True, capture_output=True, timeout=600)
    figures: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return figures


def main(given: list[str] | None = None) -> int:
    """Run every case and print costs and ratios."""
    options = arguments("The cost of one alert when there is more already.", given, case="")
    if options.case:
        print_json(run({case.name: case for case in CASES}[options.case]))
        return 0
    print(f"{'':<24}{'open':>9}{'items':>9}{'rules':>9}{'median us':>11}{'mean us':>11}{'memory MB':>11}")
    rows = []
    for case in CASES:
        one = alone(case)
        rows.append(one)
        told = f"{one['name']:<24}{one['opened']:>9,}{one['items']:>9,}{one['rules']:>9,}{one['microseconds']:>11.1f}"
        print(f"{told}{one['microseconds_mean']:>11.1f}{one['bytes'] / 2**20:>11.1f}", flush=True)
    few, many, small, large = rows
    figures = {
        "cases": rows,
        "ratio_open_alerts": many["microseconds"] / few["microseconds"],
        "ratio_open_alerts_mean": many["microseconds_mean"] / few["microseconds_mean"],
        "ratio_items_and_rules": large["microseconds"] / small["microseconds"],
        "ratio_items_and_rules_mean": large["microseconds_mean"] / small["microseconds_mean"],
        "bytes_per_open_alert": many["bytes"] / many["opened"],
    }
    for name, value in figures.items():
        if isinstance(value, float):
            print(f"{name:<28}{value:>10.2f}")
    if options.json:
        print_json(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
