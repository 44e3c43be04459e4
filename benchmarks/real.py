"""Real alarms end to end: `python -m benchmarks.real --data DIR`. Each set is one run of `tocsin replay`, with a store.

DIR is laid out as docs/real-data.md says; nothing of it is kept. Needs data that are not part of the project, so it is
not among those that `python -m benchmarks` runs by itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import orjson

from agents.cli.desk import desk_at
from benchmarks.day import print_json
from benchmarks.topology import write_reference
from schemas.incident import Incident, IncidentStatus

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TOCSIN = Path(sys.executable).with_name("tocsin")
GONE = frozenset({IncidentStatus.MERGED, IncidentStatus.WITHDRAWN})
COLUMNS = ("rows", "events", "dead", "alerts", "incidents", "per_incident", "biggest", "seconds", "rate", "megabytes")


class RealSet(NamedTuple):
    """One file of alarms and what `tocsin replay` is told about it. `matrix` is made into reference data."""

    name: str
    alarms: Path
    mapping: str
    config: str = ""
    matrix: Path | None = None


def sets_in(folder: Path) -> Iterator[RealSet]:
    """Every set there is in a folder: networks with an adjacency of their devices, and logs of intrusion detection."""
    for alarms in sorted(folder.glob("alarms/*/Alarm.csv")):
        matrix = alarms.with_name("Topology.npy")
        known = alarms.open(encoding="utf-8").readline().strip() == "alarm_id,device_id,start_timestamp,end_timestamp"
        if known and matrix.is_file():
            yield RealSet(alarms.parent.name, alarms, "telecom-alarms", "telecom", matrix)
    for alarms in sorted(folder.glob("aitads/*.csv.gz")):
        yield RealSet(alarms.name.removesuffix(".csv.gz"), alarms, "intrusion-alerts", "intrusion")


def command(one: RealSet, place: Path) -> list[str]:
    """The command line that replays a set into `place`."""
    words = [str(TOCSIN), "replay", "--mapping", str(EXAMPLES / "mappings" / f"{one.mapping}.yaml")]
    if one.config:
        words += ["--config", str(EXAMPLES / f"{one.config}.yaml")]
    if one.matrix is not None:
        for reference in write_reference(one.matrix, place):
            words += ["--items", str(reference)]
    return [*words, "--store", str(place / "real.db"), "--json", str(one.alarms)]


def replay(one: RealSet, place: Path) -> dict[str, Any]:
    """Replay a set and say what came of it; raises RuntimeError with what the command said where it failed."""
    begun = perf_counter()
    running = subprocess.Popen(command(one, place), stdout=subprocess.PIPE)
    with running:
        out = b"" if running.stdout is None else running.stdout.read()
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise RuntimeError(f"{one.name}: tocsin replay ended with {running.returncode}")
    told = orjson.loads(out)
    desk = desk_at(str(place / "real.db"))
    sizes = sorted(incident.alerts for incident in desk.all(Incident) if incident.status not in GONE)
    dead = told["dead"]
    return {
        "set": one.name,
        "rows": told["payloads"] - 1,  # the header is a payload, and gives nothing
        "events": told["events"],
        "dead": sum(dead.values()),
        "reasons": dead,
        "repeats": told["repeats"],
        "suppressed": told["suppressed"],
        "alerts": told["alerts"],
        "incidents": len(sizes),
        "per_incident": round(told["events"] / max(1, len(sizes)), 1),
        "biggest": max(sizes, default=0),
        "median": sizes[len(sizes) // 2] if sizes else 0,
        "seconds": round(told["seconds"], 2),
        "whole_seconds": round(perf_counter() - begun, 2),
        "rate": round(told["events"] / told["seconds"]),
        "megabytes": used.ru_maxrss // 1024,
    }


def line(name: str, values: dict[str, Any]) -> str:
    """One row of the table."""
    return f"{name:<34}" + "".join(f"{values[column]:>13,}" for column in COLUMNS)


def main(given: list[str] | None = None) -> int:
    """Replay every set and print the table."""
    parser = argparse.ArgumentParser(description="Real alarms and intrusion alerts through `tocsin replay`.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with alarms/ and aitads/")
    parser.add_argument("--only", default="", help="only sets with this in their name")
    parser.add_argument("--json", action="store_true", help="end with a line of JSON")
    options = parser.parse_args(given)
    chosen = [one for one in sets_in(options.data) if options.only in one.name]
    if not chosen:
        parser.error(f"{options.data} holds no set; see docs/real-data.md for how it is laid out")
    print(f"{'set':<34}" + "".join(f"{column.replace('_', ' '):>13}" for column in COLUMNS))
    rows = []
    for one in chosen:
        with tempfile.TemporaryDirectory(prefix="tocsin-real-") as place:
            rows.append(replay(one, Path(place)))
        print(line(one.name, rows[-1]), flush=True)
        for reason, number in rows[-1]["reasons"].items():
            print(f"    {number} dead: {reason}", flush=True)
    if options.json:
        print_json({"sets": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
