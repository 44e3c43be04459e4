"""Snapshots of an installation's indices: made, looked into by restoring them beside what is there, and restored."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import orjson
from elasticsearch import Elasticsearch, NotFoundError

from agents.index.backup import Snapshot
from agents.index.checksum import Sum, summed
from agents.index.client import reason_of
from agents.index.known import scan
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import behind, put_templates, setup
from agents.index.templates import targets
from schemas.base import ConfigError

LONGEST = 24 * 3600
"""Seconds that making or restoring a snapshot may take."""


def register(client: Elasticsearch, settings: ElasticsearchOutput, location: str) -> str:
    """Make a repository in a folder that the nodes allow (path.repo); its name."""
    name = f"{settings.prefix}-backup"
    _register(client, name, location)
    return name


def _register(client: Elasticsearch, name: str, location: str) -> None:
    client.snapshot.create_repository(
        name=name, repository={"type": "fs", "settings": {"location": location}}, verify=True
    )


def create(client: Elasticsearch, settings: ElasticsearchOutput, repository: str, location: str = "") -> Snapshot:
    """Make a snapshot, and read it back once, so that it is known what is in it. Raises ConfigError."""
    name = f"{settings.prefix}-{uuid.uuid4().hex[:12]}"
    names = _there(client, settings)
    if not names:
        raise ConfigError(f"there is nothing of {settings.prefix} in Elasticsearch")
    made = client.options(request_timeout=LONGEST).snapshot.create(
        repository=repository, snapshot=name, indices=names, include_global_state=False, wait_for_completion=True
    )["snapshot"]
    if made["state"] != "SUCCESS":
        raise ConfigError(
            f"the snapshot {name} is not whole: {made['state']}, {made['shards']['failed']} shards failed"
        )
    snapshot = Snapshot(repository=repository, location=location, name=name, indices={})
    found, wrong = contents(client, settings, snapshot)
    if wrong:
        raise ConfigError(f"the snapshot {name} can't be read back: {'; '.join(wrong)}")
    return snapshot.model_copy(update={"indices": found})


def contents(
    client: Elasticsearch, settings: ElasticsearchOutput, snapshot: Snapshot
) -> tuple[dict[str, Sum], list[str]]:
    """Count and checksum of every index of a snapshot, each restored into a scratch index for a moment.

    Also what can't be restored, in words. Raises ConfigError where there is no such snapshot.
    """
    found: dict[str, Sum] = {}
    wrong = []
    for index in _indices_of(client, snapshot):
        scratch = f"{settings.prefix}-scratch-{uuid.uuid4().hex[:12]}"
        try:
            if said := _restored(client, snapshot, index, scratch):
                wrong.append(f"{index} cannot be restored: {said}")
            else:
                found[index] = summed(_said(client, scratch))
        finally:
            client.indices.delete(index=scratch, ignore_unavailable=True)
    return found, wrong


def _indices_of(client: Elasticsearch, snapshot: Snapshot) -> list[str]:
    """The indices in a snapshot. A cluster that does not know the repository yet is told where it is."""
    try:
        try:
            client.snapshot.get_repository(name=snapshot.repository)
        except NotFoundError:
            if not snapshot.location:
                raise
            _register(client, snapshot.repository, snapshot.location)
        kept = client.snapshot.get(repository=snapshot.repository, snapshot=snapshot.name)["snapshots"][0]
    except NotFoundError as error:
        text = f"there is no snapshot {snapshot.name} in the repository {snapshot.repository}"
        raise ConfigError(f"{text}: {reason_of(error.body)}") from error
    return sorted(kept["indices"])


def _restored(client: Elasticsearch, snapshot: Snapshot, index: str, scratch: str) -> str:
    """Restore one index under another name; why that does not work, nothing where it does."""
    told = client.options(request_timeout=LONGEST).snapshot.restore(
        repository=snapshot.repository,
        snapshot=snapshot.name,
        indices=index,
        rename_pattern=".+",
        rename_replacement=scratch,
        include_aliases=False,
        index_settings={"index.number_of_replicas": 0, "index.auto_expand_replicas": False},
        wait_for_completion=True,
    )["snapshot"]
    if not told["shards"]["failed"]:
        client.indices.refresh(index=scratch)
        return ""
    why = client.cluster.allocation_explain(index=scratch, shard=0, primary=True)
    return str(why.body.get("unassigned_info", {}).get("details", "a shard failed"))[:300]


def _said(client: Elasticsearch, index: str) -> Iterator[bytes]:
    """Every document with its id and version."""
    for hit in scan(client, index, version=True):
        yield orjson.dumps([hit["_id"], hit["_version"], hit["_source"]], option=orjson.OPT_SORT_KEYS)


def must_be_free(client: Elasticsearch, settings: ElasticsearchOutput) -> None:
    """Raises ConfigError where something of an installation is in the cluster already."""
    if there := _there(client, settings):
        raise ConfigError(f"{', '.join(there)}: there already, and not overwritten; delete them first")


def restore(client: Elasticsearch, settings: ElasticsearchOutput, snapshot: Snapshot) -> int:
    """Bring back all indices of a snapshot, into a cluster that has none of them; how many.

    Raises ConfigError where some are there, or one can't be restored.
    """
    must_be_free(client, settings)
    _indices_of(client, snapshot)
    put_templates(client, settings)  # a data stream has one; without it, it could not roll over
    told = client.options(request_timeout=LONGEST).snapshot.restore(
        repository=snapshot.repository,
        snapshot=snapshot.name,
        indices=f"{settings.prefix}-*",
        include_global_state=False,
        include_aliases=True,
        wait_for_completion=True,
    )["snapshot"]
    if told["shards"]["failed"]:
        raise ConfigError(f"{told['shards']['failed']} shards of {snapshot.name} could not be restored")
    setup(client, settings)
    return len(snapshot.indices)


def _there(client: Elasticsearch, settings: ElasticsearchOutput) -> list[str]:
    return [target.name for target in targets(settings).values() if behind(client, target)]
