"""A store to look into: a few doors, one of them broken into, and a payload that nobody understands."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from agents.cli.main import cli

ROOT = Path(__file__).resolve().parents[3]


def make_store(folder: Path) -> Path:
    """Two open critical alerts in two incidents, one that healed, one dead letter."""
    lines = [
        {"at": "2026-05-01T02:14:07Z", "door": "room-2-north", "state": "forced", "badge": ""},
        {"at": "2026-05-01T02:14:40Z", "door": "room-9-south", "state": "forced", "badge": ""},
        {"at": "2026-05-01T02:20:00Z", "door": "room-1", "state": "held-open", "badge": ""},
        {"at": "2026-05-01T02:21:00Z", "door": "room-1", "state": "closed", "badge": ""},
        {"at": "2026-05-01T03:40:00Z", "door": "room-2", "state": "opened", "badge": "4711"},
    ]
    doors = folder / "doors.jsonl"
    doors.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"at": "2026-05-01T02:30:00Z", "door"\n')
    mapping = ROOT / "examples/mappings/doors.yaml"
    settings = f"sources: {{doors: {{mapping: {mapping}}}}}\nstore: {{checkpoint_every: 1}}\n"
    (folder / "tocsin.yaml").write_text(settings)
    path = folder / "tocsin.db"
    arguments = ["replay", "--source", "doors", "-c", str(folder / "tocsin.yaml"), "--store", str(path), str(doors)]
    shown = CliRunner().invoke(cli, arguments)
    assert shown.exit_code == 0, shown.output
    return path
