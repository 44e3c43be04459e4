"""What the benchmarks share: a recorded day put through the core, and figures in columns."""

from __future__ import annotations

import argparse
import gc
import statistics
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import NamedTuple

import orjson

from agents.simulate import Day
from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import FlowSettings, TimeSettings
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import SOURCES, make_source
from schemas.event import Event


class Spread(NamedTuple):
    """The least, the middle and the greatest of some figures."""

    least: float
    median: float
    greatest: float


def spread(values: Iterable[float]) -> Spread:
    """Least, median and greatest."""
    ordered = sorted(values)
    return Spread(ordered[0], statistics.median(ordered), ordered[-1])


def make_normaliser() -> Normaliser:
    """All sources, as they come."""
    return Normaliser({name: make_source(name) for name in SOURCES})


def make_flow(day: Day, settings: FlowSettings | None = None) -> Flow:
    """A new flow that knows the items, the relations and the changes of a day."""
    flow = Flow(settings or FlowSettings())
    for record in (*day.centre.items.values(), *day.centre.relations, *day.changes):
        flow.put(record, 0)
    return flow


def decoded(day: Day) -> list[tuple[Event, str]]:
    """Every event of a day in the order of its arrival, with its truth."""
    normaliser = make_normaliser()
    return [(event, line.truth) for line in day.lines for event in normaliser.normalise(line.raw).events]


def timely(day: Day, time: TimeSettings) -> list[Event]:
    """The events inside the lateness of whoever has a clock that is right, or as good as right.

    What is learned of a wrong clock depends on what was heard, and what comes beyond the lateness on when it came;
    these events end with the same incidents in whatever order and however many processes they are handled.
    """
    wrong = {day.clocks.off, day.clocks.drifting}
    events = (event for event, _ in decoded(day) if event.source not in wrong)
    return [event for event in events if -time.skew <= event.received - event.time < time.lateness]


def feed(flow: Flow, events: Iterable[Event]) -> list[Output]:
    """All that comes out for some events."""
    out: list[Output] = []
    for event in events:
        out += flow.event(event)
    return out


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    gc.collect()
    begun = perf_counter()
    work()
    return perf_counter() - begun


def arguments(description: str, given: list[str] | None, **more: str) -> argparse.Namespace:
    """The options of a benchmark: `--json`, and those named in `more` with their defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="end with a line of JSON")
    for name, default in more.items():
        parser.add_argument(f"--{name}", default=default, help=f"default {default}")
    # `python -m benchmarks NAME ...` has a command line of its own, and calls main() without arguments.
    known, _ = parser.parse_known_args(given)
    return known


def print_json(figures: Mapping[str, object]) -> None:
    """The figures as the last line, for a program."""
    print(orjson.dumps(figures, default=lambda one: one._asdict()).decode(), flush=True)
