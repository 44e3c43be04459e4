"""What the topics say, what an installation of Elasticsearch holds, and waiting until the one is in the other."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from elasticsearch import Elasticsearch
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.index.documents import Document
from agents.index.kinds import KINDS, Keeps
from agents.index.known import scan
from agents.index.members import rows_of
from agents.index.settings import ElasticsearchOutput
from agents.stream.index.feeds import FEEDS
from tests.integration.kafka.worker.stage import Stage, Worker

PARTITIONS = 37
"""Of all topics that are indexed, as they are declared."""
Held = dict[str, dict[str, tuple[int | None, dict[str, Any]]]]
"""By kind and id: the version, where it is one of ours, and what the document says."""


def said(stage: Stage) -> Held:
    """All documents of all messages, each at its highest version; of a history the first."""
    found: dict[str, dict[str, Document]] = {name: {} for name in KINDS}
    for topic, make in FEEDS.items():
        for message in stage.read(topic):
            for one in make(message.key or b"", message.value or b"", message.timestamp):
                old = found[one.kind].get(one.id)
                history = KINDS[one.kind].keeps is Keeps.ALL
                if old is None or (not history and (one.version or 0) >= (old.version or 0)):
                    found[one.kind][one.id] = one
    for one in found["incident"].values():
        found["member"] |= {row.id: row for row in rows_of(one)}
    return {
        kind: {name: (_version(kind, one.version), orjson.loads(one.body or b"")) for name, one in some.items()}
        for kind, some in found.items()
    }


def held(client: Elasticsearch, output: ElasticsearchOutput) -> Held:
    """All that is there. Fails where something is there more than once."""
    client.indices.refresh(index=f"{output.prefix}-*")
    found: Held = {}
    for kind, one in KINDS.items():
        name = output.name(one.target)
        hits = list(scan(client, name, version=True)) if client.indices.exists(index=name) else []
        twice = [name for name, count in Counter(hit["_id"] for hit in hits).items() if count > 1]
        assert twice == []
        found[kind] = {hit["_id"]: (_version(kind, hit["_version"]), hit["_source"]) for hit in hits}
    return found


def _version(kind: str, version: int | None) -> int | None:
    """History has none; a member has that of the incident when it last changed, which may differ."""
    return version if KINDS[kind].keeps is Keeps.LAST and kind != "member" else None


def assert_the_same(client: Elasticsearch, output: ElasticsearchOutput, stage: Stage) -> Held:
    """What is there is what the topics say, no more and no less; returned."""
    wanted, found = said(stage), held(client, output)
    for kind in KINDS:
        assert found[kind].keys() == wanted[kind].keys(), kind
        assert found[kind] == wanted[kind], kind
    return found


def until_indexed(worker: Worker, seconds: float = 120) -> None:
    """Until the worker has read all partitions to their end, and written it."""
    for attempt in Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.3), reraise=True):
        with attempt:
            lags = {name: value for name, value in worker.metrics().items() if name.startswith("tocsin_lag{")}
            assert len(lags) == PARTITIONS
            assert {name: value for name, value in lags.items() if value} == {}


def until_state(worker: Worker, state: str, seconds: float = 60) -> None:
    """Until the worker says that its output is in a state."""
    for attempt in Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.2), reraise=True):
        with attempt:
            assert worker.metrics().get(f'tocsin_output_state{{output="elasticsearch",state="{state}"}}') == 1


def until_there(client: Elasticsearch, index: str, seconds: float = 60) -> None:
    """Until an index, or a data stream, has been made by the first document for it."""
    for attempt in Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.05), reraise=True):
        with attempt:
            assert client.indices.exists(index=index)


def until_writing(worker: Worker, seconds: float = 60) -> None:
    """Until the worker has written something, or found that it is there."""
    for attempt in Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.05), reraise=True):
        with attempt:
            assert sum(value for name, value in worker.metrics().items() if "tocsin_documents_total" in name) > 0
