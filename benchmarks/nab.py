"""Anomalies on the Numenta Anomaly Benchmark: `python -m benchmarks.nab --data DIR [--json] [--out DIR]`.

DIR holds data/CATEGORY/SERIES.csv, combined_windows.json, profiles.json and, if one wants, reference/DETECTOR/. One
configuration for all series, strictly causal. The labels are read after the predictions exist.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from benchmarks.nab_score import Judged, Profile, Window, judge, normalised
from models.alarm import Alarm
from models.detector import Detector

PROFILES = {"standard": "standard", "low_fp": "reward_low_FP_rate", "low_fn": "reward_low_FN_rate"}
AVERAGED = (3, 6)
PUBLISHED = {
    "ARTime": (74.9, 65.1, 80.4),
    "Numenta HTM": (70.5, 62.6, 75.2),
    "CAD OSE": (69.9, 67.0, 73.2),
    "KNN-CAD": (58.0, 43.4, 64.8),
}
"""On the whole corpus: standard, low FP, low FN."""


class Series(NamedTuple):
    """One file: times as written and in milliseconds, and the values."""

    stamps: Sequence[str]
    times: Sequence[int]
    values: Sequence[float]


class Prediction(NamedTuple):
    """What the detector said of each row."""

    scores: Sequence[float]
    detections: Sequence[bool]


def millis(stamp: str) -> int:
    """A time of the corpus, which has no zone, as milliseconds."""
    return int(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() * 1000)


def read_series(data: Path) -> dict[str, Series]:
    """All series by CATEGORY/NAME.csv."""
    found = {}
    for path in sorted((data / "data").glob("*/*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(row["timestamp"], float(row["value"])) for row in csv.DictReader(file)]
        stamps = [stamp for stamp, _ in rows]
        found[f"{path.parent.name}/{path.name}"] = Series(stamps, [millis(s) for s in stamps], [v for _, v in rows])
    return found


def averaged(series: Series, by: int) -> Series:
    """The means of that many rows each, known when the last of them is."""
    blocks = range(len(series.values) // by)
    ends = [block * by + by - 1 for block in blocks]
    means = [sum(series.values[block * by : block * by + by]) / by for block in blocks]
    return Series([series.stamps[end] for end in ends], [series.times[end] for end in ends], means)


def predict(series: Series) -> Prediction:
    """Score each row from what came before it."""
    detector, alarm = Detector(), Alarm()
    scores = [detector.step(time, value).score for time, value in zip(series.times, series.values, strict=True)]
    return Prediction(scores, [alarm.step(score) for score in scores])


def read_windows(data: Path, series: Mapping[str, Series]) -> dict[str, list[Window]]:
    """The labelled windows as rows of each series."""
    labels = orjson.loads((data / "combined_windows.json").read_bytes())
    return {
        name: [_rows(one.times, millis(begin), millis(end)) for begin, end in labels[name]]
        for name, one in series.items()
    }


def _rows(times: Sequence[int], begin: int, end: int) -> Window:
    inside = [row for row, time in enumerate(times) if begin <= time <= end]
    return inside[0], inside[-1]


def mapped(windows: Sequence[Window], by: int, rows: int) -> list[Window]:
    """Windows as rows of a series averaged by that many rows."""
    return [(first // by, min(last // by, rows - 1)) for first, last in windows]


def read_profiles(data: Path) -> dict[str, Profile]:
    """NAB's three profiles by our short names."""
    read = orjson.loads((data / "profiles.json").read_bytes())
    costs = {short: read[name]["CostMatrix"] for short, name in PROFILES.items()}
    return {name: Profile(name, c["tpWeight"], c["fpWeight"], c["fnWeight"]) for name, c in costs.items()}


def score(
    predictions: Mapping[str, Prediction], windows: Mapping[str, Sequence[Window]], profile: Profile
) -> dict[str, Judged]:
    """What each series gets."""
    return {
        name: judge(len(found.scores), windows[name], [row for row, hit in enumerate(found.detections) if hit], profile)
        for name, found in predictions.items()
    }


