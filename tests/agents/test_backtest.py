"""A detector over history: when it speaks, what it says, and a drawing that is well-formed."""

from __future__ import annotations

import math
import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from agents.backtest import Point, Round, draw, read, read_rounds, run, run_together
from models.registry import DETECTORS
from schemas.base import ConfigError

EXAMPLE = "examples/metrics/requests.csv"
ROOT = Path(__file__).resolve().parents[2]


def written(folder: Path, text: str) -> str:
    path = folder / "history.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("detector", ["ensemble", "level", "season", "value"])
def test_the_outbreak_of_the_example_is_found_by_what_looks_for_such(detector: str) -> None:
    result = run(DETECTORS[detector](), read(str(ROOT / EXAMPLE)), 9.0)
    begins = [one.begin for one in result.found]
    assert any(1_705_658_400_000 <= begin <= 1_705_669_200_000 for begin in begins), begins
    assert all(one.reason and one.score >= 9.0 for one in result.found)


def test_a_history_as_usual_finds_nothing() -> None:
    points = read(str(ROOT / EXAMPLE))[:800]
    assert run(DETECTORS["ensemble"](), points, 16.0).found == []


@pytest.mark.parametrize(
    "text",
    [
        "time,value\n2024-01-01T00:00:00Z,1.5\n2024-01-01 00:05:00,2\n",
        "1704067200,1.5\n1704067500000,2\n",
        "2024-01-01T01:00:00+01:00,1.5\n\n2024-01-01T00:05:00Z,2\n",
    ],
)
def test_times_may_be_written_in_many_ways(tmp_path: Path, text: str) -> None:
    assert read(written(tmp_path, text)) == [Point(1_704_067_200_000, 1.5), Point(1_704_067_500_000, 2.0)]


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, "host,load,at\na,3,1704067200\na,,1704067260\n")
    assert read(path, "at", "load") == [Point(1_704_067_200_000, 3.0)]
    with pytest.raises(ConfigError, match=r"no column 'cpu'; there are host, load, at"):
        read(path, "at", "cpu")


def test_what_is_no_point_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"history\.csv:3: needs a time and a number: 'soon,2'"):
        read(written(tmp_path, "time,value\n1704067200,1\nsoon,2\n"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(str(tmp_path / "none.csv"))


def test_the_drawing_shows_the_series_and_each_anomaly() -> None:
    result = run(DETECTORS["ensemble"](), read(str(ROOT / EXAMPLE)), 16.0)
    picture = ElementTree.fromstring(draw(result, "a < b"))
    names = [element.tag.rpartition("}")[2] for element in picture]
    assert names.count("polyline") == 2
    assert names.count("rect") == len(result.found) > 0
    assert picture[0].text == "a < b"


def test_nothing_can_not_be_drawn() -> None:
    with pytest.raises(ConfigError, match="nothing to draw"):
        draw(run(DETECTORS["ensemble"](), [], 16.0), "")


def test_a_relation_that_breaks_is_found_in_the_columns_of_a_file(tmp_path: Path) -> None:
    chance, lines = random.Random(2), ["at,cpu,sessions,latency"]
    for at in range(4000):
        level = math.sin(at / 288 * 2 * math.pi) + chance.gauss(0.0, 0.3)
        cpu = 40 + 10 * (-level if 3500 <= at < 3530 else level) + chance.gauss(0.0, 1.0)
        sessions, latency = 300 + 90 * level + chance.gauss(0.0, 9.0), 20 * math.exp(level + chance.gauss(0.0, 0.1))
        lines.append(f"{1_704_067_200 + at * 300},{cpu},{sessions},{latency if at % 50 else ''}")
    rounds = read_rounds(written(tmp_path, "\n".join(lines)))
    assert rounds[0].time == 1_704_067_200_000
    assert rounds[0].values.keys() == {"cpu", "sessions"}
    (found,) = run_together(rounds, 16.0)
    assert 3500 <= (found.begin - rounds[0].time) // 300_000 < 3530
    assert found.reason == "cpu below what the others say"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,a,b\n1704067200,1,x\n", ":2"),
        ("time,a\n1704067200,1,2\n", ":2"),
        ("time,a\n1704067200,1\nlater,2\n", ":3"),
    ],
)
def test_columns_that_cannot_be_read_are_told_by_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_rounds(written(tmp_path, text))


def test_columns_are_rounds(tmp_path: Path) -> None:
    path = written(tmp_path, "a,time,b\n1,1704067200,\n2,1704067500,3\n")
    assert read_rounds(path, "time") == [
        Round(1_704_067_200_000, {"a": 1.0}),
        Round(1_704_067_500_000, {"a": 2.0, "b": 3.0}),
    ]
    with pytest.raises(ConfigError, match="no column 'when'"):
        read_rounds(path, "when")
