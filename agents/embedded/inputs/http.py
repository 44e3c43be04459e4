"""HTTP: payloads in, commands in, records out, health and metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from agents.config import HttpInput
from agents.embedded.live import Live
from agents.embedded.metrics import FlowCollector
from pipeline.sources.normalise import Normaliser
from schemas.command import Command
from schemas.event import RawRecord

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
Handler = Callable[[Request], Awaitable[Response]]
RETRY = {"Retry-After": "1"}


class Api:
    """The handlers. Anything accepted is in the inbox before it is answered."""

    def __init__(self, settings: HttpInput, live: Live, normaliser: Normaliser) -> None:
        self._settings, self._live, self._normaliser = settings, live, normaliser
        self._registry = CollectorRegistry()
        self._registry.register(FlowCollector(live))

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/v1/events/{source}", self._events, methods=["POST"]),
                Route("/api/v2/alerts", self._alerts, methods=["POST"]),
                Route("/v1/commands", self._command, methods=["POST"]),
                Route("/v1/incidents", self._records("incident")),
                Route("/v1/incidents/{id}", self._record("incident")),
                Route("/v1/alerts", self._records("alert")),
                Route("/v1/alerts/{id}", self._record("alert")),
                Route("/v1/dead", self._dead),
                Route("/-/healthy", self._healthy),
                Route("/-/ready", self._ready),
                Route("/api/v2/status", self._status),
                Route("/metrics", self._metrics),
            ]
        )

    async def _body(self, request: Request) -> bytes | None:
        if int(request.headers.get("content-length") or 0) > self._settings.max_body:
            return None
        body = await request.body()
        return body if len(body) <= self._settings.max_body else None

    async def _events(self, request: Request) -> Response:
        body = await self._body(request)
        if body is None:
            return _error(413, f"a body may have {self._settings.max_body} bytes")
        lines = request.headers.get("content-type", "").startswith("application/x-ndjson")
        parts = [line for line in body.splitlines() if line.strip()] if lines else [body]
        return await self._take(request.path_params["source"], parts, request)

    async def _alerts(self, request: Request) -> Response:
        body = await self._body(request)
        if body is None:
            return _error(413, f"a body may have {self._settings.max_body} bytes")
        answer = await self._take("alertmanager", [body], request)
        if answer.status_code != 202:
            return answer
        raw = RawRecord(source="alertmanager", received=self._live.now(), payload=body)
        refused = self._normaliser.normalise(raw).refused
        if refused:
            return _error(400, "; ".join(str(part.error) for part in refused))
        return Response(status_code=200)

    async def _take(self, source: str, parts: list[bytes], request: Request) -> Response:
        origin = request.client.host if request.client is not None else ""
        now = self._live.now()
        raws = [RawRecord(source=source, received=now, payload=part, origin=origin) for part in parts]
        kept = self._live.offer(raws)
        if kept is None:
            return JSONResponse({"error": "too much at once; try again"}, 503, RETRY)
        await kept
        return JSONResponse({"kept": len(raws)}, 202)

    async def _command(self, request: Request) -> Response:
        try:
            command = Command.model_validate_json(await request.body())
        except ValidationError as error:
            return _error(400, str(error.errors(include_url=False, include_context=False)))
        reply = await self._live.ask(command)
        return Response(reply.model_dump_json(), 200 if reply.ok else 409, media_type="application/json")

    def _records(self, kind: str) -> Handler:
        async def handler(request: Request) -> Response:  # noqa: ARG001 - the framework's signature
            return _array(self._live.host.store.records(kind))

        return handler

    def _record(self, kind: str) -> Handler:
        async def handler(request: Request) -> Response:
            name = cast(str, request.path_params["id"])
            found = self._live.host.store.find(kind, name)
            if len(found) != 1:
                return _error(404, f"{len(found)} records of kind {kind} begin with {name!r}")
            return Response(found[0], media_type="application/json")

        return handler

    async def _dead(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        return _array(self._live.host.store.dead())

    async def _healthy(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        return PlainTextResponse("healthy\n")

    async def _ready(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        return PlainTextResponse("ready\n") if self._live.ready else PlainTextResponse("starting\n", 503)

    async def _status(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        return JSONResponse({"cluster": {"status": "disabled", "peers": []}, "versionInfo": {"version": "tocsin"}})

    async def _metrics(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        return Response(generate_latest(self._registry), headers={"content-type": PROMETHEUS})


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)


def _array(values: object) -> Response:
    items = [orjson.Fragment(value) for value in cast("list[bytes]", values)]
    return Response(orjson.dumps(items), media_type="application/json")
