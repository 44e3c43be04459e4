"""The command line, called on a store to look into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.cli.main import cli
from tests.agents.cli.doors import make_store

Tocsin = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """See `make_store`."""
    return make_store(tmp_path)


@pytest.fixture
def tocsin(store: Path) -> Tocsin:
    """Call the command line on that store."""

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli, [str(part) for part in arguments], env={"TOCSIN_STORE": str(store)})

    return call
