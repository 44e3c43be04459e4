"""Finding the indicator that a metric's name means."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from models.catalogue.rows import ROWS

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+[a-z]*")
COUNTER_UNITS = frozenset({"c"})
"""Units that say that a value only counts up: performance data of Nagios."""


class Indicator(NamedTuple):
    """One row of the catalogue. Bounds are None where there is none."""

    equipment: str
    name: str
    unit: str
    bad: str
    low: float | None
    high: float | None
    shape: str
    domain: str
    kind: str
    counter: bool
    names: tuple[str, ...]


def _row(line: str) -> Indicator:
    cells = [cell.strip() for cell in line.split("|")]
    equipment, name, unit, bad, low, high, shape, domain, kind, counting, names = cells
    return Indicator(
        equipment,
        name,
        "" if unit == "-" else unit,
        bad,
        None if low == "-" else float(low),
        None if high == "-" else float(high),
        shape,
        domain,
        kind,
        counting == "counter",
        tuple(one.strip() for one in names.split(",")),
    )


CATALOGUE: tuple[Indicator, ...] = tuple(_row(line) for line in ROWS.strip().splitlines())


def words(name: str) -> str:
    """A metric's name in lower-case words, with a blank at each end."""
    whole = re.sub(r"[^A-Za-z0-9]+", " ", name).split()
    split = [part.lower() for chunk in whole for part in _PARTS.findall(chunk)]
    return f" {' '.join(split)} | {' '.join(chunk.lower() for chunk in whole)} "


@lru_cache(maxsize=4096)
def find(metric: str, unit: str = "") -> Indicator | None:
    """The indicator with the longest name that stands in the metric's, the earlier row among equals; None if unknown.

    A metric told in another unit than per cent has none of the bounds of a percentage.
    """
    text = words(metric)
    best: tuple[int, Indicator] | None = None
    for row in CATALOGUE:
        for name in row.names:
            if f" {name} " in text and (best is None or len(name) > best[0]):
                best = len(name), row
    if best is None:
        return None
    row = best[1]
    if unit in COUNTER_UNITS:
        return row._replace(counter=True, low=None, high=None)
    if row.unit == "%" and unit not in {"", "%", "percent", "Percent"}:
        return row._replace(unit=unit, low=None, high=None)
    return row._replace(unit=unit or row.unit)
