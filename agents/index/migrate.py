"""A mapping that changed: a new index, all documents copied, and the alias switched in one step.

The old index takes no writes meanwhile: who indexes waits, and goes on in the new one. Nothing is lost by a crash: the
alias points at the old index until the new one holds as much, and what is left over goes at the next try.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from elasticsearch import Elasticsearch, NotFoundError

from agents.index.known import PAGE, scan
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import Standing, behind, make, setup, standing
from agents.index.templates import Target
from schemas.base import ConfigError


class Moved(NamedTuple):
    """One index that was migrated."""

    name: str
    old: str
    new: str
    documents: int


def migrate(client: Elasticsearch, settings: ElasticsearchOutput) -> list[Moved]:
    """Migrate every index whose mapping is not that of its template. Raises ConfigError where documents don't fit."""
    setup(client, settings)
    return [_migrate(client, one) for one in standing(client, settings) if one.state == "outdated"]


def _migrate(client: Elasticsearch, one: Standing) -> Moved:
    target, old = one.target, one.indices[-1]
    for left in _left_over(client, target):
        client.indices.delete(index=left)
    new = f"{target.name}-{int(old.rsplit('-', 1)[1]) + 1:06}"
    make(client, target, new, alias=False)
    client.indices.put_settings(index=old, settings={"index.blocks.write": True})
    try:
        _copy(client, old, new)
    except ConfigError:
        client.indices.put_settings(index=old, settings={"index.blocks.write": None})
        client.indices.delete(index=new)
        raise
    client.indices.refresh(index=new)
    documents = int(client.count(index=new)["count"])
    client.indices.update_aliases(
        actions=[
            {"add": {"index": new, "alias": target.name, "is_write_index": True}},
            {"remove_index": {"index": old}},
        ]
    )
    return Moved(target.name, old, new, documents)


def _left_over(client: Elasticsearch, target: Target) -> list[str]:
    """Indices of a target that an interrupted migration left without its name."""
    try:
        made = client.indices.get_settings(index=f"{target.name}-0*", name="index.uuid").body
    except NotFoundError:
        return []
    return sorted(set(made) - set(behind(client, target)))


def _copy(client: Elasticsearch, old: str, new: str) -> None:
    client.indices.refresh(index=old)
    hits = scan(client, old, version=True)
    while some := list(islice(hits, PAGE)):
        answer = client.bulk(operations=list(_operations(some, new)), filter_path="errors,items.*.error")
        if answer["errors"]:
            found = next(item["index"]["error"] for item in answer["items"] if "error" in item.get("index", {}))
            raise ConfigError(f"{old}: a document does not fit into the new mapping: {found.get('reason')}")


def _operations(hits: Iterable[dict[str, Any]], index: str) -> Iterator[dict[str, Any]]:
    for hit in hits:
        where = {"_index": index, "_id": hit["_id"], "version": hit["_version"], "version_type": "external_gte"}
        yield {"index": where}
        yield hit["_source"]
