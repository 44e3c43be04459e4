"""Beside the broker a real Elasticsearch."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.elastic.conftest import client, prefix, url

__all__ = ["client", "prefix", "url"]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need a node, too."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.elastic)
