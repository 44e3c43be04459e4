"""A live host that is killed while it is pushed to: what it acknowledged is there, and everything is counted once."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from pathlib import Path
from random import Random

import httpx
import pytest

from agents.embedded.reader import Reader, connect
from tests.agents.embedded.running import configure, free_port, patiently, process, ready, stop

KILLS, EACH = 5, 3
LIVES = (0.05, 0.8)
"""Seconds from when it is ready until it is killed."""


class Pusher(threading.Thread):
    """Pushes alerts, each of them once, until the host is gone."""

    def __init__(self, url: str, life: int, acknowledged: set[str]) -> None:
        super().__init__()
        self._url, self._life, self._acknowledged = url, life, acknowledged
        self.sent: list[str] = []

    def run(self) -> None:
        number = 0
        with httpx.Client(base_url=self._url) as client:
            while True:
                names = [f"life{self._life}-{number}-{n}" for n in range(EACH)]
                number += 1
                self.sent += names
                body = [{"labels": {"alertname": "Down", "instance": name, "severity": "warning"}} for name in names]
                try:
                    answer = client.post("/api/v2/alerts", json=body)
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    self._acknowledged.update(names)


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_what_was_acknowledged_is_there_once_however_often_the_host_was_killed(tmp_path: Path) -> None:
    random = Random("live kills")
    acknowledged: set[str] = set()
    sent: set[str] = set()
    for life in range(KILLS):
        port = free_port()
        with process(configure(tmp_path, inputs=[{"type": "http", "port": port}])) as host:
            ready(f"http://127.0.0.1:{port}")
            pusher = Pusher(f"http://127.0.0.1:{port}", life, acknowledged)
            pusher.start()
            time.sleep(random.uniform(*LIVES))
            host.kill()
            pusher.join()
            sent.update(pusher.sent)
    port = free_port()
    with process(configure(tmp_path, inputs=[{"type": "http", "port": port}])) as host:
        ready(f"http://127.0.0.1:{port}")

        @patiently
        def caught_up() -> None:
            assert "tocsin_backlog 0.0" in httpx.get(f"http://127.0.0.1:{port}/metrics").text

        caught_up()
        stop(host)
    with closing(connect(str(tmp_path / "tocsin.db"))) as db:
        found = [json.loads(value) for value in Reader(db).records("alert")]
        counted = Reader(db).counters()["problem"]
    assert len(acknowledged) > KILLS * EACH, "it was killed before it got anywhere"
    assert acknowledged <= {alert["resource"] for alert in found} <= sent
    assert {alert["total"] for alert in found} == {1}
    assert counted == len(found)
