"""Any detector over the history of one series: when it would have spoken, what it would have said, and a drawing."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from html import escape
from math import isfinite, nan
from pathlib import Path
from typing import NamedTuple

from models.alarm import Alarm, rarity
from models.detector import Detector
from models.joint import Joint
from models.words import number, reason
from pipeline.sources.times import guessed_millis
from schemas.base import BadRecord, ConfigError

WIDTH, HEIGHT, MARGIN = 1200, 320, 24
"""Of the drawing, in pixels."""


class Point(NamedTuple):
    """One point of the history; time in milliseconds since 1970."""

    time: int
    value: float


class Round(NamedTuple):
    """The values of several series at one time; time in milliseconds since 1970."""

    time: int
    values: dict[str, float]


class Found(NamedTuple):
    """One anomaly; `end` is the last point of it, None where it was still on at the end.

    `expected` is not a number where it is the combination of series that is unusual.
    """

    begin: int
    end: int | None
    value: float
    score: float
    one_in: float
    expected: float
    reason: str


class Result(NamedTuple):
    """What a detector made of a history; `expected` is beside each point what was usual."""

    points: Sequence[Point]
    expected: Sequence[float]
    found: Sequence[Found]


def read(path: str, time: str = "", value: str = "") -> list[Point]:
    """The points of a CSV file by the names of two columns; without names, of its first two, and a header is skipped.

    Times are ISO 8601 or numbers since 1970. Raises ConfigError, with the line, for what is neither time nor number.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return list(_points(csv.reader(file), path, time, value))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def _points(rows: Iterator[list[str]], path: str, time: str, value: str) -> Iterator[Point]:
    at, of = 0, 1
    for line, row in enumerate(rows, 1):
        if line == 1 and (time or value):
            for name in (time, value):
                if name and name not in row:
                    raise ConfigError(f"{path}: no column {name!r}; there are {', '.join(row)}")
            at, of = row.index(time) if time else 0, row.index(value) if value else 1
            continue
        try:
            if row and row[of].strip():
                yield Point(_millis(row[at].strip()), float(row[of]))
        except (BadRecord, ValueError, IndexError):
            if line > 1:
                raise ConfigError(f"{path}:{line}: needs a time and a number: {','.join(row)[:80]!r}") from None


def _millis(text: str) -> int:
    """Times without an offset are in UTC, as files of history have them."""
    plain = text[-6:-5] not in ("+", "-") and not text.endswith("Z") and "-" in text[:8]
    return guessed_millis(f"{text}Z" if plain else text)


def run(detector: Detector, points: Sequence[Point], threshold: float) -> Result:
    """One pass, each point judged before it is learned."""
    alarm, expected, found = Alarm(threshold), [], []
    for time, value in points:
        seen = detector.step(time, value)
        expected.append(seen.expected)
        was_open = alarm.open
        if alarm.step(seen.score):
            why = reason(detector, seen)
            found.append(Found(time, None, value, seen.score, rarity(seen.score), seen.expected, why))
        elif was_open and not alarm.open:
            found[-1] = found[-1]._replace(end=time)
    return Result(points, expected, found)


def read_rounds(path: str, time: str = "") -> list[Round]:
    """The rounds of a CSV file with a header: a column of times, the first without a name, and one for each series.

    An empty field is a missing value. Raises ConfigError, with the line, for what is neither time nor number.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            names = next(rows, [])
            if time and time not in names:
                raise ConfigError(f"{path}: no column {time!r}; there are {', '.join(names)}")
            at, found = names.index(time) if time else 0, []
            for line, row in enumerate(rows, 2):
                try:
                    values = {n: float(f) for n, f in zip(names, row, strict=True) if n != names[at] and f.strip()}
                    found.append(Round(_millis(row[at].strip()), values))
                except (BadRecord, ValueError, IndexError):
                    raise ConfigError(f"{path}:{line}: needs a time and numbers: {','.join(row)[:80]!r}") from None
            return found
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def run_together(rounds: Sequence[Round], threshold: float) -> list[Found]:
    """One pass of the model of several series together. Of each anomaly the series that stands out most is told."""
    joint, alarm, found = Joint(), Alarm(threshold), list[Found]()
    for time, values in rounds:
        seen = joint.step(time, values)
        was_open = alarm.open
        if alarm.step(seen.score):
            why = f"{seen.name} {'above' if seen.up else 'below'} what the others say"
            found.append(Found(time, None, values[seen.name], seen.score, rarity(seen.score), nan, why))
        elif was_open and not alarm.open:
            found[-1] = found[-1]._replace(end=time)
    return found


def draw(result: Result, title: str) -> str:
    """An SVG: the series, what was usual beside it, and each anomaly as a band from its begin to its end."""
    points = [point for point in result.points if isfinite(point.value)]
    if not points:
        raise ConfigError("there is nothing to draw: no point is a finite number")
    low, high = min(point.value for point in points), max(point.value for point in points)
    first, last = points[0].time, points[-1].time

    def x(time: int) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (time - first) / max(last - first, 1)

    def y(value: float) -> float:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (min(max(value, low), high) - low) / ((high - low) or 1.0)

    bands = []
    for one in result.found:
        begin, end = x(one.begin), x(last if one.end is None else one.end)
        told = f"{number(one.value)}: {one.reason}, {number(one.expected)} usual; surprise {one.score:.1f}"
        bands.append(
            f'<rect x="{begin:.1f}" y="0" width="{max(end - begin, 2.0):.1f}" height="{HEIGHT}" fill="#f4c7c3">'
            f"<title>{escape(told)}</title></rect>"
        )
    usual = " ".join(f"{x(p.time):.1f},{y(e):.1f}" for p, e in zip(result.points, result.expected, strict=True))
    line = " ".join(f"{x(point.time):.1f},{y(point.value):.1f}" for point in points)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
            f"<title>{escape(title)}</title>",
            *bands,
            f'<polyline points="{usual}" fill="none" stroke="#9aa0a6" stroke-width="1"/>',
            f'<polyline points="{line}" fill="none" stroke="#1a73e8" stroke-width="1.2"/>',
            f'<text x="4" y="14" font-size="12">{escape(number(high))}</text>',
            f'<text x="4" y="{HEIGHT - 6}" font-size="12">{escape(number(low))}</text>',
            "</svg>\n",
        )
    )
