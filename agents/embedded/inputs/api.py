"""What can be asked of a running host by HTTP: commands, records, health and metrics."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, ip_address

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from agents.embedded.live import Live
from agents.embedded.tokens import Holder, Tokens
from schemas.command import Command

PAGE, LARGEST_PAGE = 1000, 10_000
LONGEST_COMMAND = 1024 * 1024
Handler = Callable[[Request], Awaitable[Response]]
Guarded = Callable[[Request, Holder | None], Awaitable[Response]]


class Api:
    """The handlers. Records are those of the last checkpoint.

    With tokens, commands and records are for those who carry one, and the token says who asks and in which role.
    Without, commands are taken from this machine only, and not from the pages that a browser on it shows.
    """

    def __init__(self, live: Live, metrics: CollectorRegistry, tokens: Tokens | None = None) -> None:
        self._live, self._metrics, self._tokens = live, metrics, tokens

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/v1/commands", self._guarded(self._command), methods=["POST"]),
                Route("/v1/incidents", self._records("incident")),
                Route("/v1/incidents/{id}", self._record("incident")),
                Route("/v1/alerts", self._records("alert")),
                Route("/v1/alerts/{id}", self._record("alert")),
                Route("/v1/dead", self._guarded(self._dead)),
                Route("/healthz", self._healthy),
                Route("/-/healthy", self._healthy),
                Route("/-/ready", self._ready),
                Route("/metrics", self._exposed),
                Route("/api/v2/status", self._status),
            ]
        )

    def _guarded(self, handler: Guarded) -> Handler:
        """The handler, for those who carry a token where there are tokens."""

        async def guarded(request: Request) -> Response:
            if self._tokens is None:
                return await handler(request, None)
            holder = self._tokens.holder(request.headers.get("authorization", ""))
            if holder is None:
                return _error(401, "needs a token: Authorization: Bearer TOKEN", {"www-authenticate": "Bearer"})
            return await handler(request, holder)

        return guarded

    async def _command(self, request: Request, holder: Holder | None) -> Response:
        """`id` and `time` may be left out: the host fills them in; `by` and `role` too where the token says them."""
        if holder is None and (not _is_here(request) or "origin" in request.headers):
            return _error(403, "without a token file, commands are taken from this machine only")
        if not self._live.ready:
            return _error(503, "starting")
        body = await request.body()
        try:
            given = orjson.loads(body) if len(body) <= LONGEST_COMMAND else None
            if not isinstance(given, dict):
                return _error(400, f"a command is a JSON object of at most {LONGEST_COMMAND} bytes")
            if holder is not None:
                role = given.setdefault("role", holder.roles[0])
                if role not in holder.roles:
                    return _error(403, f"the token of {holder.name} gives the roles {', '.join(holder.roles)}")
                given["by"] = holder.name
            command = Command.model_validate_json(
                orjson.dumps({"id": uuid.uuid4().hex, "time": self._live.now(), **given})
            )
        except orjson.JSONDecodeError as error:
            return _error(400, f"not JSON: {error}")
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            return _error(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        reply = await self._live.ask(command)
        return Response(reply.model_dump_json(), 200 if reply.ok else 409, media_type="application/json")

    def _records(self, kind: str) -> Handler:
        async def handler(request: Request, holder: Holder | None) -> Response:  # noqa: ARG001 - any token will do
            limit = request.query_params.get("limit", str(PAGE))
            if not limit.isdigit() or not 1 <= int(limit) <= LARGEST_PAGE:
                return _error(400, f"limit is a number from 1 to {LARGEST_PAGE}")
            after = request.query_params.get("after", "")
            return _array(self._live.host.store.read.page(kind, after, int(limit)))

        return self._guarded(handler)

    def _record(self, kind: str) -> Handler:
        async def handler(request: Request, holder: Holder | None) -> Response:  # noqa: ARG001 - any token will do
            name = str(request.path_params["id"])
            found = self._live.host.store.read.find(kind, name)
            if len(found) != 1:
                count = len(found) or "no"
                return _error(404, f"{count} {kind}{'s' if len(found) != 1 else ''} begin with {name!r}")
            return Response(found[0], media_type="application/json")

        return self._guarded(handler)

    async def _dead(self, request: Request, holder: Holder | None) -> Response:  # noqa: ARG002 - any token will do
        prefix = request.query_params.get("id", "")
        return _array([value for _, value in zip(range(PAGE), self._live.host.store.read.dead(prefix), strict=False)])

    async def _healthy(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        return PlainTextResponse("OK\n")

    async def _ready(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        if not self._live.ready:
            return PlainTextResponse("starting\n", 503)
        return PlainTextResponse("busy\n", 503) if self._live.full else PlainTextResponse("OK\n")

    async def _exposed(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        return Response(generate_latest(self._metrics), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})

    async def _status(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """As much of Alertmanager's status as its clients insist on."""
        words = ("branch", "buildDate", "buildUser", "goVersion", "revision")
        return JSONResponse(
            {
                "cluster": {"status": "disabled", "peers": []},
                "config": {"original": ""},
                "uptime": "1970-01-01T00:00:00Z",
                "versionInfo": {**dict.fromkeys(words, ""), "version": "tocsin"},
            }
        )


def _error(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": text}, status, headers)


def _is_here(request: Request) -> bool:
    """Whether a request comes from this machine."""
    try:
        address = ip_address(request.client.host if request.client is not None else "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _array(values: list[bytes]) -> Response:
    return Response(orjson.dumps([orjson.Fragment(value) for value in values]), media_type="application/json")
