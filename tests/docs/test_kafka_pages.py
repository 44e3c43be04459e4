"""What the pages on Kafka say is tried: payloads, producers, keys, links and commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from agents.cli.main import COMMANDS
from agents.stream.clients import consumer, partition
from agents.stream.partition import partition_of
from agents.stream.settings import KafkaSettings
from agents.stream.topics import create, wanted
from pipeline.sources.base import Source
from pipeline.sources.mapped import Mapped
from pipeline.sources.mapping import parse_mapping
from pipeline.sources.registry import make_source
from tests.pipeline.sources.samples import raw
from tests.servers import kafka_broker

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [DOCS / "kafka.md", DOCS / "ticketing.md", DOCS / "producers" / "index.md"]
PRODUCERS = PAGES[-1].read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = BLOCK.findall(PRODUCERS)


def source_of(name: str) -> Source:
    mappings = [text for _, what, text in BLOCKS if what.strip() == "mapping"]
    return Mapped(parse_mapping(yaml.safe_load(mappings[0]), "index.md")) if name == "telegraf" else make_source(name)


@pytest.mark.parametrize(("what", "text"), [(what.split(), text) for _, what, text in BLOCKS if " payload" in what])
def test_a_payload_gives_what_stands_beside_it(what: list[str], text: str) -> None:
    _, name, *kinds = what
    decoded = source_of(name).decode(raw(name, text))
    assert not decoded.refused
    assert [event.kind.value for event in decoded.events] == kinds


@pytest.mark.parametrize("text", [text for language, _, text in BLOCKS if language == "python"])
def test_a_python_example_is_python(text: str) -> None:
    compile(text, "index.md", "exec")


@pytest.mark.parametrize("text", [text for language, what, text in BLOCKS if language == "json" and not what])
def test_a_connector_is_json(text: str) -> None:
    assert json.loads(text)["config"]["topic"].startswith("raw.")


@pytest.mark.kafka
def test_the_producer_of_the_page_reaches_the_topic_and_the_partition_of_its_key(tmp_path: Path) -> None:
    (example,) = [text for language, what, text in BLOCKS if language == "python" and what.strip() == "run"]
    with kafka_broker(tmp_path) as bootstrap:
        kafka = KafkaSettings(bootstrap_servers=tuple(bootstrap.split(",")))
        create(kafka, wanted(kafka, ["native"]))
        exec(compile(example.replace("127.0.0.1:9092", bootstrap) + "\nproducer.close()", "index.md", "exec"), {})
        reader = consumer(kafka)
        expected = partition("raw.native", partition_of(b"h1", 4))
        reader.assign([expected])
        found = [one for some in reader.poll(20_000).values() for one in some]
        reader.close()
    assert [
        event.resource
        for one in found
        for event in make_source("native").decode(raw("native", one.value or b"")).events
    ]


def test_the_partitions_that_the_page_names_are_right() -> None:
    text = " ".join((DOCS / "kafka.md").read_text(encoding="utf-8").split())
    named = re.search(r"of four partitions, `h1` belongs to (\d) and `db-01` to (\d)", text)
    assert named is not None
    assert [int(number) for number in named.groups()] == [partition_of(b"h1", 4), partition_of(b"db-01", 4)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_commands_are_real(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert [link for link in links if not (page.parent / link).exists()] == []
    assert set(re.findall(r"(?:^|`)tocsin (\w+)", text, re.MULTILINE)) <= set(COMMANDS)
