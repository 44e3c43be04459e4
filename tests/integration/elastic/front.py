"""Stands before a real node and spoils what a test wants spoiled: keys, answers that get lost, requests refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx

HEADERS = ("content-type", "accept", "x-elastic-product")


class Front(ThreadingHTTPServer):
    """Hands requests on to `behind`. `key`: what callers must show. `lose`: how many answers to bulk requests get lost,
    after the node has had them. `refuse`: status codes with which the next bulk requests end instead. `forbid`: the
    name of an index for which the key is no good: a request for it is answered, and each of its documents refused.
    """

    daemon_threads = True

    def __init__(self, behind: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.behind = httpx.Client(base_url=behind, timeout=60)
        self.key = ""
        self.lose = 0
        self.refuse: list[int] = []
        self.forbid = ""
        self.bulks = 0
        self.largest = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        front, bulk = self.server, "/_bulk" in self.path
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if front.key and self.headers.get("authorization") != f"ApiKey {front.key}":
            self._say(401, {"error": {"type": "security_exception", "reason": "unable to authenticate"}, "status": 401})
            return
        if bulk:
            front.bulks += 1
            front.largest = max(front.largest, len(body))
            if front.refuse:
                status = front.refuse.pop(0)
                self._say(status, {"error": {"type": "refused", "reason": "not now"}, "status": status})
                return
            if front.forbid and front.forbid in body.split(b"\n", 1)[0].decode():
                error = {"type": "security_exception", "reason": "action [indices:data/write/bulk[s]] is unauthorized"}
                one = {"index": {"status": 403, "error": error}}
                self._say(200, {"errors": True, "items": [one for line in body.split(b"\n") if b'"_id"' in line]})
                return
        passed = {name: self.headers[name] for name in HEADERS if name in self.headers}
        answer = front.behind.request(self.command, self.path, content=body, headers=passed)
        if bulk and front.lose:
            front.lose -= 1
            self.close_connection = True
            self.connection.close()
            return
        self._send(answer.status_code, answer.content, answer.headers.get("content-type", "application/json"))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any  # noqa: N815 - as the parent looks for them

    def _say(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode(), "application/json")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("x-elastic-product", "Elasticsearch")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's signature
        pass


@contextmanager
def fronted(behind: str, port: int = 0) -> Iterator[Front]:
    front = Front(behind, port)
    thread = Thread(target=front.serve_forever, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        front.shutdown()
        front.server_close()
        front.behind.close()
        thread.join()
