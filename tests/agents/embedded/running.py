"""A live host as people run it: a process of its own, asked over HTTP, and stopped or killed."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

ROOT = Path(__file__).resolve().parents[3]
MAIN = [sys.executable, "-c", "from agents.cli.main import main; main()", "run", "--config"]
patiently = retry(
    retry=retry_if_exception_type((AssertionError, httpx.HTTPError, OSError, sqlite3.OperationalError)),
    stop=stop_after_delay(60),
    wait=wait_fixed(0.05),
    reraise=True,
)
"""Until what is asserted holds."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configure(folder: Path, **parts: object) -> Path:
    """Write a configuration with a store in a folder."""
    path = folder / "tocsin.yaml"
    path.write_text(yaml.safe_dump({"store": {"path": "tocsin.db"}, **parts}), encoding="utf-8")
    return path


@contextmanager
def process(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A host in a process; it is gone afterwards, whatever happens."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*MAIN, str(config)], env=environment, **pipes) as made:  # type: ignore[call-overload]
        try:
            yield made
        finally:
            made.kill()


@patiently
def ready(url: str) -> None:
    httpx.get(f"{url}/-/ready").raise_for_status()


def stop(host: subprocess.Popen[bytes]) -> bytes:
    """Stop it as a service manager does; what it said on standard error."""
    host.send_signal(signal.SIGTERM)
    _, errors = host.communicate(timeout=60)
    assert host.returncode == 0, errors
    return errors
