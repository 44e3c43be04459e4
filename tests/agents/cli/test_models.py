"""What is learned can be looked at, told what was right, and tried on history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.cli.main import cli
from tests.agents.cli.doors import ROOT
from tests.pipeline.test_trend_step import BEGIN, STEP, calm, high

EXAMPLE = str(ROOT / "examples/metrics/requests.csv")
CALM = 1500


def tocsin(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two series, one of which broke out, from a file of Influx lines."""
    folder = tmp_path_factory.mktemp("learned")
    samples = [*calm(CALM, ("calm", "wild")), *high(CALM, CALM + 6, ("wild",))]
    lines = [
        rf"response\ time,host={one.resource} value={one.value + (100 if one.resource == 'wild' else 0)} "
        f"{one.time * 1_000_000}\n"
        for one in samples
    ]
    (folder / "lines.txt").write_text("".join(lines))
    path = folder / "tocsin.db"
    shown = tocsin("replay", "--source", "influx", "--store", str(path), str(folder / "lines.txt"))
    assert shown.exit_code == 0, shown.output
    return path


def series(store: Path, *arguments: str) -> list[dict[str, object]]:
    shown = tocsin("models", "list", "--store", str(store), "--json", *arguments)
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert found["counted"]["samples"] == 2 * CALM + 6
    listed = found["series"]
    assert isinstance(listed, list)
    return listed


def test_the_list_has_what_speaks_first_with_its_size(learned: Path) -> None:
    wild, quiet = series(learned)
    assert (wild["resource"], wild["metric"], wild["anomaly"]) == ("wild", "response time", True)
    assert (quiet["resource"], quiet["anomaly"], quiet["points"]) == ("calm", False, CALM)
    assert wild["last"] == BEGIN + (CALM + 5) * STEP
    assert 2000 < int(str(quiet["bytes"])) <= 4096
    assert [one["resource"] for one in series(learned, "--speaking")] == ["wild"]
    assert [one["resource"] for one in series(learned, "--resource", "cal")] == ["calm"]


def test_the_list_is_readable(learned: Path) -> None:
    shown = tocsin("models", "list", "--store", str(learned)).stdout
    assert shown.startswith("2 series, 1 with something to say, ")
    assert "response time" in shown
    assert "anomaly" in shown


def test_feedback_moves_the_threshold_of_one_series(learned: Path) -> None:
    (alert,) = json.loads(tocsin("alerts", "--all", "--store", str(learned), "--json").stdout)
    said = tocsin("models", "feedback", alert["fingerprint"][:8], "wrong", "--store", str(learned), "--by", "kim")
    assert said.exit_code == 0, said.output
    wild, quiet = series(learned)
    assert (wild["threshold"], quiet["threshold"]) == (18.6, 16.0)
    expected = tocsin("models", "feedback", alert["fingerprint"], "expected", "--for", "2h", "--store", str(learned))
    assert expected.exit_code == 0, expected.output
    assert int(str(series(learned)[0]["expected_until"])) > BEGIN


@pytest.mark.parametrize("arguments", [("expected",), ("wrong", "--for", "2h"), ("expected", "--for", "long")])
def test_feedback_that_makes_no_sense_is_wrong_use(learned: Path, arguments: tuple[str, ...]) -> None:
    (alert,) = json.loads(tocsin("alerts", "--all", "--store", str(learned), "--json").stdout)
    assert tocsin("models", "feedback", alert["fingerprint"], *arguments, "--store", str(learned)).exit_code == 2


def test_a_backtest_tells_and_draws(tmp_path: Path) -> None:
    drawing = tmp_path / "drawing.svg"
    shown = tocsin("models", "backtest", EXAMPLE, "--draw", str(drawing))
    assert shown.exit_code == 0, shown.output
    assert "1,008 points, 1 anomalies" in shown.stdout
    assert "2024-01-19 10:00:00Z" in shown.stdout
    assert "^" in shown.stdout
    assert drawing.read_text(encoding="utf-8").startswith("<svg ")
    found = json.loads(tocsin("models", "backtest", EXAMPLE, "--threshold", "200", "--json").stdout)
    assert found == {"points": 1008, "anomalies": []}
