"""Dead letters on Kafka, by the command line: listed, shown, mended, sent again and understood."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from click.testing import CliRunner, Result

from agents.cli.main import cli
from agents.stream.clients import producer
from agents.stream.ingest.run import RAW
from agents.stream.settings import KafkaSettings
from tests.integration.kafka.test_ingest import reading, running

BROKEN, MENDED = b'{"kind": "problem"', b'{"kind":"problem","id":"m","severity":"major","resource":"h1","check":"ping"}'


def written(settings: KafkaSettings, folder: Path) -> str:
    path = folder / "tocsin.yaml"
    data = settings.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    path.write_text(yaml.safe_dump({"kafka": data}))
    return str(path)


def dead(*words: str) -> Result:
    return CliRunner().invoke(cli, ["dead", *words])


def test_a_dead_letter_is_found_mended_and_understood(kafka: KafkaSettings, tmp_path: Path) -> None:
    config = written(kafka, tmp_path)
    sender = producer(kafka)
    sender.send(kafka.topic(f"{RAW}native"), BROKEN, partition=1, timestamp_ms=1_714_521_600_000).get(20)
    sender.close()
    with reading(kafka, "dead", 1) as letters, reading(kafka, "events", 4) as events, running(kafka, "w1"):
        while not letters.messages:
            letters.read()
        (listed,) = json.loads(dead("list", "--config", config, "--json").stdout)
        assert (listed["reason"], listed["coordinates"]) == ("not-json", "raw.native/1@0")
        assert dead("show", listed["id"][:8], "--config", config, "--bytes").stdout_bytes == BROKEN
        assert "read at raw.native/1@0" in dead("show", listed["id"], "--config", config).stdout
        assert "still not understood, and not sent" in dead("replay", listed["id"], "--config", config).stderr
        mended = tmp_path / "mended.json"
        mended.write_bytes(MENDED)
        again = dead("replay", listed["id"], "--config", config, "--edit-file", str(mended), "--json")
        assert json.loads(again.stdout) == {"dead": listed["id"], "events": 1, "refused": []}
        events.until(1)
        assert events.ids() == {"m": 1}
        (event,) = [event for pack in events.packs() for event in pack.events]
        assert event.received == 1_714_521_600_000


def test_where_the_topic_is_missing_it_is_said(settings: KafkaSettings, tmp_path: Path) -> None:
    told = dead("list", "--config", written(settings, tmp_path))
    assert told.exit_code == 1
    assert f"has no topic {settings.topic('dead')}; `tocsin topics create`" in told.stderr
