"""Speed and size of indexing: `python -m benchmarks.indexing`. The recorded day into a real Elasticsearch.

The same documents by the bare `helpers.parallel_bulk` of the client, by our indexer, and by the output of a host that
reads them off its store, by turns; each time into new indices. Then every record is compared with the store. Last, what
an event takes on the disk, by what is kept of it. The node is that of TOCSIN_TEST_ELASTIC, else one of our own.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson
from elasticsearch import Elasticsearch, helpers

from agents.embedded.store import Store
from agents.index import bulk
from agents.index.client import connect
from agents.index.documents import Document
from agents.index.feed import attach, detach
from agents.index.indexer import Indexer
from agents.index.kinds import KINDS
from agents.index.output import StoreIndexer
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import setup
from agents.index.verify import verify
from benchmarks.day import arguments, make_normaliser, print_json, timed
from benchmarks.documents import documents_of
from tests.integration.elastic.days import lanes_of, whole_day
from tests.servers import elasticsearch_node

Actions = list[dict[str, Any]]
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "as it is": ("", {}),
    "codec: default": ("codec", {}),
    "message: phrases, too": ("message", {"type": "text", "norms": False}),
    "message: keyword, too": (
        "message",
        {
            "type": "text",
            "norms": False,
            "index_options": "docs",
            "fields": {"keyword": {"type": "keyword", "ignore_above": 256}},
        },
    ),
    "message: not searched": ("message", {"type": "text", "index": False}),
    "labels: not searched": ("labels", {"type": "object", "enabled": False}),
}
"""What could be kept of an event: the field that is mapped otherwise, and how."""


class Rate(NamedTuple):
    """Documents a second, of each round."""

    bare: list[float]
    ours: list[float]
    store: list[float]


def actions_of(settings: ElasticsearchOutput, documents: Sequence[Document]) -> Actions:
    """The same documents as the client's helper takes them."""
    found = []
    for one in documents:
        ((what, where),) = orjson.loads(bulk.line(settings, one).action).items()
        found.append({"_op_type": what, **where, "_source": orjson.loads(one.body or b"")})
    return found


def bare(client: Elasticsearch, settings: ElasticsearchOutput, actions: Actions) -> None:
    """All by the helper."""
    done = helpers.parallel_bulk(
        client, actions, thread_count=settings.requests, chunk_size=settings.bulk_documents,
        max_chunk_bytes=settings.bulk_bytes,
    )  # fmt: skip
    if not all(good for good, _ in done):
        raise RuntimeError("a document was refused")


def ours(client: Elasticsearch, settings: ElasticsearchOutput, documents: Sequence[Document]) -> None:
    """All by the indexer; members of incidents are among them, so that it is given the incidents as anything else."""
    asyncio.run(Indexer(client, settings, _refused).write(documents))


def _refused(found: Sequence[bulk.Refusal]) -> None:
    raise RuntimeError(found[0].detail)


def bare_rate(url: str, number: int, documents: Sequence[Document]) -> float:
    """Documents a second by the client's own helper, into new indices."""
    made = of_round(url, number, "b")
    with connect(made) as client:
        setup(client, made)
        actions = actions_of(made, documents)
        return len(documents) / timed(partial(bare, client, made, actions))


def measure(url: str, store: Path, rounds: int) -> tuple[Rate, list[Document], ElasticsearchOutput]:
    """The three by turns; the documents, and where the last round of the host's output went."""
    attach(store)
    documents = documents_of(store)
    without = [one for one in documents if one.kind != "member"]  # the indexer makes them of the incidents
    rate = Rate([], [], [])
    made = of_round(url, 0, "z")
    for number in range(rounds):
        rate.bare.append(bare_rate(url, number, documents))
        made = of_round(url, number, "o")
        with connect(made) as client:
            setup(client, made)
            rate.ours.append(len(documents) / timed(partial(ours, client, made, without)))
        made = of_round(url, number, "s")
        with connect(made) as client:
            setup(client, made)  # making the indices is not indexing: it is done before, as for the other two
        detach(store)
        rate.store.append(len(documents) / timed(partial(from_store, made, store)))
    return rate, documents, made


