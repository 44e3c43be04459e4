"""Speed of the core: `python -m benchmarks.core`. A recorded day, one process, no input or output.

The stages are timed in runs of their own, for a clock around each of them costs time itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from agents import collector
from agents.simulate import Day, simulate
from benchmarks.day import Spread, arguments, decoded, feed, make_flow, make_normaliser, print_json, spread, timed
from pipeline.flow import Flow
from schemas.event import Event

RUNS = 5


class Watch:
    """Time spent in some methods, without that in the watched methods that they call."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._inner: list[float] = []

    def put_on(self, holder: object, method: str, name: str) -> None:
        """Replace a method of one object by one that is timed."""
        setattr(holder, method, self._around(getattr(holder, method), name))

    def _around(self, work: Callable[..., Any], name: str) -> Callable[..., Any]:
        self.spent.setdefault(name, 0.0)

        def watched(*given: Any) -> Any:
            self._inner.append(0.0)
            begun = perf_counter()
            try:
                return work(*given)
            finally:
                took = perf_counter() - begun
                self.spent[name] += took - self._inner.pop()
                if self._inner:
                    self._inner[-1] += took

        return watched


def watched(flow: Flow) -> Watch:
    """A watch on the stages of a flow."""
    watch = Watch()
    watch.put_on(flow.alert_step.skew, "correct", "clock skew")
    watch.put_on(flow.intake, "event", "dedup, flapping, hold")
    watch.put_on(flow.intake, "advance", "dedup, flapping, hold")
    watch.put_on(flow.scope_step, "about", "enrich")
    watch.put_on(flow.scope_step, "change", "suppress and correlate")
    watch.put_on(flow.scope, "next_due", "suppress and correlate")
    watch.put_on(flow.scope, "fire_node", "suppress and correlate")
    watch.put_on(flow.practice, "fire", "incidents")
    watch.put_on(flow.practice, "tell", "incidents")
    return watch


def decode_all(day: Day) -> int:
    """Decode every payload of a day; how many events there were."""
    normaliser = make_normaliser()
    return sum(len(normaliser.normalise(line.raw).events) for line in day.lines)


def from_raw(flow: Flow, day: Day) -> None:
    """Decode every payload of a day and put the events through a flow."""
    normaliser = make_normaliser()
    for line in day.lines:
        feed(flow, normaliser.normalise(line.raw).events)


def shares(day: Day, events: list[Event]) -> dict[str, Spread]:
    """Share of each stage in the whole time from payload to incident."""
    runs: list[dict[str, float]] = []
    for _ in range(RUNS):
        normalising = timed(partial(decode_all, day))
        flow = make_flow(day)
        watch = watched(flow)
        within = timed(partial(feed, flow, events))
        parts = {"normalise": normalising, **watch.spent, "the rest of the flow": within - sum(watch.spent.values())}
        runs.append({name: took / (normalising + within) for name, took in parts.items()})
    return {name: spread(run[name] for run in runs) for name in runs[0]}


def measure() -> dict[str, Any]:
    """All figures."""
    day = simulate(1)
    events = [event for event, _ in decoded(day)]
    collector.settle()  # as all hosts do
    cooked, raw = [], []
    for _ in range(RUNS):
        flow = make_flow(day)
        cooked.append(len(events) / timed(partial(feed, flow, events)))
        flow = make_flow(day)
        raw.append(len(events) / timed(partial(from_raw, flow, day)))
    return {
        "payloads": len(day.lines),
        "events": len(events),
        "runs": RUNS,
        "events_per_second": {"from decoded events": spread(cooked), "from raw payloads": spread(raw)},
        "share": shares(day, events),
    }


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    options = arguments("Speed of the core, in one process.", given)
    figures = measure()
    print(f"{figures['payloads']:,} payloads, {figures['events']:,} events, {RUNS} runs, one process")
    print(f"{'events a second':<24}{'min':>10}{'median':>10}{'max':>10}")
    for name, rate in figures["events_per_second"].items():
        print(f"{name:<24}{rate.least:>10,.0f}{rate.median:>10,.0f}{rate.greatest:>10,.0f}")
    print(f"{'share of the time':<24}{'min':>10}{'median':>10}{'max':>10}")
    for name, share in figures["share"].items():
        print(f"{name:<24}{share.least:>10.1%}{share.median:>10.1%}{share.greatest:>10.1%}")
    if options.json:
        print_json(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
