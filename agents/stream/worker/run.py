"""Runs one role of a worker until it is told to stop, with its health and metrics by HTTP."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from typing import NamedTuple

from aiokafka.errors import KafkaConnectionError, KafkaError  # type: ignore[import-untyped]

from agents import collector
from agents.config import Config
from agents.stream.clients import leave_group, unreachable
from agents.stream.topics import differences, wanted
from agents.stream.worker import host as correlate_host
from agents.stream.worker.host import Host
from agents.stream.worker.http import application, server
from agents.stream.worker.metrics import CorrelateCollector, IngestCollector, registry
from schemas.base import ConfigError

LOG = logging.getLogger(__name__)


class Address(NamedTuple):
    """Where to listen; port 0 not at all."""

    host: str
    port: int


def correlate(config: Config, name: str, http: Address) -> None:
    """Dedup, correlation and incidents. Raises ConfigError for no broker, or a wrong topic."""
    check_topics(config)
    collector.settle()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_correlate(config, name, http))


def check_topics(config: Config) -> None:
    """Raises ConfigError for a topic that is missing or other than declared."""
    found = differences(config.kafka, wanted(config.kafka, ()))
    if found:
        said = "; ".join(str(one) for one in found)
        raise ConfigError(f"topics at {config.kafka.address} are not as they should be: {said}. See `tocsin topics`")


async def _correlate(config: Config, name: str, http: Address) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host = Host(config, name)
    app = application(registry(CorrelateCollector(host)), lambda: host.ready, lambda: not host.failure.done())
    web = server(app, *http)
    serving = asyncio.ensure_future(web.serve()) if http.port else None
    try:
        await host.begin()
        LOG.info("correlate %s has started", name)
        collector.settle()
        host.failure.add_done_callback(lambda _: stop.set())
        await stop.wait()
        LOG.info("correlate %s is stopping", name)
        await host.end()
        if host.failure.done():
            host.failure.result()
    except KafkaConnectionError as error:
        raise unreachable(config.kafka) from error
    except KafkaError as error:
        raise ConfigError(f"Kafka at {config.kafka.address} has failed us: {error!r}") from error
    finally:
        web.should_exit = True
        if serving is not None:
            await serving
    await asyncio.to_thread(leave_group, config.kafka, config.kafka.prefix + correlate_host.GROUP, name)


def ingest(config: Config, name: str, http: Address) -> None:
    """From raw payloads to packs of events. Raises ConfigError as `correlate`."""
    from agents.stream.ingest.run import Ingest

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    work = Ingest(config, name)
    app = application(registry(IngestCollector(work)), lambda: work.ready, lambda: True)
    web = server(app, *http)
    serving = threading.Thread(target=web.run, daemon=True)
    if http.port:
        serving.start()
    LOG.info("ingest %s has started", name)
    try:
        work.run(stop)
    finally:
        web.should_exit = True
        if http.port:
            serving.join(2)


ROLES: dict[str, Callable[[Config, str, Address], None]] = {"ingest": ingest, "correlate": correlate}
"""What a worker can be."""


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for this system
        return None
    return uvloop.new_event_loop
