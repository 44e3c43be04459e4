"""Compares a cluster with the store that it mirrors: every record there once, at its highest version, word by word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from elasticsearch import Elasticsearch

from agents.index.documents import Document
from agents.index.kinds import KINDS, Keeps
from agents.index.lanes import Lanes, Read
from agents.index.members import rows_of
from agents.index.settings import ElasticsearchOutput

TOGETHER = 1000
NAMED = 3


class Compared(NamedTuple):
    """How one kind compares: documents that are the same, missing, doubled, other; and how many more there are.

    More events than the store still has is as it should be: it forgets payloads, Elasticsearch keeps events.
    """

    kind: str
    same: int
    missing: int
    doubled: int
    other: int
    more: int
    examples: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether all that should be there is, and nothing else."""
        more = 0 if self.kind == "event" else self.more
        return not (self.missing or self.doubled or self.other or more)


def verify(client: Elasticsearch, settings: ElasticsearchOutput, lanes: Lanes) -> list[Compared]:
    """Compare all kinds. What is indexed meanwhile may show as a difference."""
    client.indices.refresh(index=f"{settings.prefix}-*")
    counts: dict[str, Counter[str]] = {name: Counter() for name in KINDS}
    examples: dict[str, list[str]] = {name: [] for name in KINDS}
    for batch in _expected(settings, lanes):
        for name in {one.kind for one in batch}:
            some = {one.id: one for one in batch if one.kind == name and one.body is not None}
            _compare(client, settings, name, some, counts[name], examples[name])
    found = []
    for name, kind in KINDS.items():
        if name == "event" and not settings.events:
            continue
        total = _count(client, settings.name(kind.target))
        counted = counts[name]
        more = total - counted["same"] - counted["other"] - counted["doubled"]
        found.append(
            Compared(
                name, counted["same"], counted["missing"], counted["doubled"], counted["other"], more,
                tuple(examples[name][:NAMED]),
            )
        )  # fmt: skip
    return found


def _expected(settings: ElasticsearchOutput, lanes: Lanes) -> Iterator[list[Document]]:
    """All that the store would have indexed, some at a time."""
    ends = {"changes": lanes.changes_end(), "history": lanes.history_end(), "events": lanes.events_end()}
    seen: set[str] = set()
    for name, end in ends.items():
        read: Read = getattr(lanes, name)
        after = 0
        while after < end and (name != "events" or settings.events):
            batch = read(after, end, TOGETHER)
            after = batch.position
            fresh = [one for one in batch.documents if name == "changes" or one.id not in seen]
            if name != "changes":
                seen.update(one.id for one in fresh)
            yield [*fresh, *(row for one in fresh for row in rows_of(one))]


def _compare(
    client: Elasticsearch,
    settings: ElasticsearchOutput,
    kind: str,
    wanted: Mapping[str, Document],
    counts: Counter[str],
    examples: list[str],
) -> None:
    there = _there(client, settings, kind, list(wanted))
    for name, one in wanted.items():
        found = there.get(name, [])
        fate = "same"
        if not found:
            fate = "missing"
        elif len(found) > 1:
            fate = "doubled"
            counts["same"] += 1
            counts["doubled"] += len(found) - 2
        elif _plain(found[0]) != _plain(orjson.loads(one.body or b"{}")):
            fate = "other"
        counts[fate] += 1
        if fate != "same":
            examples.append(f"{name} ({fate})")


def _there(
    client: Elasticsearch, settings: ElasticsearchOutput, kind: str, ids: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    name = settings.name(KINDS[kind].target)
    found: dict[str, list[dict[str, Any]]] = {}
    if not ids:
        return found
    if KINDS[kind].keeps is Keeps.LAST:
        for one in client.mget(index=name, ids=ids)["docs"]:
            if one.get("found"):
                found.setdefault(one["_id"], []).append(one["_source"])
        return found
    answer = client.search(
        index=name, ignore_unavailable=True, query={"ids": {"values": ids}}, size=min(10 * len(ids), 10_000)
    )
    for hit in answer["hits"]["hits"]:
        found.setdefault(hit["_id"], []).append(hit["_source"])
    return found


def _plain(source: Mapping[str, Any]) -> bytes:
    return orjson.dumps(source, option=orjson.OPT_SORT_KEYS)


def _count(client: Elasticsearch, name: str) -> int:
    return int(client.count(index=name, ignore_unavailable=True)["count"])
