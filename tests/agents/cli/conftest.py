"""A store to look into: a few doors, one of them broken into, and a payload that nobody understands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.cli.main import cli

ROOT = Path(__file__).resolve().parents[3]
Tocsin = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two open critical alerts in two incidents, one that healed, one dead letter."""
    lines = [
        {"at": "2026-05-01T02:14:07Z", "door": "room-2-north", "state": "forced", "badge": ""},
        {"at": "2026-05-01T02:14:40Z", "door": "room-9-south", "state": "forced", "badge": ""},
        {"at": "2026-05-01T02:20:00Z", "door": "room-1", "state": "held-open", "badge": ""},
        {"at": "2026-05-01T02:21:00Z", "door": "room-1", "state": "closed", "badge": ""},
        {"at": "2026-05-01T02:40:00Z", "door": "room-2", "state": "opened", "badge": "4711"},
    ]
    doors = tmp_path / "doors.jsonl"
    doors.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"at": "2026-05-01T02:30:00Z", "door"\n')
    (tmp_path / "tocsin.yaml").write_text(f"sources: {{doors: {{mapping: {ROOT}/examples/mappings/doors.yaml}}}}\n")
    path = tmp_path / "tocsin.db"
    arguments = ["replay", "--source", "doors", "-c", str(tmp_path / "tocsin.yaml"), "--store", str(path), str(doors)]
    shown = CliRunner().invoke(cli, arguments)
    assert shown.exit_code == 0, shown.output
    return path


@pytest.fixture
def tocsin(store: Path) -> Tocsin:
    """Call the command line on that store."""

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli, [str(part) for part in arguments], env={"TOCSIN_STORE": str(store)})

    return call
