"""tocsin topics."""

from __future__ import annotations

from pathlib import Path

import click

from agents.cli.command import Group, subcommand
from agents.cli.kafka_options import configured, kafka_options
from agents.cli.output import console, json_option, print_json, rows, span, table
from agents.config import Config
from agents.stream import topics as stream_topics
from agents.stream.topics import Topic
from pipeline.sources.registry import SOURCES
from schemas.base import ConfigError


@click.group(cls=Group)
def topics() -> None:
    """Make, check and list the topics of an installation."""


@subcommand(topics, "create", "tocsin topics create", "tocsin topics create --bootstrap 127.0.0.1:9092 --json")
@kafka_options
@json_option
def create(config: Path | None, bootstrap: str | None, *, as_json: bool) -> None:
    """Make the topics that are missing. Those that are there stay as they are."""
    settings = configured(config, bootstrap)
    asked = _wanted(settings)
    made = stream_topics.create(settings.kafka, asked)
    if as_json:
        print_json({"made": made, "were_there": [topic.name for topic in asked if topic.name not in made]})
        return
    for name in made:
        console().print(f"made {name}", markup=False)
    console().print(f"{len(made)} made, {len(asked) - len(made)} were there")


@subcommand(topics, "check", "tocsin topics check", "tocsin topics check --bootstrap 127.0.0.1:9092 --json")
@kafka_options
@json_option
def check(config: Path | None, bootstrap: str | None, *, as_json: bool) -> None:
    """Compare the topics with what they should be; exit code 1 where one is missing or other."""
    settings = configured(config, bootstrap)
    asked = _wanted(settings)
    found = stream_topics.differences(settings.kafka, asked)
    if as_json:
        print_json({"topics": len(asked), "differences": [one._asdict() for one in found]})
    if found:
        said = "\n".join(str(one) for one in found)
        raise ConfigError(f"{len(found)} of the topics at {settings.kafka.address} are not as they should be:\n{said}")
    if not as_json:
        console().print(f"all {len(asked)} topics are as they should be", style="green")


@subcommand(topics, "list", "tocsin topics list", "tocsin topics list --config examples/tocsin.yaml --json")
@kafka_options
@json_option
def listing(config: Path | None, bootstrap: str | None, *, as_json: bool) -> None:
    """List the topics of an installation, without asking a broker."""
    asked = _wanted(configured(config, bootstrap))
    if as_json:
        print_json([topic._asdict() for topic in asked])
        return
    made = table("topic", "partitions", "kept", "key", "holds", right=("partitions",))
    entries = ((topic.name, topic.partitions, _kept(topic), topic.key, topic.holds) for topic in asked)
    console().print(rows(made, entries))


def _wanted(settings: Config) -> list[Topic]:
    return stream_topics.wanted(settings.kafka, sorted({*SOURCES, *settings.sources}))


def _kept(topic: Topic) -> str:
    retention = topic.config.get("retention.ms")
    return span(int(retention)) if retention else "the newest of each key"
