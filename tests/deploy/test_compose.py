"""The compose file: what it runs is there, and no image is named by a host."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
import yaml

from agents.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


def test_all_that_a_first_try_needs_is_in_it() -> None:
    assert {"kafka", "elasticsearch", "kibana", "tocsin"} <= set(SERVICES)


def test_images_have_a_version_and_no_host() -> None:
    for image in [one["image"] for one in SERVICES.values() if "image" in one]:
        name, _, version = image.partition(":")
        assert version[0].isdigit()
        assert "." not in name.split("/")[0]


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if "build" in one])
def test_our_own_services_are_commands_that_exist_with_their_options(name: str) -> None:
    service = SERVICES[name]
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    group: click.Command = cli
    words = list(service["command"])
    context = click.Context(cli)
    while isinstance(group, click.Group):
        found = group.get_command(context, words.pop(0))
        assert found is not None
        group = found
    group.make_context(name, words, resilient_parsing=False).close()
