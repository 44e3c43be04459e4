"""Payloads by HTTP: any source at /v1/events/SOURCE, and Prometheus itself at /api/v2/alerts.

Anything that is answered with 200 or 202 is in the inbox.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection

import orjson

from agents.config import HttpInput
from agents.embedded.inputs.asgi import (
    Application,
    Gone,
    Receive,
    Scope,
    Send,
    TooLarge,
    as_error,
    header,
    read_body,
    respond,
    unzipped,
)
from agents.embedded.live import Live
from pipeline.sources.normalise import Normaliser
from schemas.event import RawRecord
from schemas.faults import unknown

EVENTS, ALERTS = "/v1/events/", "/api/v2/alerts"
RETRY = {b"retry-after": b"1"}
NDJSON = "application/x-ndjson"
PUSHED = "alertmanager"
"""The source that reads what Prometheus pushes."""

SNAPPED = f"{EVENTS}prometheus"
"""What Prometheus writes is always packed with Snappy, and kept so."""
PLAIN = frozenset({"", "identity", "gzip"})

Answer = tuple[int, bytes]


class Payloads:
    """The ASGI application of the two paths; all others go to `rest`, with every request counted."""

    def __init__(self, settings: HttpInput, live: Live, normaliser: Normaliser, sources: Collection[str]) -> None:
        self._settings, self._live, self._normaliser = settings, live, normaliser
        self._sources = frozenset(sources)
        self.rest: Application | None = None
        self.requests: Counter[tuple[str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "POST" or not path.startswith((EVENTS, ALERTS)):
            if self.rest is not None:
                await self.rest(scope, receive, send)
            return
        shown = ALERTS if path == ALERTS else EVENTS
        try:
            status, body = await self._post(path, scope, receive)
        except TooLarge:
            status, body = 413, as_error(f"a body may have {self._settings.max_body} bytes")
        except Gone:
            return
        self.requests[shown, status] += 1
        await respond(send, status, body, headers=RETRY if status == 503 else None)

    async def _post(self, path: str, scope: Scope, receive: Receive) -> Answer:
        if self._live.full:
            return 503, as_error("more is waiting than may wait; try again")
        encoding = header(scope, b"content-encoding")
        if encoding not in PLAIN and not (encoding == "snappy" and path == SNAPPED):
            return 415, as_error(f"content-encoding {encoding} is not understood; send the body as it is, or gzip")
        body = await read_body(scope, receive, self._settings.max_body)
        if encoding == "gzip":
            try:
                body = unzipped(body, self._settings.max_body)
            except zlib.error as error:
                return 400, as_error(f"not gzip: {error}")
        origin = scope["client"][0] if scope.get("client") else ""
        if path == ALERTS:
            return await self._alerts(body, header(scope, b"content-type"), origin)
        return await self._events(path[len(EVENTS) :], body, header(scope, b"content-type"), origin)

    async def _events(self, source: str, body: bytes, kind: str, origin: str) -> Answer:
        if source not in self._sources:
            return 404, as_error(f"there is no source {source!r}; {unknown(source, sorted(self._sources))}")
        now = self._live.now()
        parts = [body] if kind.partition(";")[0].strip() != NDJSON else [p for p in body.split(b"\n") if p.strip()]
        raws = [RawRecord(source=source, received=now, payload=part, origin=origin) for part in parts]
        if raws:
            await self._live.offer(raws)
        return 202, orjson.dumps({"kept": len(raws)})

    async def _alerts(self, body: bytes, kind: str, origin: str) -> Answer:
        """As Alertmanager answers: what is valid is kept, although what is not is named with a 400."""
        if kind.partition(";")[0].strip() not in ("", "application/json"):
            return 415, as_error(f"content-type {kind} is not application/json")
        raw = RawRecord(source=PUSHED, received=self._live.now(), payload=body, origin=origin)
        decoded = self._normaliser.normalise(raw)
        await self._live.offer([raw], decoded=decoded)
        if decoded.refused:
            return 400, orjson.dumps("; ".join(str(part.error) for part in decoded.refused)[:2000])
        return 200, b""
