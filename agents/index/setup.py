"""Brings a cluster to what the templates say, and tells what is missing or other. Running it again does no harm."""

from __future__ import annotations

from typing import Any, NamedTuple

from elasticsearch import Elasticsearch, NotFoundError

from agents.index.settings import ElasticsearchOutput
from agents.index.templates import Target, component, component_name, index_template, targets
from schemas.base import ConfigError

FIRST = "000001"


class Standing(NamedTuple):
    """How a target stands: state is ready, missing or outdated; `indices` are those behind its name."""

    target: Target
    state: str
    indices: tuple[str, ...]
    documents: int
    bytes: int


def setup(client: Elasticsearch, settings: ElasticsearchOutput) -> list[str]:
    """Put all templates, make the indices that are missing, and roll over data streams whose mapping is another one.

    Returns what was done, one line each. Other indices stay as they are: see `agents.index.migrate`.
    """
    wanted = put_templates(client, settings)
    done = []
    for target in wanted.values():
        if not target.stream and not client.indices.exists_alias(name=target.name):
            make(client, target, f"{target.name}-{FIRST}")
            done.append(f"made {target.name}-{FIRST}, known as {target.name}")
        if (
            target.stream
            and (newest := behind(client, target))
            and _digest_of_index(client, newest[-1]) != target.digest
        ):
            client.indices.rollover(alias=target.name)
            done.append(f"rolled {target.name} over: its new mapping holds from now on")
    return [f"put the templates of {len(wanted)} data streams and indices", *done]


def put_templates(client: Elasticsearch, settings: ElasticsearchOutput) -> dict[str, Target]:
    """Put all templates; what they are for."""
    wanted = targets(settings)
    for name in sorted({name for target in wanted.values() for name in target.components}):
        client.cluster.put_component_template(name=component_name(settings, name), template=dict(component(name)))
    for target in wanted.values():
        client.indices.put_index_template(name=target.name, **index_template(settings, target))
    return wanted


def make(client: Elasticsearch, target: Target, index: str, *, alias: bool = True) -> None:
    """Make an index of a target from its template."""
    aliases = {target.name: {"is_write_index": True}} if alias else {}
    client.indices.create(index=index, aliases=aliases, wait_for_active_shards="0")  # who writes waits for them


def standing(client: Elasticsearch, settings: ElasticsearchOutput) -> list[Standing]:
    """How every target stands."""
    return [_stands(client, target) for target in targets(settings).values()]


def _stands(client: Elasticsearch, target: Target) -> Standing:
    put = _digest_of_template(client, target)
    indices = behind(client, target)
    if put is None or (not indices and not target.stream):
        return Standing(target, "missing", tuple(indices), 0, 0)
    newest = indices[-1] if indices else None
    other = put != target.digest or (newest is not None and _digest_of_index(client, newest) != target.digest)
    documents, size = _size(client, target) if indices else (0, 0)
    return Standing(target, "outdated" if other else "ready", tuple(indices), documents, size)


def require(client: Elasticsearch, settings: ElasticsearchOutput) -> None:
    """Raises ConfigError where something is missing: documents would then make indices that nobody described."""
    missing = [one.target.name for one in standing(client, settings) if one.state == "missing"]
    if missing:
        raise ConfigError(f"{', '.join(missing)}: missing in Elasticsearch; run `tocsin index setup`")


def behind(client: Elasticsearch, target: Target) -> list[str]:
    """The indices behind a name, oldest first; none where there is no such name."""
    try:
        return sorted(client.indices.get_settings(index=target.name, name="index.uuid").body)
    except NotFoundError:
        return []


def _digest_of_template(client: Elasticsearch, target: Target) -> str | None:
    try:
        found = client.indices.get_index_template(name=target.name)["index_templates"]
    except NotFoundError:
        return None
    return _digest(found[0]["index_template"].get("_meta", {}))


def _digest_of_index(client: Elasticsearch, index: str) -> str | None:
    mapping = client.indices.get_mapping(index=index)[index]["mappings"]
    return _digest(mapping.get("_meta", {}))


def _digest(meta: dict[str, Any]) -> str:
    return str(meta.get("tocsin", {}).get("digest", ""))


def _size(client: Elasticsearch, target: Target) -> tuple[int, int]:
    stats = client.indices.stats(index=target.name, metric=["docs", "store"])["_all"]["primaries"]
    # Neither is there until a shard has started.
    return int(stats.get("docs", {}).get("count", 0)), int(stats.get("store", {}).get("size_in_bytes", 0))
