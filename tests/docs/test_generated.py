"""The generated parts of the documentation are what the code says; every command and every key is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from agents.cli.main import COMMANDS
from agents.config import Config
from agents.config_keys import groups, written_span
from agents.docs import PARTS, renewed
from pipeline.settings import parse_duration

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", PARTS)
def test_a_page_with_generated_parts_is_up_to_date(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert renewed(text, PARTS[page]) == text, "run `python -m agents.docs`"


def test_every_command_is_documented() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"#### tocsin {name}\n" not in text] == []


def test_every_key_is_documented() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")

    def keys(data: object, path: str) -> list[str]:
        if not isinstance(data, BaseModel):
            return []
        found = []
        for name in type(data).model_fields:
            here = f"{path}.{name}" if path else name
            found += [here, *keys(getattr(data, name), here)]
        return found

    assert [key for key in keys(Config(), "") if f"| `{key}" not in text] == []


def test_a_default_is_written_as_the_file_takes_it() -> None:
    for group in groups():
        for key in group.keys:
            if key.takes == "duration" and key.default not in ("required", ""):
                span = key.default.strip("`")
                parsed = parse_duration(span)
                assert isinstance(parsed, int)
                assert written_span(parsed) == span
