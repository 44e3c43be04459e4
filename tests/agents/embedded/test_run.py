"""The live host over real sockets and files: what goes in is kept, what comes out is told once."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.agents.embedded.running import configure, free_port, patiently, process, ready, stop
from tests.pipeline.sources.samples import EXPORTED, LINES, WRITTEN

DOWN = {"labels": {"alertname": "HostDown", "instance": "web1:9100", "severity": "critical"}}
SYSLOG = b"<34>1 2026-05-01T10:00:00Z web1 app 1 - - all is well"


def inbox(folder: Path) -> list[tuple[str, bytes]]:
    assert (folder / "tocsin.db").exists()
    with closing(sqlite3.connect(folder / "tocsin.db")) as db:
        return list(db.execute("SELECT source, payload FROM inbox WHERE kind = 'raw' ORDER BY seq"))


@pytest.fixture
def http(tmp_path: Path) -> Iterator[httpx.Client]:
    port = free_port()
    config = configure(tmp_path, inputs=[{"type": "http", "port": port, "max_body": 2000}])
    with process(config), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        ready(str(client.base_url))
        yield client


def test_what_prometheus_pushes_is_taken_as_alertmanager_takes_it(http: httpx.Client, tmp_path: Path) -> None:
    assert http.post("/api/v2/alerts", json=[DOWN]).status_code == 200
    half = http.post("/api/v2/alerts", json=[{"labels": {}}, {**DOWN, "annotations": {"summary": "gone"}}])
    assert half.status_code == 400
    assert "label" in half.json()
    assert [source for source, _ in inbox(tmp_path)] == ["alertmanager"] * 2

    @patiently
    def counted() -> None:
        assert [a["summary"] for a in http.get("/v1/alerts").json()] == ["gone"]
        assert len(http.get("/v1/dead").json()) == 1

    counted()


def test_payloads_of_any_source_are_kept_before_they_are_acknowledged(http: httpx.Client, tmp_path: Path) -> None:
    assert http.post("/v1/events/syslog", content=SYSLOG).json() == {"kept": 1}
    lines = b"\n".join([SYSLOG, b"", SYSLOG])
    assert http.post("/v1/events/syslog", content=lines, headers={"content-type": "application/x-ndjson"}).json() == {
        "kept": 2
    }
    assert inbox(tmp_path) == [("syslog", SYSLOG)] * 3


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        ("/v1/events/nobody", b"x", {}, 404),
        ("/v1/events/syslog", b"x" * 2001, {}, 413),
        ("/v1/events/syslog", b"x", {"content-encoding": "br"}, 415),
        ("/v1/events/syslog", b"x", {"content-encoding": "snappy"}, 415),
        ("/v1/events/syslog", b"x", {"content-encoding": "gzip"}, 400),
        ("/v1/events/syslog", gzip.compress(b"x", mtime=0)[:-3], {"content-encoding": "gzip"}, 400),
        ("/api/v2/alerts", b"[]", {"content-type": "text/plain"}, 415),
        ("/api/v2/alerts", b"no", {"content-type": "application/json"}, 400),
        ("/v1/commands", b"no", {}, 400),
        ("/v1/commands", b'{"by": "kim", "action": "dance"}', {}, 400),
        ("/v1/commands", b'{"by": "kim", "action": "close", "target": "INC-0"}', {}, 409),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_status(
    http: httpx.Client, path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    assert http.post(path, content=content, headers=headers).status_code == status


def test_a_body_without_a_length_is_cut_off_when_it_is_too_long(http: httpx.Client, tmp_path: Path) -> None:
    assert http.post("/v1/events/syslog", content=iter([b"x" * 1500] * 2)).status_code == 413
    assert inbox(tmp_path) == []


def test_metric_samples_are_learned_packed_or_not(http: httpx.Client) -> None:
    zipped = {"content-encoding": "gzip"}
    assert http.post("/v1/events/influx", content=gzip.compress(LINES.encode()), headers=zipped).status_code == 202
    snapped = {"content-encoding": "snappy", "content-type": "application/x-protobuf"}
    assert http.post("/v1/events/prometheus", content=WRITTEN, headers=snapped).status_code == 202
    assert http.post("/v1/events/otlp", json=EXPORTED).status_code == 202

    @patiently
    def learned() -> None:
        shown = http.get("/metrics").text
        assert 'tocsin_flow_total{what="samples"} 15.0' in shown
        # Of 14, three were years older than the newest when it came, and are forgotten.
        assert "tocsin_series 11.0" in shown

    learned()
    zeros = gzip.compress(bytes(1_000_000))
    assert http.post("/v1/events/influx", content=zeros, headers=zipped).status_code == 413


def test_it_tells_how_it_is(http: httpx.Client) -> None:
    http.post("/v1/events/syslog", content=SYSLOG)
    assert [http.get(path).status_code for path in ("/healthz", "/-/healthy", "/-/ready", "/api/v2/status")] == [
        200
    ] * 4
    shown = http.get("/metrics").text
    assert 'tocsin_received_total{source="syslog"} 1.0' in shown
    assert 'tocsin_http_requests_total{path="/v1/events/",status="202"} 1.0' in shown


def test_commands_are_answered_when_they_were_handled(http: httpx.Client) -> None:
    http.post("/api/v2/alerts", json=[DOWN])

    @patiently
    def opened() -> str:
        found = http.get("/v1/incidents").json()
        assert len(found) == 1
        return str(found[0]["id"])

    incident = opened()
    reply = http.post("/v1/commands", json={"by": "kim", "action": "acknowledge", "target": incident})
    assert (reply.status_code, reply.json()["reason"]) == (200, "done")

    @patiently
    def acknowledged() -> None:
        assert http.get(f"/v1/incidents/{incident[:8]}").json()["acknowledged_by"] == "kim"

    acknowledged()


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_syslog_arrives_over_the_network(tmp_path: Path, protocol: str) -> None:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    port, web = free_port(kind), free_port()
    listen = [{"type": "syslog", "protocol": protocol, "port": port}, {"type": "http", "port": web}]
    with process(configure(tmp_path, inputs=listen)) as host:
        ready(f"http://127.0.0.1:{web}")
        with socket.socket(type=kind) as sender:
            sender.connect(("127.0.0.1", port))
            if protocol == "udp":
                sender.send(SYSLOG)
                sender.send(SYSLOG)
            else:
                sender.sendall(b"%d %s%s\n" % (len(SYSLOG), SYSLOG, SYSLOG))

            @patiently
            def both_arrive() -> None:
                assert inbox(tmp_path) == [("syslog", SYSLOG)] * 2

            both_arrive()
        stop(host)


def test_a_followed_file_is_read_on_where_it_was_left(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    followed = {"type": "file", "path": "app.log", "source": "syslog", "follow": True}
    config = configure(tmp_path, inputs=[followed])

    def have(*lines: bytes) -> None:
        @patiently
        def come() -> None:
            assert [payload for _, payload in inbox(tmp_path)] == list(lines)

        come()

    with process(config) as host:
        log.write_bytes(b"one\ntw")
        have(b"one")
        host.kill()
    with log.open("ab") as file:
        file.write(b"o\n")
    with process(config) as host:
        have(b"one", b"two")
        log.rename(tmp_path / "app.log.1")
        log.write_bytes(b"three\n")
        have(b"one", b"two", b"three")
        stop(host)


def test_a_second_host_on_the_same_store_is_refused(tmp_path: Path) -> None:
    port = free_port()
    config = configure(tmp_path, inputs=[{"type": "http", "port": port}])
    with process(config):
        ready(f"http://127.0.0.1:{port}")
        with process(config) as second:
            _, errors = second.communicate(timeout=60)
        assert second.returncode == 1
        assert b"a host is running on" in errors


@contextmanager
def receiver(answers: list[int], taken: list[tuple[dict[str, str], bytes]]) -> Iterator[str]:
    """A webhook's receiver that gives these answers in turn, and the last one for ever."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = answers.pop(0) if len(answers) > 1 else answers[0]
            if status == 200:
                taken.append(({key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_changes_of_incidents_are_told_signed_and_again_until_they_are_taken(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hush\n", encoding="utf-8")
    taken: list[tuple[dict[str, str], bytes]] = []
    port = free_port()
    with receiver([503, 503, 200], taken) as url:
        outputs = [
            {"type": "webhook", "url": url, "secret_file": "secret.txt"},
            {"type": "jsonl", "path": "incidents.jsonl"},
        ]
        with process(configure(tmp_path, inputs=[{"type": "http", "port": port}], outputs=outputs)) as host:
            ready(f"http://127.0.0.1:{port}")
            httpx.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=[DOWN]).raise_for_status()

            @patiently
            def told() -> None:
                assert taken

            told()
            stop(host)
    (headers, body), *_ = taken
    incident = json.loads(body)
    assert headers["idempotency-key"] == f"{incident['id']}-{incident['version']}"
    assert headers["x-tocsin-signature"] == "sha256=" + hmac.new(b"hush", body, hashlib.sha256).hexdigest()
    lines = (tmp_path / "incidents.jsonl").read_bytes().splitlines()
    assert lines == [body for _, body in taken]


def test_what_will_never_be_taken_becomes_a_dead_letter_and_holds_nothing_up(tmp_path: Path) -> None:
    taken: list[tuple[dict[str, str], bytes]] = []
    port = free_port()
    other = {"labels": {**DOWN["labels"], "instance": "db7", "alertname": "Disk"}}
    with receiver([422, 200], taken) as url:
        outputs = [{"type": "webhook", "url": url, "format": "alertmanager", "grouped": False}]
        with process(configure(tmp_path, inputs=[{"type": "http", "port": port}], outputs=outputs)) as host:
            web = f"http://127.0.0.1:{port}"
            ready(web)
            for alert in (DOWN, other):
                httpx.post(f"{web}/api/v2/alerts", json=[alert]).raise_for_status()

            @patiently
            def told() -> None:
                assert taken
                assert [letter["reason"] for letter in httpx.get(f"{web}/v1/dead").json()] == ["undelivered"]

            told()
            stop(host)
    assert json.loads(taken[0][1])["version"] == "4"
