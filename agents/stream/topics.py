"""The topics: declared once in deploy/topics, made and compared through Kafka's admin interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from agents.deployed import deployed
from agents.reading import read_document
from agents.stream.clients import Admin, KafkaError, admin, config_resource
from agents.stream.settings import KafkaSettings
from agents.stream.sizes import MOST_BYTES
from pipeline.settings import parse_duration
from schemas.base import ConfigError, Name, Record

FILE = ("topics", "topics.yaml")
LATEST = "latest"
SOURCE = "{source}"
FOR_EVER = -1
READY = 60_000
"""Milliseconds in which new topics must have their leaders."""
EXISTS = 36
"""Kafka's error code of a topic that is there already."""


class Declared(Record):
    """One entry of the file; its head explains the fields."""

    name: Name
    partitions: int | str
    keep: str
    key: str
    holds: str
    config: dict[str, str] = Field(default_factory=dict)


class Topic(NamedTuple):
    """A topic as it should be. `name` is that in the cluster, `replication` -1 where the brokers decide."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    key: str
    holds: str


class Difference(NamedTuple):
    """What of a topic is not as it should be; `found` is "" where there is no such topic or setting."""

    topic: str
    what: str
    wanted: str
    found: str

    def __str__(self) -> str:
        if self.what == "topic":
            return f"{self.topic}: there is no such topic"
        return f"{self.topic}: {self.what} is {self.found or 'not set'}, should be {self.wanted}"


def declared() -> list[Declared]:
    """The declarations. Raises ConfigError where the file is wrong."""
    path = deployed(*FILE)
    data = read_document(path, "yaml").data
    try:
        return TypeAdapter(dict[str, list[Declared]]).validate_python(data)["topics"]
    except (ValidationError, KeyError) as error:
        raise ConfigError(f"{path}: {error}") from error


def wanted(settings: KafkaSettings, sources: Iterable[str]) -> list[Topic]:
    """All topics of an installation with these sources. Raises ConfigError where the settings name an unknown topic."""
    counts: dict[str, int] = {}
    topics: list[Topic] = []
    for entry in declared():
        names = [entry.name.replace(SOURCE, source) for source in sources] if SOURCE in entry.name else [entry.name]
        for name in names:
            given = counts[entry.partitions] if isinstance(entry.partitions, str) else entry.partitions
            counts[name] = settings.partitions.get(name, settings.partitions.get(entry.name, given))
            keep = settings.retention.get(name, settings.retention.get(entry.name, _retention(entry)))
            config = {"cleanup.policy": "compact"} if keep is None else {"retention.ms": str(keep or FOR_EVER)}
            if SOURCE not in entry.name:
                config["max.message.bytes"] = str(MOST_BYTES)
            topic = settings.topic(name), counts[name], settings.replication, config | entry.config
            topics.append(Topic(*topic, entry.key, entry.holds))
    for key, special in (("partitions", [*settings.partitions]), ("retention", [*settings.retention])):
        for name in special:
            if name not in counts and name not in (entry.name for entry in declared()):
                raise ConfigError(f"kafka.{key}: there is no topic {name!r}; known: {', '.join(counts)}")
    return topics


def create(settings: KafkaSettings, topics: Sequence[Topic]) -> list[str]:
    """Make the topics that are missing, and return their names. Those that are there stay as they are.

    Raises ConfigError where no broker answers, or one refuses.
    """
    with admin(settings) as client:
        there = {entry["name"] for entry in client.describe_topics()}
        missing = [topic for topic in topics if topic.name not in there]
        if not missing:
            return []
        asked = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": topic.replication,
                "configs": dict(topic.config),
            }
            for topic in missing
        }
        try:
            answer = client.create_topics(asked, raise_errors=False, wait_for_metadata=False)
        except KafkaError as error:
            raise ConfigError(f"Kafka at {settings.address} made no topics: {error}") from error
        refused = [entry for entry in answer["topics"] if entry["error_code"] not in (0, EXISTS)]
        if refused:
            said = "; ".join(f"{entry['name']}: {entry['error_message'] or entry['error_code']}" for entry in refused)
            raise ConfigError(f"Kafka at {settings.address} refused topics: {said}")
        _wait(client, [topic.name for topic in missing])
        return [topic.name for topic in missing]


def differences(settings: KafkaSettings, topics: Sequence[Topic]) -> list[Difference]:
    """What is not as it should be. Raises ConfigError where no broker answers."""
    with admin(settings) as client:
        names = [topic.name for topic in topics]
        there = {entry["name"]: entry for entry in client.describe_topics() if entry["name"] in names}
        configs = _configs(client, there)
    found: list[Difference] = []
    for topic in topics:
        entry = there.get(topic.name)
        if entry is None:
            found.append(Difference(topic.name, "topic", "there", ""))
        else:
            found += _differing(topic, entry, configs[topic.name])
    return found


def _differing(topic: Topic, entry: Mapping[str, Any], config: Mapping[str, str]) -> list[Difference]:
    partitions = entry["partitions"]
    copies = min((len(one["replica_nodes"]) for one in partitions), default=0)
    pairs = [("partitions", topic.partitions, len(partitions))]
    if topic.replication > 0:
        pairs.append(("replication", topic.replication, copies))
    found = [Difference(topic.name, what, str(want), str(have)) for what, want, have in pairs if want != have]
    policy = {"cleanup.policy": "delete", **topic.config}
    return found + [
        Difference(topic.name, key, want, config.get(key, ""))
        for key, want in policy.items()
        if config.get(key, "") != want
    ]


def _configs(client: Admin, names: Iterable[str]) -> dict[str, dict[str, str]]:
    resources = [config_resource(name) for name in names]
    if not resources:
        return {}
    answer = client.describe_configs(resources, config_filter="all")["topic"]
    return {name: {key: str(entry["value"]) for key, entry in found.items()} for name, found in answer.items()}


def _wait(client: Admin, names: Sequence[str]) -> None:
    try:
        client.wait_for_topics(names, timeout_ms=READY)
    except KafkaError as error:
        raise ConfigError(f"the topics were made, but are not ready: {error}") from error


def _retention(entry: Declared) -> int | None:
    """Milliseconds, or None where the newest of each key is kept for ever."""
    if entry.keep == LATEST:
        return None
    try:
        millis = parse_duration(entry.keep)
    except ValueError as error:
        raise ConfigError(f"{deployed(*FILE)}: {entry.name}: keep: {error}, or {LATEST!r}") from None
    if not isinstance(millis, int):  # pragma: no cover - parse_duration of a text gives a number or raises
        raise ConfigError(f"{deployed(*FILE)}: {entry.name}: keep: not a length of time")
    return millis
