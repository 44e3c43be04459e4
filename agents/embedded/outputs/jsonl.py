"""Incident versions as JSON lines. The place in the history that a file reaches is kept beside its length."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from agents.config import JsonLinesOutput
from agents.embedded.live import Live

TOGETHER = 500


async def write_lines(settings: JsonLinesOutput, live: Live, changed: asyncio.Event) -> None:
    """Write what is new whenever the flow has gone on, until cancelled."""
    store, name = live.host.store, f"jsonl {settings.path}"
    if settings.path != "-" and Path(settings.path).exists():
        with Path(settings.path).open("r+b") as file:
            file.truncate(store.cursor(f"{name} bytes"))  # what a crash left beyond the last kept place comes again
    while True:
        await changed.wait()
        changed.clear()
        while found := store.versions(store.cursor(name), TOGETHER):
            lines = b"".join(value + b"\n" for _, value in found)
            size = _append(settings.path, lines)
            store.set_cursors({name: found[-1][0], f"{name} bytes": size})


def _append(path: str, lines: bytes) -> int:
    """Returns the length of the file, 0 for standard output."""
    if path == "-":
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
        return 0
    with Path(path).open("ab") as file:
        file.write(lines)
        return file.tell()
