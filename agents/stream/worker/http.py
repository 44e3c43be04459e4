"""Health, readiness and metrics of a worker by HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

Asked = Callable[[], bool]


def application(metrics: CollectorRegistry, ready: Asked, healthy: Asked) -> Starlette:
    """/-/healthy, /-/ready and /metrics."""

    async def health(request: Request) -> Response:
        del request
        return PlainTextResponse("healthy\n") if healthy() else PlainTextResponse("failed\n", 503)

    async def readiness(request: Request) -> Response:
        del request
        return PlainTextResponse("ready\n") if ready() else PlainTextResponse("not ready\n", 503)

    async def exposed(request: Request) -> Response:
        del request
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return Starlette(
        routes=[Route("/-/healthy", health), Route("/-/ready", readiness), Route("/metrics", exposed)],
    )


class Server(uvicorn.Server):
    """Leaves signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def server(app: Starlette, host: str, port: int) -> Server:
    """A server that has not been started."""
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
