"""A mapping file is read as it is written, and what is wrong with one is told by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.mapping_files import load
from pipeline.sources.mapped import Mapped
from schemas.base import ConfigError
from schemas.event import EventKind, RawRecord

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("path", sorted((EXAMPLES / "mappings").glob("*.yaml")), ids=lambda path: path.stem)
def test_each_example_loads(path: Path) -> None:
    assert isinstance(Mapped(load(path)), Mapped)


def test_the_doors_of_the_example_are_understood() -> None:
    source = Mapped(load(EXAMPLES / "mappings/doors.yaml"))
    lines = (EXAMPLES / "door-controller.jsonl").read_bytes().splitlines()
    events = [
        event for line in lines for event in source.decode(RawRecord(source="doors", received=0, payload=line)).events
    ]
    assert [event.kind for event in events].count(EventKind.PROBLEM) == 2
    assert [event.kind for event in events].count(EventKind.RESOLUTION) == 3
    assert events[2].summary == "Door room-2-north forced"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "format: json\nresource: a\ncheck: b\nseverity: awful\n",
            ":4: severity: must be one of 'critical', 'major', 'minor', 'warning', 'info'; found 'awful'",
        ),
        ("format: json\nresorce: a\ncheck: b\nseverity: minor\n", ":2: resorce: unknown key; did you mean 'resource'?"),
        ("format: csv\ncolumns: [a]\nresource: '{b}'\ncheck: c\nseverity: minor\n", ":1: resource: 'b' is no column"),
    ],
)
def test_what_is_wrong_is_told_by_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert any(line.startswith(f"{path}{said}") for line in str(caught.value).splitlines()), str(caught.value)
