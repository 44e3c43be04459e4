"""Quality of correlation: `python -m benchmarks.recorded_day --seeds 1-11`. Simulated days against their truth."""

from __future__ import annotations

import sys
from typing import Any

from agents.simulate import simulate
from agents.simulate.score import Score, score
from benchmarks.day import arguments, decoded, feed, make_flow, print_json, spread
from schemas.incident import Incident

SHARES = ("precision", "recall", "f1", "top1", "top3")
COUNTS = ("missed", "extra")


def judge(seed: int) -> Score:
    """Simulate a day, put it through the core as a replay does, and compare the incidents told with the truth."""
    day = simulate(seed)
    labelled = decoded(day)
    flow = make_flow(day)
    out = feed(flow, (event for event, _ in labelled))
    out += flow.tick(flow.high + flow.settings.time.lateness)
    told = {one.id: one for one in out if isinstance(one, Incident)}  # the last version of each
    return score({fault.id: fault.root for fault in day.faults}, labelled, told.values())


def figures_of(seed: int) -> dict[str, Any]:
    """The figures of one seed."""
    judged = judge(seed)
    return {
        "seed": seed,
        **{name: getattr(judged, name) for name in SHARES},
        **{name: len(getattr(judged, name)) for name in COUNTS},
    }


def seeds_in(text: str) -> list[int]:
    """Read "3", "1-11" or "1-3,7"."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds.extend(range(int(first), int(last or first) + 1))
    return seeds


def line(name: object, values: dict[str, Any]) -> str:
    """One row of the table."""
    shares = "".join(f"{values[column]:>11.3f}" for column in SHARES)
    return f"{name!s:<8}{shares}" + "".join(f"{values[column]:>8g}" for column in COUNTS)


def main(given: list[str] | None = None) -> int:
    """Judge every seed and print the table."""
    options = arguments("Quality of correlation on simulated days.", given, seeds="1-11")
    print(f"{'seed':<8}" + "".join(f"{name:>11}" for name in SHARES) + "".join(f"{name:>8}" for name in COUNTS))
    rows = []
    for seed in seeds_in(options.seeds):
        rows.append(figures_of(seed))
        print(line(seed, rows[-1]), flush=True)
    spreads = {name: spread(row[name] for row in rows) for name in (*SHARES, *COUNTS)}
    for name in ("least", "median", "greatest"):
        print(line(name, {column: getattr(values, name) for column, values in spreads.items()}))
    if options.json:
        print_json({"seeds": rows, "spread": spreads})
    return 0


if __name__ == "__main__":
    sys.exit(main())
