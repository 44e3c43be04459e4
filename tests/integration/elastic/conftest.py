"""A real Elasticsearch for all tests here; each test has indices of its own, by a prefix."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from tests.servers import elasticsearch_node

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need a node."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.elastic)


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with elasticsearch_node(tmp_path_factory.mktemp("elasticsearch")) as address:
        yield address


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(url, request_timeout=60) as made:
        yield made


@pytest.fixture
def prefix(client: Elasticsearch) -> Iterator[str]:
    made = f"t{uuid.uuid4().hex[:8]}"
    yield made
    if indices := list(client.indices.get_alias(index=f"{made}-*-0*", allow_no_indices=True).body):
        client.indices.delete(index=indices)
