"""The templates of deploy/elasticsearch as an installation needs them: with its prefix, and a digest of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from agents.deployed import deployed
from agents.index.settings import ElasticsearchOutput
from agents.reading import read_document
from schemas.base import DAY, ConfigError

PRIORITY = 500
"""Above those that a cluster brings along."""


class Target(NamedTuple):
    """One data stream, or one index behind an alias. `digest` changes with its mappings and settings."""

    name: str
    holds: str
    stream: bool
    components: tuple[str, ...]
    keep: str
    digest: str


@cache
def declared() -> Mapping[str, Any]:
    """What indices.yaml says."""
    return _read(deployed("elasticsearch", "indices.yaml"))


@cache
def component(name: str) -> Mapping[str, Any]:
    """One component as it stands in its file."""
    return _read(deployed("elasticsearch", "components", f"{name}.yaml"))


def _read(path: Path) -> dict[str, Any]:
    data = read_document(path).data
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no keys with values")
    return data


def targets(settings: ElasticsearchOutput) -> dict[str, Target]:
    """Every data stream and index, by its name without the prefix. Raises ConfigError for a retention of no stream."""
    streams, indices = declared()["streams"], declared()["indices"]
    for name in settings.retention:
        if name not in streams:
            raise ConfigError(f"outputs: retention: there is no data stream {name!r}; there are {', '.join(streams)}")
    found = {}
    for name, given in {**streams, **indices}.items():
        components = (*declared()["components"], *given["components"])
        found[name] = Target(
            settings.name(name),
            given["holds"],
            name in streams,
            components,
            _keep(settings.retention[name]) if name in settings.retention else given.get("keep", ""),
            _digest(components),
        )
    return found


def _keep(span: int) -> str:
    return f"{max(round(span / DAY), 1)}d"


def _digest(components: tuple[str, ...]) -> str:
    whole = orjson.dumps([component(name) for name in components], option=orjson.OPT_SORT_KEYS)
    return blake2b(whole, digest_size=6).hexdigest()


def component_name(settings: ElasticsearchOutput, name: str) -> str:
    """The name of a component template in the cluster."""
    return f"{settings.prefix}-{name}"


def index_template(settings: ElasticsearchOutput, target: Target) -> dict[str, Any]:
    """The index template of a target."""
    template: dict[str, Any] = {"mappings": {"_meta": {"tocsin": {"digest": target.digest}}}}
    if target.keep:
        template["lifecycle"] = {"data_retention": target.keep}
    return {
        "index_patterns": [target.name if target.stream else f"{target.name}-0*"],
        "composed_of": [component_name(settings, name) for name in target.components],
        "priority": PRIORITY,
        "template": template,
        "meta": {"tocsin": {"digest": target.digest}},
        **({"data_stream": {}} if target.stream else {}),
    }


def mapped_fields(target: Target) -> dict[str, dict[str, Any]]:
    """The fields of a target by their paths, as its components map them; an object that is not mapped is one field."""
    found: dict[str, dict[str, Any]] = {}
    for name in target.components:
        _fields(component(name).get("mappings", {}), "", found)
    return found


def _fields(mapping: Mapping[str, Any], above: str, found: dict[str, dict[str, Any]]) -> None:
    for name, one in mapping.get("properties", {}).items():
        path = f"{above}{name}"
        if "properties" in one:
            _fields(one, f"{path}.", found)
        else:
            for gone in [other for other in found if other.startswith(f"{path}.")]:
                del found[gone]  # a later component replaces a field whole
            found[path] = one
            for below, inner in one.get("fields", {}).items():
                found[f"{path}.{below}"] = inner
