"""A real broker for all tests here; each test has topics of its own, by a prefix."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from pipeline.sources.registry import SOURCES
from tests.servers import kafka_broker

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need a broker."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture
def settings(bootstrap: str) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=tuple(bootstrap.split(",")),
        prefix=f"t{uuid.uuid4().hex[:8]}.",
        retention={"raw.{source}": 0},  # else a day of long ago is deleted as soon as it is written
    )


@pytest.fixture
def kafka(settings: KafkaSettings) -> KafkaSettings:
    """All topics, and time by events alone."""
    made = settings.model_copy(update={"ingest": IngestSettings(clock=False, linger=20), "session": 6000})
    create(made, wanted(made, SOURCES))
    return made
