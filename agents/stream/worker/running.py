"""Runs what a role does in an event loop, until a signal comes or it fails."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple, Protocol

from aiokafka.errors import KafkaConnectionError, KafkaError  # type: ignore[import-untyped]
from prometheus_client.registry import Collector

from agents import collector
from agents.config import Config
from agents.stream.clients import unreachable
from agents.stream.worker.ending import Stop
from agents.stream.worker.http import application, server
from agents.stream.worker.metrics import registry
from schemas.base import ConfigError

LOG = logging.getLogger(__name__)


class Address(NamedTuple):
    """Where to listen; port 0 not at all."""

    host: str
    port: int


class Work(Protocol):
    """What a role does: it goes on by itself between `begin` and `end`, and says in `failure` when it can't.

    `end` says whether what was begun is finished.
    """

    failure: asyncio.Future[None]

    @property
    def ready(self) -> bool: ...
    async def begin(self) -> None: ...
    async def end(self) -> bool: ...


async def until_told(who: str, config: Config, work: Work, metrics: Collector, http: Address, told: Stop) -> bool:
    """Work, with health and metrics by HTTP; whether all is finished that was begun.

    Raises ConfigError where Kafka fails, and what is in `failure`.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    told.then(lambda: loop.is_closed() or loop.call_soon_threadsafe(stop.set))
    app = application(registry(metrics), lambda: work.ready, lambda: not work.failure.done())
    web = server(app, *http)
    serving = asyncio.ensure_future(web.serve()) if http.port else None
    try:
        await work.begin()
        LOG.info("%s has started", who)
        collector.settle()
        work.failure.add_done_callback(lambda _: stop.set())
        await stop.wait()
        LOG.info("%s is stopping", who)
        finished = await work.end()
        if work.failure.done():
            work.failure.result()
    except KafkaConnectionError as error:
        raise unreachable(config.kafka) from error
    except KafkaError as error:
        raise ConfigError(f"Kafka at {config.kafka.address} has failed us: {error!r}") from error
    finally:
        web.should_exit = True
        if serving is not None:
            await serving
    return finished
