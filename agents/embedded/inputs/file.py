"""A file of payloads or a recording: read once, or followed as it grows. '-' is standard input."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

from agents import recording
from agents.config import FileInput
from agents.embedded.live import Live
from schemas.event import RawRecord

POLL = 0.5
"""Seconds between two looks at a followed file."""
TOGETHER = 500


async def read_file(settings: FileInput, live: Live) -> None:
    """Read from where the store says that it was left, in whole lines."""
    cursor = f"file {settings.path}"
    position = 0 if settings.path == "-" else live.host.store.cursor(cursor)
    lines = recording.open_lines(settings.path)
    try:
        if not settings.path.endswith(".gz"):
            if settings.path != "-":
                lines.seek(position)
        else:
            lines.read(position)
        while True:
            batch = await asyncio.to_thread(_some_lines, lines)
            if not batch:
                if not settings.follow:
                    return
                await asyncio.sleep(POLL)
                if Path(settings.path).stat().st_size < position:
                    position = 0
                    lines.seek(0)
                continue
            position += sum(len(line) for line in batch)
            raws = [_raw(line, settings, live.now()) for line in batch if line.strip()]
            await live.keep(raws, None if settings.path == "-" else (cursor, position))
    finally:
        lines.close()


def _some_lines(lines: BinaryIO) -> list[bytes]:
    batch: list[bytes] = []
    while len(batch) < TOGETHER:
        at = lines.tell() if lines.seekable() else 0
        line = lines.readline()
        if not line:
            break
        if not line.endswith(b"\n") and lines.seekable():
            lines.seek(at)  # the writer is in the middle of a line
            break
        batch.append(line)
    return batch


def _raw(line: bytes, settings: FileInput, now: int) -> RawRecord:
    line = line.rstrip(b"\r\n")
    if settings.source:
        return RawRecord(source=settings.source, received=now, payload=line, origin=settings.path)
    return recording.from_line(line, now, settings.path)
