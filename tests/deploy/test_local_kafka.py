"""The local broker as a user has it: started, killed, restarted, stopped by its folder; no other is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.cli.main import cli
from agents.deployed import deployed
from agents.local import java
from agents.local.kafka import Broker
from agents.stream.clients import admin, consumer, partition, producer
from agents.stream.settings import KafkaSettings
from schemas.base import ConfigError


def tocsin(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


@pytest.mark.kafka
def test_what_was_written_is_there_after_a_kill_and_a_restart(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        settings = KafkaSettings(bootstrap_servers=(broker.bootstrap,))
        with admin(settings) as client:
            client.create_topics({"t": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
        sender = producer(settings)
        sender.send("t", b"kept").get(20)
        sender.close()
        assert broker.kill()
        assert broker.pid is None
        broker.start()
        broker.restart()
        reader = consumer(settings)
        reader.assign([partition("t", 0)])
        found = reader.poll(20_000)
        reader.close()
        assert [message.value for messages in found.values() for message in messages] == [b"kept"]
    assert broker.pid is None


@pytest.mark.kafka
def test_up_status_and_down_find_the_broker_by_its_folder(tmp_path: Path) -> None:
    folder = ("--dir", str(tmp_path / "broker"))
    assert "no broker of" in tocsin("kafka", "down", *folder).stdout
    started = json.loads(tocsin("kafka", "up", *folder, "--json").stdout)
    try:
        again = json.loads(tocsin("kafka", "up", *folder, "--json").stdout)
        assert again == started
        assert json.loads(tocsin("kafka", "status", *folder, "--json").stdout) == {
            "running": True, "bootstrap": started["bootstrap"], "pid": started["pid"]
        }  # fmt: skip
        count = len(json.loads(tocsin("topics", "list", "--json").stdout))
        assert f"{count} made" in tocsin("topics", "create", "--bootstrap", started["bootstrap"]).stdout
        assert "as they should be" in tocsin("topics", "check", "--bootstrap", started["bootstrap"]).stdout
    finally:
        stopped = tocsin("kafka", "down", *folder, "--json")
    assert json.loads(stopped.stdout) == {"stopped": True}
    assert json.loads(tocsin("kafka", "status", *folder, "--json").stdout)["running"] is False


def test_a_process_that_got_the_number_of_a_broker_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "state.json").write_text(json.dumps({"pid": other.pid, "ports": [1, 2, 3]}))
        assert Broker(tmp_path).stop() is False
        time.sleep(0.1)
        assert other.poll() is None
        other.terminate()


def test_a_missing_java_or_maven_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ConfigError, match=r"Java 17 or later is needed.*apt install openjdk-17-jdk-headless"):
        java.java(17)
    with pytest.raises(ConfigError, match=r"Maven is needed to fetch kafka.*apt install maven"):
        java.fetched(deployed("local", "kafka", "pom.xml"), "kafka")


def test_an_old_java_is_refused_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"Java 17 or later is needed, and .*bin/java is 8;"):
        java.java(17)


def test_what_maven_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] no such artifact'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ConfigError, match="no such artifact"):
        java.fetched(deployed("local", "kafka", "pom.xml"), "kafka")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.kafka
def test_a_broker_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)the broker .*broker\.log.*num\.partitions"):
        Broker(tmp_path, properties={"num.partitions": "none"}).start()
