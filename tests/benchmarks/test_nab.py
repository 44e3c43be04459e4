"""The benchmark on a small corpus made here."""

import csv
import json
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks import nab

BEGIN = datetime(2024, 3, 1, tzinfo=UTC)


def stamp(row: int) -> str:
    return (BEGIN + timedelta(minutes=5 * row)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """One series with a day's shape and a step at row 1500, one without anything."""
    chance = random.Random(5)
    wave = [10.0 + 3.0 * math.sin(row / 288 * 2 * math.pi) + chance.gauss(0.0, 0.3) for row in range(2000)]
    for category, name, values in (("made", "step", [v + 20.0 * (1500 <= r < 1560) for r, v in enumerate(wave)]),
                                   ("made", "calm", [4.0] * 2000)):  # fmt: skip
        path = tmp_path / "data" / category / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{stamp(row)},{value}" for row, value in enumerate(values)]
        path.write_text("\n".join(["timestamp,value", *lines]) + "\n", encoding="utf-8")
    labels = {"made/step.csv": [[stamp(1470) + ".000000", stamp(1590) + ".000000"]], "made/calm.csv": []}
    (tmp_path / "combined_windows.json").write_text(json.dumps(labels), encoding="utf-8")
    costs = {"reward_low_FP_rate": (0.22, 1.0), "reward_low_FN_rate": (0.11, 2.0), "standard": (0.11, 1.0)}
    profiles = {
        name: {"CostMatrix": {"tpWeight": 1.0, "fpWeight": fp, "fnWeight": fn}} for name, (fp, fn) in costs.items()
    }
    (tmp_path / "profiles.json").write_text(json.dumps(profiles), encoding="utf-8")
    return tmp_path


def test_a_step_is_found_also_in_the_averaged_copies(corpus: Path) -> None:
    figures = nab.measure(corpus)
    assert figures["categories"]["made"]["found"] == 1
    assert figures["standard"] > 70.0
    assert figures["averaged_3"] > 70.0
    assert figures["averaged_6"] > 70.0


def test_predictions_are_written_row_by_row(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert nab.main(["--data", str(corpus), "--json", "--out", str(out)]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {"standard", "low_fp", "low_fn", "averaged_3", "categories"}
    with (out / "made" / "step.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2000
    assert rows[0]["timestamp"] == stamp(0)
    assert any(row["detection"] == "1" for row in rows[1500:1560])


def test_nothing_is_decided_from_what_comes_later(corpus: Path) -> None:
    series = nab.read_series(corpus)["made/step.csv"]
    whole = nab.predict(series)
    part = nab.predict(nab.Series(series.stamps[:1520], series.times[:1520], series.values[:1520]))
    assert list(part.scores) == list(whole.scores[:1520])
    assert list(part.detections) == list(whole.detections[:1520])


def test_the_average_is_known_at_its_last_row() -> None:
    three = nab.averaged(nab.Series(["a", "b", "c", "d"], [1, 2, 3, 4], [1.0, 2.0, 6.0, 9.0]), 3)
    assert three == nab.Series(["c"], [3], [3.0])
