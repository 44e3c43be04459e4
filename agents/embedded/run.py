"""All inputs and outputs of a configuration around one live host, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable

import uvicorn

from agents.config import Config, FileInput, HttpInput, JsonLinesOutput, SyslogInput
from agents.embedded.host import Host
from agents.embedded.inputs.file import read_file
from agents.embedded.inputs.http import Api
from agents.embedded.inputs.syslog import listen_syslog
from agents.embedded.live import Live
from agents.embedded.outputs.jsonl import write_lines
from agents.embedded.outputs.webhook import post_incidents
from pipeline.sources.normalise import Normaliser


async def run(config: Config, host: Host, normaliser: Normaliser) -> None:
    """Run until SIGTERM or SIGINT. Raises OSError where an address or a file can't be had."""
    live = Live(host)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(live.write())]
        for output in config.outputs:
            changed = asyncio.Event()
            changed.set()
            live.changed.append(changed)
            work = write_lines if isinstance(output, JsonLinesOutput) else post_incidents
            tasks.append(group.create_task(work(output, live, changed)))  # type: ignore[arg-type]
        tasks += [group.create_task(_forever(_input(one, live, normaliser))) for one in config.inputs]
        await stop.wait()
        for task in tasks:
            task.cancel()
    host.pump()


async def _forever(work: Awaitable[None]) -> None:
    await work


def _input(settings: FileInput | SyslogInput | HttpInput, live: Live, normaliser: Normaliser) -> Awaitable[None]:
    if isinstance(settings, FileInput):
        return read_file(settings, live)
    if isinstance(settings, SyslogInput):
        return listen_syslog(settings, live)
    return _serve(settings, live, normaliser)


async def _serve(settings: HttpInput, live: Live, normaliser: Normaliser) -> None:
    app = Api(settings, live, normaliser).app()
    server = uvicorn.Server(
        uvicorn.Config(app, settings.host, settings.port, log_level="warning", access_log=False, lifespan="off")
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    try:
        await server._serve()
    finally:
        await server.shutdown()
