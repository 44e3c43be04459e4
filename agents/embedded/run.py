"""All inputs and outputs of a configuration around one live host, until it is told to stop or all inputs have ended."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from agents import collector
from agents.config import Config, FileInput, HttpInput, SyslogInput
from agents.embedded import tokens
from agents.embedded.host import Host
from agents.embedded.inputs.api import Api
from agents.embedded.inputs.file import STDIN, read_file, replay_files
from agents.embedded.inputs.http import Payloads
from agents.embedded.inputs.syslog import listen_tcp, listen_udp
from agents.embedded.live import Live
from agents.embedded.metrics import registry
from agents.embedded.outputs.making import make_outputs
from agents.source_files import make_sources
from pipeline.sources.normalise import Normaliser
from schemas.base import ConfigError

LOG = logging.getLogger(__name__)
GRACE = 5
"""Seconds that requests have to end, and webhooks to deliver, when the host ends."""

Work = Coroutine[Any, Any, None]
Started = Callable[[list[tuple[str, int]]], None]
"""Called with the addresses that are listened on, in the order of the configuration."""


def serve(config: Config, host: Host, normaliser: Normaliser, started: Started | None = None) -> None:
    """As `run`, in an event loop and with a garbage collector that suit it."""
    collector.settle()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run(config, host, normaliser, started))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for this system
        return None
    return uvloop.new_event_loop


async def run(config: Config, host: Host, normaliser: Normaliser, started: Started | None = None) -> None:
    """Run until SIGTERM or SIGINT, or until all inputs have ended.

    Raises ConfigError for an address that can't be had, OSError for a file, sqlite3.Error for a store that fails.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await Running(config, host, normaliser).until(stop, started)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    """Leaves signals to the host."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Running:
    """One run: what was made from the configuration, and the tasks that do it."""

    def __init__(self, config: Config, host: Host, normaliser: Normaliser) -> None:
        self._config, self._normaliser = config, normaliser
        self._sources = make_sources(config.sources)
        self.live = Live(host, config.store)
        own = Normaliser(make_sources(config.sources))  # some outputs read payloads again, in threads of their own
        self._outputs = make_outputs(config.outputs, host.store, own, self.live.now)
        self._servers: list[_Server] = []
        self._addresses: list[tuple[str, int]] = []
        self._url = ""

    async def until(self, stop: asyncio.Event, started: Started | None) -> None:
        """Run until `stop` is set, all inputs have ended, or something fails."""
        make = asyncio.get_running_loop().create_task
        others = self._others()
        files = [one for one in self._config.inputs if isinstance(one, FileInput) and not _is_live(one)]
        self.live.ticking = not files
        changed = [asyncio.Event() for _ in self._outputs]
        self.live.changed += changed
        inputs = {make(work) for work in others}
        replay = make(replay_files(files, self.live, self._sources))
        writer = make(self.live.write())
        outputs = {make(one.run(event)) for one, event in zip(self._outputs, changed, strict=True)}
        stopping = make(stop.wait())
        self.live.host.store.announce(self._url)
        if started is not None:
            started(self._addresses)
        try:
            await _first({replay}, {stopping, writer, *outputs, *inputs})
            if not stopping.done():
                self.live.ticking = True
                await _first(inputs, {stopping, writer, *outputs})
        finally:
            await self._end({replay, *inputs}, writer, ended=bool(files) and not inputs and not stopping.done())
            await self._deliver()
            await _cancel({stopping, *outputs})

    # -- inputs ----------------------------------------------------------------------------------------------------

    def _others(self) -> list[Work]:
        """All inputs but files to replay. What they listen on is had before anything is read."""
        sockets = {n: _listen(n, one) for n, one in enumerate(self._config.inputs) if not isinstance(one, FileInput)}
        self._addresses = [sock.getsockname()[:2] for sock in sockets.values()]
        self._url = next(
            (_url(sockets[n]) for n, one in enumerate(self._config.inputs) if isinstance(one, HttpInput)), ""
        )
        found: list[Work] = []
        for number, one in enumerate(self._config.inputs):
            if isinstance(one, FileInput):
                if _is_live(one):
                    found.append(read_file(one, self.live))
            elif isinstance(one, HttpInput):
                found.append(self._http(one, sockets[number]))
            elif one.protocol == "udp":
                found.append(listen_udp(one, self.live, sockets[number]))
            else:
                found.append(listen_tcp(one, self.live, sockets[number]))
        return found

    async def _http(self, settings: HttpInput, sock: socket.socket) -> None:
        payloads = Payloads(settings, self.live, self._normaliser, self._sources)
        metrics = registry(self.live, [one.outbox for one in self._outputs], payloads.requests)
        guard = tokens.load(settings.token_file) if settings.token_file else None
        payloads.rest = Api(self.live, metrics, guard).app()
        config = uvicorn.Config(
            payloads,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        server = _Server(config)
        self._servers.append(server)
        await server.serve(sockets=[sock])

    # -- the end ---------------------------------------------------------------------------------------------------

    async def _end(self, inputs: set[asyncio.Task[None]], writer: asyncio.Task[None], *, ended: bool) -> None:
        """Take in nothing more, and do what is left."""
        for server in self._servers:
            server.should_exit = True
        serving = [task for task in inputs if self._servers and not task.done()]
        if serving:
            await asyncio.wait(serving, timeout=GRACE + 1 if len(self._servers) == len(serving) else 0.5)
        await _cancel(inputs)
        failed = writer.done() and not writer.cancelled()
        await _cancel({writer})
        if failed:
            return  # the store takes nothing more
        self.live.drain()
        if ended:
            self.live.host.finish("all files")

    async def _deliver(self) -> None:
        """Tell what is new; webhooks that are slow go on at the next start."""
        for event in self.live.changed:
            event.set()
        until = asyncio.get_running_loop().time() + GRACE
        while (
            left := sum(one.outbox.pending() for one in self._outputs)
        ) and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
        if left:
            LOG.warning("%d changes are yet to be told; that goes on at the next start", left)


def _is_live(settings: FileInput) -> bool:
    return settings.follow or settings.path == STDIN


def _url(sock: socket.socket) -> str:
    """Where a socket can be reached from this machine."""
    address = sock.getsockname()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])
    return f"http://[{host}]:{address[1]}" if ":" in host else f"http://{host}:{address[1]}"


def _listen(number: int, settings: HttpInput | SyslogInput) -> socket.socket:
    """A bound socket, listening where it is TCP. Raises ConfigError where the address can't be had."""
    udp = isinstance(settings, SyslogInput) and settings.protocol == "udp"
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=kind)[0]
        sock = socket.socket(family, kind)
        if not udp:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        if not udp:
            sock.listen(1024)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"inputs[{number}]: can't listen on {settings.host}:{settings.port}: {reason}") from error
    sock.setblocking(False)
    return sock


async def _first(awaited: set[asyncio.Task[None]], others: set[asyncio.Task[Any]]) -> None:
    """Wait until all of `awaited` or one of `others` is done; raises what any of them raised."""
    pending = set(awaited)
    while pending:
        done, _ = await asyncio.wait({*pending, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        pending -= done
        if done & others:
            return


async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """End tasks; one that failed raises that again."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
