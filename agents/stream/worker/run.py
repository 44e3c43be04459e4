"""Runs one role of a worker until it is told to stop, with its health and metrics by HTTP."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from agents import collector
from agents.config import Config
from agents.index.beside import beside
from agents.stream.clients import leave_group
from agents.stream.topics import differences, wanted
from agents.stream.worker.correlate import Correlate
from agents.stream.worker.detect import Detect
from agents.stream.worker.ending import UNFINISHED, Stop
from agents.stream.worker.host import Host
from agents.stream.worker.http import application, server
from agents.stream.worker.metrics import HostCollector, IngestCollector, registry
from agents.stream.worker.running import Address, until_told
from schemas.base import ConfigError

LOG = logging.getLogger(__name__)


def correlate(config: Config, name: str, http: Address) -> None:
    """Dedup, correlation and incidents. Raises ConfigError for no broker, or a wrong topic."""
    _hosted(Correlate, config, name, http)


def detect(config: Config, name: str, http: Address) -> None:
    """The models of metrics. Raises ConfigError as `correlate`."""
    _hosted(Detect, config, name, http)


def _hosted(role: type[Host], config: Config, name: str, http: Address) -> None:
    stop = Stop()
    check_topics(config)
    collector.settle()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        _ended(runner.run(_run(role, config, name, http, stop)))


def check_topics(config: Config) -> None:
    """Raises ConfigError for a topic that is missing or other than declared."""
    found = differences(config.kafka, wanted(config.kafka, ()))
    if found:
        said = "; ".join(str(one) for one in found)
        raise ConfigError(f"topics at {config.kafka.address} are not as they should be: {said}. See `tocsin topics`")


async def _run(role: type[Host], config: Config, name: str, http: Address, stop: Stop) -> bool:
    host = role(config, name)
    finished = await until_told(f"{role.__name__.lower()} {name}", config, host, HostCollector(host), http, stop)
    await beside(lambda: leave_group(config.kafka, config.kafka.prefix + role.group, name))
    return finished


def _ended(finished: bool) -> None:
    """Say by the exit code where a role was told to stop and could not finish what it had begun."""
    if not finished:
        raise SystemExit(UNFINISHED)


def ingest(config: Config, name: str, http: Address) -> None:
    """From raw payloads to packs of events. Raises ConfigError as `correlate`."""
    from agents.stream.ingest.run import Ingest

    stop = Stop()
    work = Ingest(config, name)
    app = application(registry(IngestCollector(work)), lambda: work.ready, lambda: True)
    web = server(app, *http)
    serving = threading.Thread(target=web.run, daemon=True)
    if http.port:
        serving.start()
    LOG.info("ingest %s has started", name)
    try:
        finished = work.run(stop.flag)
    finally:
        web.should_exit = True
        if http.port:
            serving.join(2)
    _ended(finished)


def index(config: Config, name: str, http: Address) -> None:
    """What the topics say into Elasticsearch. Raises ConfigError as `correlate`, and where no output is named."""
    from agents.stream.index.run import required_output

    required_output(config)
    stop = Stop()
    check_topics(config)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        _ended(runner.run(_index(config, name, http, stop)))


async def _index(config: Config, name: str, http: Address, stop: Stop) -> bool:
    from agents.stream.index.metrics import IndexCollector
    from agents.stream.index.run import Index

    work = Index(config, name)
    finished = await until_told(f"index {name}", config, work, IndexCollector(work), http, stop)
    await beside(lambda: leave_group(config.kafka, work.group, name))
    return finished


ROLES: dict[str, Callable[[Config, str, Address], None]] = {
    "ingest": ingest,
    "correlate": correlate,
    "detect": detect,
    "index": index,
}
"""What a worker can be."""


def roles_of(config: Config) -> list[str]:
    """Those that a configuration has something to do for."""
    from agents.stream.index.run import output_of

    return [role for role in ROLES if role != "index" or output_of(config) is not None]


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for this system
        return None
    return uvloop.new_event_loop
