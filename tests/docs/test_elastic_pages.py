"""What the page on Elasticsearch says is so: its links, its commands, the states of the indexer, its configuration."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from agents.cli.main import COMMANDS, cli
from agents.index.indexer import State
from agents.index.settings import ElasticsearchOutput

PAGE = Path(__file__).resolve().parents[2] / "docs/elasticsearch.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_links_and_commands_are_real() -> None:
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", TEXT)]
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
    assert set(re.findall(r"(?:^|`)tocsin (\w+)", TEXT, re.MULTILINE)) <= set(COMMANDS)


@pytest.mark.parametrize("group", ["index", "backup"])
def test_every_command_is_named(group: str) -> None:
    found = cli.get_command(click.Context(cli), group)
    assert isinstance(found, click.Group)
    assert [name for name in found.commands if f"tocsin {group} {name}" not in TEXT] == []


def test_every_state_is_named() -> None:
    assert [state for state in State if state is not State.INDEXING and f"| `{state.value}` |" not in TEXT] == []


def test_the_example_is_a_configuration() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (output,) = yaml.safe_load(example)["outputs"]
    assert ElasticsearchOutput.model_validate(output).retention == {"events": 30 * 86_400_000}
