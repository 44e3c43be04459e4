"""The real servers of the tests: those named in the environment, else our own, started once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.local.elasticsearch import Node
from agents.local.kafka import Broker


@contextmanager
def kafka_broker(folder: Path) -> Iterator[str]:
    """Bootstrap servers: TOCSIN_TEST_KAFKA, else a broker of our own in `folder`, stopped at the end."""
    named = os.environ.get("TOCSIN_TEST_KAFKA")
    if named:
        yield named
        return
    with Broker(folder) as broker:
        yield broker.bootstrap


@contextmanager
def elasticsearch_node(folder: Path) -> Iterator[str]:
    """A URL: TOCSIN_TEST_ELASTIC, else a node of our own in `folder`, stopped at the end."""
    named = os.environ.get("TOCSIN_TEST_ELASTIC")
    if named:
        yield named
        return
    with Node(folder) as node:
        yield node.url
