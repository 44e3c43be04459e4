"""The local Elasticsearch as a user has it: started, killed, restarted, stopped by its folder; no other is touched."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from agents.local import jdk
from agents.local.elasticsearch import Node
from schemas.base import ConfigError


@pytest.mark.elastic
def test_what_was_written_is_there_after_a_kill_and_a_restart(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node:
        url = node.url
        httpx.put(f"{url}/things/_doc/1", json={"a": 1}, timeout=30).raise_for_status()
        assert node.kill()
        assert node.pid is None
        node.start()
        node.restart()
        assert node.url == url
        assert httpx.get(f"{url}/things/_doc/1", timeout=30).json()["_source"] == {"a": 1}
    assert node.pid is None
    assert Node(tmp_path / "node").stop() is False


def test_a_process_that_got_the_number_of_a_node_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "state.json").write_text(json.dumps({"pid": other.pid, "port": 1}))
        assert Node(tmp_path).stop() is False
        assert other.poll() is None
        other.terminate()


@pytest.mark.elastic
def test_a_node_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)Elasticsearch ended .*node\.log.*no\.such\.setting"):
        Node(tmp_path, settings={"no.such.setting": "1"}).start()


def a_jdk(folder: Path, version: str) -> Path:
    javac = folder / "bin" / "javac"
    javac.parent.mkdir(parents=True)
    javac.write_text(f"#!/bin/sh\necho 'javac {version}'\n")
    javac.chmod(0o755)
    return folder.resolve()


def test_the_first_jdk_that_is_new_enough_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(a_jdk(tmp_path / "a", "17.0.2")))
    (tmp_path / "b" / "bin").mkdir(parents=True)  # runs, and does not compile
    wanted = a_jdk(tmp_path / "c", "21")
    assert jdk.jdk(21, (f"{tmp_path}/*",)) == wanted
    assert jdk.jdk(17, (f"{tmp_path}/*",)) == (tmp_path / "a").resolve()


def test_a_missing_jdk_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(a_jdk(tmp_path / "old", "1.8.0_402")))
    with pytest.raises(
        ConfigError, match=r"a JDK 21 or later is needed.*old is 8.*apt install openjdk-21-jdk-headless"
    ):
        jdk.jdk(21, (f"{tmp_path}/*",))


def test_what_the_compiler_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path))
    javac = a_jdk(tmp_path / "jdk", "21") / "bin" / "javac"
    javac.write_text("#!/bin/sh\necho 'error: a class is missing' >&2\nexit 1\n")
    with pytest.raises(ConfigError, match="a class is missing"):
        jdk.compiled(tmp_path, tmp_path, "x", tmp_path / "jdk")
    assert not list(tmp_path.glob("x-classes-*"))