def write(out: Path, series: Mapping[str, Series], predictions: Mapping[str, Prediction]) -> None:
    """One CSV a series under its category: timestamp, value, anomaly_score, detection."""
    for name, found in predictions.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["timestamp", "value", "anomaly_score", "detection"])
            rows = zip(series[name].stamps, series[name].values, found.scores, found.detections, strict=True)
            writer.writerows((stamp, value, round(said, 6), int(hit)) for stamp, value, said, hit in rows)


def reference(data: Path, windows: Mapping[str, Sequence[Window]], profile: Profile) -> dict[str, float]:
    """The score of each reference detector at its best threshold, which shows that the scorer is right."""
    results = {}
    for folder in sorted(path for path in (data / "reference").glob("*") if path.is_dir()):
        said: dict[str, list[float]] = {}
        for name in windows:
            category, file = name.split("/")
            with (folder / category / f"{folder.name}_{file}").open(newline="", encoding="utf-8") as rows:
                said[name] = [float(row["anomaly_score"]) for row in csv.DictReader(rows)]
        levels = sorted({round(value, 2) for scores in said.values() for value in scores if value >= 0.5})
        results[folder.name] = max(_at(said, windows, profile, level) for level in levels)
    return results


def _at(
    said: Mapping[str, Sequence[float]], windows: Mapping[str, Sequence[Window]], profile: Profile, level: float
) -> float:
    return normalised(
        judge(len(scores), windows[name], [row for row, value in enumerate(scores) if value >= level], profile)
        for name, scores in said.items()
    )


def measure(data: Path, out: Path | None = None) -> dict[str, Any]:
    """All figures; first the predictions, then the labels."""
    series = read_series(data)
    predictions = {name: predict(one) for name, one in series.items()}
    copies = {by: {name: averaged(one, by) for name, one in series.items()} for by in AVERAGED}
    copied = {by: {name: predict(one) for name, one in copy.items()} for by, copy in copies.items()}
    if out is not None:
        write(out, series, predictions)
    windows = read_windows(data, series)
    profiles = read_profiles(data)
    figures: dict[str, Any] = {
        name: normalised(score(predictions, windows, one).values()) for name, one in profiles.items()
    }
    for by, found in copied.items():
        fewer = {name: mapped(windows[name], by, len(copies[by][name].values)) for name in series}
        figures[f"averaged_{by}"] = normalised(score(found, fewer, profiles["standard"]).values())
    judged = score(predictions, windows, profiles["standard"])
    figures["categories"] = {
        category: _category([one for name, one in judged.items() if name.startswith(f"{category}/")])
        for category in sorted({name.split("/")[0] for name in series})
    }
    figures["reference"] = reference(data, windows, profiles["standard"])
    return figures


def _category(judged: Sequence[Judged]) -> dict[str, float]:
    return {
        "score": normalised(judged),
        "windows": sum(one.windows for one in judged),
        "found": sum(one.found for one in judged),
        "false": sum(one.false for one in judged),
    }


def show(figures: Mapping[str, Any]) -> None:
    """Print a table, the published figures beside ours."""
    print(f"{'':<28}{'standard':>10}{'low FP':>10}{'low FN':>10}")
    print(f"{'ours, this data':<28}" + "".join(f"{figures[name]:>10.1f}" for name in PROFILES))
    for name, published in PUBLISHED.items():
        print(f"{name + ', whole corpus':<28}" + "".join(f"{value:>10.1f}" for value in published))
    for by in AVERAGED:
        print(f"{f'ours, averaged by {by}':<28}{figures[f'averaged_{by}']:>10.1f}")
    for name, value in figures["reference"].items():
        print(f"{f'{name}, rescored':<28}{value:>10.2f}")
    print(f"{'category':<28}{'score':>10}{'found':>10}{'windows':>10}{'false':>10}")
    for name, one in figures["categories"].items():
        print(f"{name:<28}{one['score']:>10.1f}{one['found']:>10}{one['windows']:>10}{one['false']:>10}")


def main(given: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nab", description="Score the detector by NAB.")
    parser.add_argument("--data", type=Path, required=True, help="a folder laid out as NAB's repository")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--out", type=Path, help="write the predictions here")
    options = parser.parse_args(given)
    figures = measure(options.data, options.out)
    if options.json:
        print(orjson.dumps(figures).decode())
    else:
        show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
