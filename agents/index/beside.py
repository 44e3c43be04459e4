"""Work that blocks, beside the event loop, in threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

_IDLE: list[asyncio.AbstractEventLoop] = []
"""Threads without work, by the loops that they run: a loop hands over what the work raises, too."""


async def beside(work: Callable[[], T]) -> T:
    """What some work returns or raises. Who is cancelled leaves the work behind, to end by itself.

    There are as many threads as there is work at the same time. Those of `asyncio.to_thread` would be waited for at the
    end: a node that does not answer could hold up a stop for as long as a request may take.
    """
    thread = _IDLE.pop() if _IDLE else _started()
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_done(work, thread), thread))


async def _done(work: Callable[[], T], thread: asyncio.AbstractEventLoop) -> T:
    try:
        return work()
    finally:
        _IDLE.append(thread)


def _started() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="beside", daemon=True).start()
    return loop
