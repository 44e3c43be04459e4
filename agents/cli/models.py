"""tocsin models."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from statistics import fmean

import click

from agents import backtest as backtests
from agents.cli.asking import Asking, asking
from agents.cli.command import Group, subcommand
from agents.cli.desk import opened
from agents.cli.kafka_options import configured, kafka_options
from agents.cli.output import console, count, json_option, moment, print_json, rows, store_option, table
from agents.stream.learned import Learned
from agents.watched import Watched, watched
from models.registry import DETECTORS
from models.words import number, picture
from pipeline.practices.configuration import parse_time
from pipeline.settings import parse_duration
from schemas.command import Action

COUNTED = ("samples", "feedback", "shadow")
"""How the names of the counters begin that are about the models."""
COLUMNS = 100
"""Of the picture of a history."""
TOGETHER = "together"
"""The model of several series at once; see `models.joint`."""


@click.group(cls=Group)
def models() -> None:
    """See what is learned of metric samples, tell it what was right, and try a detector on history."""


@subcommand(
    models,
    "list",
    "tocsin models list",
    "tocsin models list --metric disk --json",
    "tocsin models list --bootstrap 127.0.0.1:9092",
)
@click.option("--resource", default="", help="Only those whose resource contains this.")
@click.option("--metric", default="", help="Only those whose metric contains this.")
@click.option("--speaking", is_flag=True, help="Only those with an anomaly or a forecast that is on.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
@store_option
@kafka_options
@json_option
def listing(
    resource: str,
    metric: str,
    limit: int,
    store: str,
    config: Path | None,
    bootstrap: str | None,
    *,
    speaking: bool,
    as_json: bool,
) -> None:
    """List the series that are learned, those that say something first, with their thresholds and sizes.

    With --config or --bootstrap those of the workers on Kafka, as of their last checkpoints, else those of the store.
    """
    on_kafka = config is not None or bootstrap
    desk = Learned(configured(config, bootstrap).kafka) if on_kafka else opened(store)
    found = [
        one
        for one in watched(desk.state("series"))
        if resource in one.resource and metric in one.metric and (one.anomaly or one.forecast or not speaking)
    ]
    found.sort(key=lambda one: (not one.anomaly, not one.forecast, one.resource, one.metric))
    counted = {
        name: value for name, value in desk.counters().items() if name.startswith(("samples", "feedback", "shadow"))
    }
    if as_json:
        print_json({"counted": counted, "series": [one._asdict() for one in found[:limit]]})
        return
    out = console()
    speak = sum(bool(one.anomaly or one.forecast) for one in found)
    size = sum(one.bytes for one in found)
    out.print(f"{count(len(found))} series, {speak} with something to say, {count(size)} bytes of state", markup=False)
    for name, value in counted.items():
        out.print(f"{name}: {count(value)}", markup=False)
    made = table(
        "resource", "component", "metric", "points", "last", "usual", "threshold", "says", "bytes",
        right=("points", "usual", "threshold", "bytes"),
    )  # fmt: skip
    out.print(rows(made, map(_cells, found[:limit])))


def _cells(one: Watched) -> tuple[str, ...]:
    says = " ".join(word for word, on in (("anomaly", one.anomaly), ("forecast", one.forecast)) if on)
    metric = f"{one.metric} {one.labels}".strip()
    usual, threshold = number(one.usual), f"{one.threshold:.1f}"
    return (one.resource, one.component, metric, count(one.points), moment(one.last), usual, threshold, says,
            count(one.bytes))  # fmt: skip


@subcommand(
    models,
    "feedback",
    "tocsin models feedback ALERT wrong",
    "tocsin models feedback ALERT expected --for 2h",
)
@click.argument("alert")
@click.argument("verdict", type=click.Choice(["right", "wrong", "expected"]))
@click.option("--for", "lasts", help="With expected: how long, such as 2h.")
@click.option("--until", "ends", help="With expected: until when, such as 2026-12-01T22:00:00Z.")
@asking
@kafka_options
def feedback(alert: str, verdict: str, lasts: str | None, ends: str | None, ask: Asking) -> None:
    """Say that an anomaly or a forecast was right or wrong, or that what its series does is expected for a while.

    ALERT is the fingerprint of its alert. Wrong makes such anomalies of that series three times rarer. With --config or
    --bootstrap the workers on Kafka are told, by way of their topic of commands.
    """
    if (verdict == "expected") != ((lasts is None) != (ends is None)):
        raise click.UsageError("give --for or --until with expected, and only there")
    until = ""
    if verdict == "expected":
        try:
            end = parse_time(ends) if ends else parse_duration(lasts)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        if not isinstance(end, int):
            raise click.UsageError(f"needs a time or a duration; found {end!r}")
        until = str(end if ends else time.time_ns() // 1_000_000 + end)
    ask.about(Action.FEEDBACK, ask.whole_alert(alert), verdict=verdict, until=until)


@subcommand(
    models,
    "backtest",
    "tocsin models backtest examples/metrics/requests.csv",
    "tocsin models backtest examples/metrics/requests.csv --detector level --threshold 12 --draw requests.svg",
)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--detector",
    type=click.Choice([*DETECTORS, TOGETHER]),
    default="ensemble",
    show_default=True,
    help="Which; together looks at all columns at once.",
)
@click.option("--threshold", type=click.FloatRange(1), default=16.0, show_default=True, help="Where an anomaly begins.")
@click.option("--time", "time_column", default="", help="Name of the column of times.  [default: the first]")
@click.option("--value", "value_column", default="", help="Name of the column of numbers.  [default: the second]")
@click.option("--draw", type=click.Path(dir_okay=False), help="Write a drawing here, as SVG.")
@json_option
def backtest(
    file: str, detector: str, threshold: float, time_column: str, value_column: str, draw: str | None, *, as_json: bool
) -> None:
    """Run a detector over the history of one series, a CSV file, and show when it would have spoken."""
    if detector == TOGETHER:
        if value_column or draw is not None:
            raise click.UsageError("together looks at all columns, and draws nothing")
        rounds = backtests.read_rounds(file, time_column)
        _tell(len(rounds), backtests.run_together(rounds, threshold), (), as_json=as_json)
        return
    points = backtests.read(file, time_column, value_column)
    result = backtests.run(DETECTORS[detector](), points, threshold)
    if draw is not None:
        Path(draw).write_text(backtests.draw(result, f"{file}: {detector} at {threshold:g}"), encoding="utf-8")
    _tell(len(points), result.found, _picture(result), as_json=as_json)


def _tell(points: int, found: Sequence[backtests.Found], drawn: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"points": points, "anomalies": [one._asdict() for one in found]})
        return
    out = console()
    out.print(f"{count(points)} points, {len(found)} anomalies", markup=False)
    if drawn:
        out.print(*drawn, sep="\n", markup=False)
    made = table("from", "to", "value", "usual", "surprise", "one in", "why", right=("value", "usual", "surprise"))
    cells = (
        (moment(one.begin), moment(one.end), number(one.value), "" if isnan(one.expected) else number(one.expected),
         f"{one.score:.1f}", number(one.one_in), one.reason)
        for one in found
    )  # fmt: skip
    out.print(rows(made, cells))


def _picture(result: backtests.Result) -> tuple[str, str]:
    """The history in one line, and a line with a mark below each anomaly."""
    wide = -(-len(result.points) // COLUMNS) or 1
    parts = [result.points[at : at + wide] for at in range(0, len(result.points), wide)]
    begun = {one.begin for one in result.found}
    marks = "".join("^" if begun & {point.time for point in part} else " " for part in parts)
    return picture([fmean(point.value for point in part) for part in parts]), marks
