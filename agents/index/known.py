"""Reading of a cluster that indexing, migration and comparison share: what is there already, and all of something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch

PAGE = 2000
"""Hits of one search; it takes 10,000 at most."""
KEEP_ALIVE = "5m"


def rolled_over(client: Elasticsearch, prefix: str) -> set[str]:
    """The data streams of an installation that have more than one index; aliases, too.

    Within one index a document that is created again is refused anyway.
    """
    names = client.indices.resolve_index(name=f"{prefix}-*").body
    indices = {one["name"]: one["backing_indices"] for one in names["data_streams"]}
    indices |= {one["name"]: one["indices"] for one in names["aliases"]}
    return {name for name, some in indices.items() if len(some) > 1}


def already_there(client: Elasticsearch, stream: str, ids: Sequence[str]) -> set[str]:
    """Which of some documents a data stream holds."""
    client.indices.refresh(index=stream)
    found: set[str] = set()
    rest = iter(ids)
    while some := list(islice(rest, PAGE)):
        answer = client.search(
            index=stream,
            query={"ids": {"values": some}},
            size=2 * len(some),
            source=False,
            filter_path="hits.hits._id",
        )
        found |= {hit["_id"] for hit in answer.body.get("hits", {}).get("hits", ())}
    return found


def scan(
    client: Elasticsearch,
    index: str,
    query: Mapping[str, Any] | None = None,
    *,
    source: Sequence[str] | None = (),
    version: bool = False,
    sort: Sequence[Mapping[str, Any]] = (),
) -> Iterator[dict[str, Any]]:
    """All hits of a query, as they were at one moment; `source` None: without it, (): with all of it."""
    moment = client.open_point_in_time(index=index, keep_alive=KEEP_ALIVE)["id"]
    try:
        after: list[Any] | None = None
        while True:
            answer = client.search(
                pit={"id": moment, "keep_alive": KEEP_ALIVE},
                query=query or {"match_all": {}},
                size=PAGE,
                source=False if source is None else None,
                source_includes=list(source) if source else None,
                version=version,
                sort=[*sort, {"_shard_doc": "asc"}],
                search_after=after,
                track_total_hits=False,
            )
            moment = answer["pit_id"]
            hits = answer["hits"]["hits"]
            yield from hits
            if len(hits) < PAGE:
                return
            after = hits[-1]["sort"]
    finally:
        client.close_point_in_time(id=moment)
