"""The host, run as people run it: a real process that is asked over HTTP, and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from agents.cli.main import cli
from tests.agents.cli.doors import ROOT

MAIN = [sys.executable, "-c", "from agents.cli.main import main; main()"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


@retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(60), wait=wait_fixed(0.1), reraise=True)
def wait_ready(url: str) -> None:
    httpx.get(f"{url}/-/ready").raise_for_status()


@retry(retry=retry_if_exception_type(IndexError), stop=stop_after_delay(60), wait=wait_fixed(0.1), reraise=True)
def first_incident(url: str) -> dict[str, str]:
    found: list[dict[str, str]] = httpx.get(f"{url}/v1/incidents").json()
    return found[0]


@pytest.fixture
def configured(tmp_path: Path) -> tuple[Path, str]:
    port = free_port()
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f"inputs: [{{type: http, port: {port}}}]\n"
        f"sources: {{doors: {{mapping: {ROOT}/examples/mappings/doors.yaml}}}}\n"
    )
    return config, f"http://127.0.0.1:{port}"


@pytest.fixture
def running(configured: tuple[Path, str]) -> Iterator[tuple[subprocess.Popen[str], Path, str]]:
    config, url = configured
    command = [*MAIN, "run", "--config", str(config), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=config.parent
    ) as host:
        try:
            wait_ready(url)
            yield host, config, url
        finally:
            host.kill()


def test_a_host_takes_events_and_commands_and_stops_when_told(
    running: tuple[subprocess.Popen[str], Path, str],
) -> None:
    host, config, url = running
    now = datetime.now(UTC)  # to a live host, what is older has ended by itself long ago
    door = {"at": now.isoformat(), "door": "room-2", "state": "forced", "badge": ""}
    late = {**door, "at": (now + timedelta(seconds=1)).isoformat(), "state": "opened", "door": "room-3"}
    for said in (door, late):
        httpx.post(f"{url}/v1/events/doors", json=said).raise_for_status()
    incident = first_incident(url)
    shown = CliRunner().invoke(cli, ["ack", incident["id"][:9], "--url", url, "--by", "kim"])
    assert shown.exit_code == 0, shown.output
    missing = CliRunner().invoke(cli, ["ack", "INC-zzz", "--url", url])
    assert (missing.exit_code, "404" in missing.stderr) == (1, True)
    host.send_signal(signal.SIGTERM)
    stdout, stderr = host.communicate(timeout=60)
    assert host.returncode == 0, stderr
    assert json.loads(stdout)["records"]["incident"] == 1
    assert f"{url}/v1/events/SOURCE" in stderr
    shown = CliRunner().invoke(cli, ["incidents", "--json", "--store", str(config.parent / "tocsin.db")])
    assert json.loads(shown.stdout)[0]["acknowledged_by"] == "kim"


def test_an_address_that_is_taken_is_told(running: tuple[subprocess.Popen[str], Path, str], tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(running[1].read_text() + "store: {path: other.db}\n")
    ended = subprocess.run(
        [*MAIN, "run", "--config", str(other)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode != 0
    assert "address already in use" in ended.stderr
