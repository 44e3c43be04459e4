"""The command line beside a running host: it reads the store, and is told where to ask for what it may not write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from agents.cli.main import cli
from tests.agents.embedded.running import configure, free_port, patiently, process, ready, stop

TOKEN = "kim-0123456789abcdef"
DOWN = {"labels": {"alertname": "HostDown", "instance": "web1:9100", "severity": "critical"}}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A host with one incident and one dead letter, that wants a token."""
    (tmp_path / "tokens").write_text(f"kim operator {TOKEN}\n", encoding="utf-8")
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    port = free_port()
    with process(configure(tmp_path, inputs=[{"type": "http", "port": port, "token_file": "tokens"}])) as host:
        made = f"http://127.0.0.1:{port}"
        ready(made)
        httpx.post(f"{made}/api/v2/alerts", json=[DOWN]).raise_for_status()
        httpx.post(f"{made}/v1/events/nagios", content=b"{broken").raise_for_status()
        yield made
        stop(host)


def call(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), env={"TOCSIN_STORE": str(folder / "tocsin.db")})


@patiently
def listed(folder: Path, *arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(call(folder, *arguments, "--json").stdout)
    assert found
    return found


def test_what_reads_works_beside_a_running_host(url: str, tmp_path: Path) -> None:
    incident = str(listed(tmp_path, "incidents")[0]["id"])
    assert listed(tmp_path, "alerts")[0]["check"] == "HostDown"
    assert listed(tmp_path, "dead", "list")[0]["reason"] == "not-json"
    for arguments in (["why", incident], ["incidents", incident], ["silence", "list"]):
        assert call(tmp_path, *arguments).exit_code == 0


def test_what_writes_is_told_the_url_of_the_host(url: str, tmp_path: Path) -> None:
    incident = str(listed(tmp_path, "incidents")[0]["id"])
    letter = str(listed(tmp_path, "dead", "list")[0]["id"])
    for arguments in (["ack", incident], ["silence", "add", "a=b", "--for", "1h"], ["dead", "replay", letter]):
        shown = call(tmp_path, *arguments)
        assert shown.exit_code == 1
        assert f"a host is running on {tmp_path}/tocsin.db; ask it with --url {url}" in shown.stderr


def test_by_that_url_with_a_token_it_is_done(url: str, tmp_path: Path) -> None:
    incident = str(listed(tmp_path, "incidents")[0]["id"])
    letter = str(listed(tmp_path, "dead", "list")[0]["id"])
    shown = call(tmp_path, "ack", incident[:9], "--url", url)
    assert (shown.exit_code, "--token-file" in shown.stderr) == (1, True)
    way = ["--url", url, "--token-file", str(tmp_path / "token")]
    shown = call(tmp_path, "ack", incident[:9], *way)
    assert shown.exit_code == 0, shown.output
    assert "gives the roles operator" in call(tmp_path, "ack", incident, "--role", "manager", *way).stderr
    mended = tmp_path / "mended.json"
    mended.write_bytes(b"{broken again")
    shown = call(tmp_path, "dead", "replay", letter[:10], "--edit-file", str(mended), *way)
    assert shown.exit_code == 0, shown.output

    @patiently
    def handled() -> None:
        assert listed(tmp_path, "incidents")[0]["acknowledged_by"] == "kim"
        assert len(listed(tmp_path, "dead", "list")) == 2

    handled()


def test_a_token_file_that_holds_anything_but_a_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("two words", encoding="utf-8")
    for name in ("token", "nowhere"):
        shown = call(tmp_path, "ack", "INC-1", "--url", "http://127.0.0.1:9", "--token-file", str(tmp_path / name))
        assert shown.exit_code == 1
        assert name in shown.stderr
