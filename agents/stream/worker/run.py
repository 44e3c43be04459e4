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
from agents.stream.worker.correlate import Correlate
from agents.stream.worker.detect import Detect
from agents.stream.worker.host import Host
from agents.stream.worker.http import application, server
from agents.stream.worker.metrics import HostCollector, IngestCollector, registry
from schemas.base import ConfigError

LOG = logging.getLogger(__name__)


class Address(NamedTuple):
    """Where to listen; port 0 not at all."""

    host: str
    port: int


def correlate(config: Config, name: str, http: Address) -> None:
    """Dedup, correlation and incidents. Raises ConfigError for no broker, or a wrong topic."""
    _hosted(Correlate, config, name, http)


def detect(config: Config, name: str, http: Address) -> None:
    """The models of metrics. Raises ConfigError as `correlate`."""
    _hosted(Detect, config, name, http)


def _hosted(role: type[Host], config: Config, name: str, http: Address) -> None:
    check_topics(config)
    collector.settle()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(role, config, name, http))


def check_topics(config: Config) -> None:
    """Raises ConfigError for a topic that is missing or other than declared."""
    found = differences(config.kafka, wanted(config.kafka, ()))
    if found:
        said = "; ".join(str(one) for one in found)
        raise ConfigError(f"topics at {config.kafka.address} are not as they should be: {said}. See `tocsin topics`")


async def _run(role: type[Host], config: Config, name: str, http: Address) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host, called = role(config, name), role.__name__.lower()
    app = application(registry(HostCollector(host)), lambda: host.ready, lambda: not host.failure.done())
    web = server(app, *http)
    serving = asyncio.ensure_future(web.serve()) if http.port else None
    try:
        await host.begin()
        LOG.info("%s %s has started", called, name)
        collector.settle()
        host.failure.add_done_callback(lambda _: stop.set())
        await stop.wait()
        LOG.info("%s %s is stopping", called, name)
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
    await asyncio.to_thread(leave_group, config.kafka, config.kafka.prefix + role.group, name)


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


ROLES: dict[str, Callable[[Config, str, Address], None]] = {
    "ingest": ingest,
    "correlate": correlate,
    "detect": detect,
}
"""What a worker can be."""


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for this system
        return None
    return uvloop.new_event_loop
