"""Metric samples of a day in the data centre: some break out and one fills up. As a sender of lines has them."""

from __future__ import annotations

from random import Random

from agents.simulate.day import Day, Line
from schemas.base import MINUTE
from schemas.event import RawRecord

SERIES = 12
BATCH = 5
"""Minutes between two payloads; each holds a point a minute of every series."""


def measured(day: Day, seed: int) -> Day:
    """The day with samples among its payloads, by when they were received."""
    random = Random(f"{seed} measured")
    begin, end = day.lines[0].raw.received, day.lines[-1].raw.received
    levels = [random.uniform(10.0, 50.0) for _ in range(SERIES)]
    wild = [begin + random.randrange(end - begin) for _ in range(SERIES)]
    lines = list(day.lines)
    for now in range(begin, end, BATCH * MINUTE):
        rows = []
        for minute in range(BATCH):
            at = now - (BATCH - minute) * MINUTE
            for number, level in enumerate(levels):
                out = 300.0 if wild[number] <= at < wild[number] + 20 * MINUTE else 0.0
                load = level + random.gauss(0.0, 1.0) + out
                rows.append(f"system,host=host-{number} load1={load:.3f} {at * 1_000_000}")
            full = 20.0 + 75.0 * (at - begin) / (end - begin) + random.gauss(0.0, 0.1)
            rows.append(f"disk,host=host-1,path=/var used_percent={full:.3f} {at * 1_000_000}")
        payload = "\n".join(rows).encode()
        lines.append(Line(RawRecord(source="influx", received=now, payload=payload), "measured"))
    lines.sort(key=lambda line: line.raw.received)
    return day._replace(lines=tuple(lines))
