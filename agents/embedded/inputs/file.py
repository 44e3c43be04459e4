"""Files: replayed from the beginning, or followed as they grow; and standard input."""

from __future__ import annotations

import asyncio
import heapq
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter

from agents import feeding, recording
from agents.config import FileInput
from agents.embedded.inputs.lines import Lines
from agents.embedded.inputs.tail import Tail
from agents.embedded.live import Live
from agents.embedded.rows import Cursor
from pipeline.sources.base import Source
from schemas.event import RawRecord

POLL = 0.25
"""Seconds between two looks at the end of a followed file."""
TOGETHER = 500
"""Payloads of a replayed file that are kept together."""
STDIN = "-"


async def read_file(settings: FileInput, live: Live) -> None:
    """Follow a file, or read standard input to its end. Raises OSError."""
    if settings.path == STDIN:
        await _stream(settings, live)
    else:
        await _follow(settings, live)


async def replay_files(files: Sequence[FileInput], live: Live, sources: Mapping[str, Source]) -> None:
    """Read whole files from where they were left, all together in the order of their times.

    Their times are their own: those of the recording, or of the events themselves. Raises OSError.
    """
    names = [f"file {one.path}" for one in files]
    positions = [live.host.store.cursor(name) for name in names]
    streams = [
        ((raw.received, number, raw) for raw in islice(_records(one, sources), positions[number], None))
        for number, one in enumerate(files)
    ]
    merged = heapq.merge(*streams, key=itemgetter(0, 1))
    while batch := list(islice(merged, TOGETHER)):
        for _, number, _ in batch:
            positions[number] += 1
        cursors = [Cursor(names[n], positions[n]) for n in sorted({number for _, number, _ in batch})]
        await live.keep([raw for _, _, raw in batch], *cursors)


def _records(settings: FileInput, sources: Mapping[str, Source]) -> Iterator[RawRecord]:
    if settings.source:
        return feeding.feed([settings.path], settings.source, sources[settings.source])
    return recording.read(settings.path)


async def _follow(settings: FileInput, live: Live) -> None:
    """A growing file. Its payloads are received when they are read."""
    tail = Tail(settings.path, live.host.store.find_cursor(f"file {settings.path}"))
    try:
        while True:
            lines = tail.read()
            if lines:
                await live.keep(_raws(lines, settings, live.now()), tail.cursor())
            else:
                await asyncio.sleep(POLL)
    finally:
        tail.close()


async def _stream(settings: FileInput, live: Live) -> None:
    """Standard input, which can't be read again: what was read and not kept is lost with the process."""
    chunks: asyncio.Queue[bytes] = asyncio.Queue(1)
    loop, stop = asyncio.get_running_loop(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            data = os.read(sys.stdin.fileno(), 65_536)
            asyncio.run_coroutine_threadsafe(chunks.put(data), loop).result()
            if not data:
                return

    # A daemon, because a read from a terminal or a quiet pipe can't be broken off.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    lines = Lines()
    try:
        while data := await chunks.get():
            if found := lines.feed(data):
                await live.keep(_raws(found, settings, live.now()))
        if last := lines.end():
            await live.keep(_raws([last], settings, live.now()))
    finally:
        stop.set()


def _raws(lines: list[bytes], settings: FileInput, now: int) -> list[RawRecord]:
    found = (line.rstrip(b"\r\n") for line in lines)
    if settings.source:
        return [
            RawRecord(source=settings.source, received=now, payload=line, origin=settings.path)
            for line in found
            if line.strip()
        ]
    return [recording.from_line(line, now, settings.path) for line in found if line.strip()]