def of_round(url: str, number: int, name: str) -> ElasticsearchOutput:
    """An installation of its own."""
    prefix = f"{name}{number}_{time.time_ns() % 10**8}"
    return ElasticsearchOutput(type="elasticsearch", nodes=tuple(url.split(",")), prefix=prefix, timeout=120_000)


def from_store(settings: ElasticsearchOutput, path: Path) -> None:
    """All by the output of a host."""
    store = Store(str(path))
    asyncio.run(StoreIndexer(settings, store, make_normaliser(), lambda: time.time_ns() // 1_000_000).catch_up())
    store.close()


def agreement(settings: ElasticsearchOutput, store: Path) -> tuple[int, int]:
    """How many documents are as the store has them, and how many are not."""
    with connect(settings) as client:
        found = verify(client, settings, lanes_of(store))
    return sum(one.same for one in found), sum(
        one.missing + one.doubled + one.other + (one.more if not one.agrees else 0) for one in found
    )


# -- size --------------------------------------------------------------------------------------------------------------


def sizes(url: str, documents: Sequence[Document]) -> Iterator[tuple[str, float]]:
    """Bytes on the disk of one event, all segments merged, for each variant."""
    events = [one for one in documents if one.kind == "event"]
    made = of_round(url, 0, "v")
    with connect(made) as client:
        setup(client, made)
        name = made.name(KINDS["event"].target)
        for number, (variant, (field, mapping)) in enumerate(VARIANTS.items()):
            template = client.indices.simulate_index_template(name=name).body["template"]
            if mapping:
                template["mappings"]["properties"][field] = mapping
            elif field:
                template["settings"]["index"][field] = "default"
            index = f"{made.prefix}_v{number}"
            client.indices.create(index=index, settings=template["settings"], mappings=template["mappings"])
            yield variant, _size(client, made, index, events)


def _size(client: Elasticsearch, settings: ElasticsearchOutput, index: str, events: Sequence[Document]) -> float:
    actions = ({"_index": index, "_id": one.id, "_source": orjson.loads(one.body or b"")} for one in events)
    for _ in helpers.streaming_bulk(client, actions, chunk_size=settings.bulk_documents):
        pass
    client.options(request_timeout=600).indices.forcemerge(index=index, max_num_segments=1)
    client.indices.flush(index=index)
    stats = client.indices.stats(index=index, metric=["docs", "store"])["_all"]["primaries"]
    return float(stats["store"]["size_in_bytes"]) / float(stats["docs"]["count"])


def main(given: list[str] | None = None) -> int:
    """Measure, and print the figures."""
    options = arguments("Speed and size of indexing.", given, rounds="3", seed="1")
    with tempfile.TemporaryDirectory() as folder, elasticsearch_node(Path(folder) / "node") as url:
        store = Path(folder) / "day.db"
        whole_day(store, int(options.seed))
        rate, documents, made = measure(url, store, int(options.rounds))
        same, unlike = agreement(made, store)
        each = dict(sizes(url, documents))
    plain = median(rate.bare)
    json_size = sum(len(one.body or b"") for one in documents if one.kind == "event")
    json_size //= sum(one.kind == "event" for one in documents)
    print(f"{len(documents):,} documents of a day, {options.rounds} rounds, median:")
    for name, found in zip(("helpers.parallel_bulk", "the indexer", "the output, from the store"), rate, strict=True):
        print(f"  {name:<28}{median(found):>10,.0f} documents/s  {median(found) / plain:>6.0%}")
    print(f"compared with the store: {same:,} the same, {unlike} not")
    print(f"bytes an event on the disk, of {json_size} as JSON:")
    for variant, size in each.items():
        print(f"  {variant:<28}{size:>8.1f}")
    if options.json:
        print_json({"rate": rate._asdict(), "same": same, "unlike": unlike, "bytes": each})
    return 0


if __name__ == "__main__":
    sys.exit(main())
