"""Incidents as JSON lines: what is told is in the file exactly once, in order, whatever happens in between."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from agents.config import JsonLinesOutput
from agents.embedded.live import Clock
from agents.embedded.outputs.body import body_of, outbox_of
from agents.embedded.outputs.outbox import wait
from agents.embedded.rows import Cursor
from agents.embedded.store import Store

TOGETHER = 500
STDOUT = "-"


class LinesFile:
    """The file, and how much of it is certain. On standard output, lines may come again after a crash."""

    def __init__(self, settings: JsonLinesOutput, store: Store, now: Clock) -> None:
        self._settings = settings
        self._path = settings.path
        self._store = store
        self._length = f"length of {settings.path}"
        if self._path != STDOUT:
            self._mend()
        self.outbox = outbox_of(settings, store, f"jsonl {settings.path}", now)

    async def run(self, changed: asyncio.Event) -> None:
        """Write what is new whenever there is, until cancelled. Raises OSError."""
        while True:
            self.flush()
            await wait(changed, self.outbox.delay())

    def flush(self) -> None:
        """Write all there is. Raises OSError."""
        while found := self.outbox.next(TOGETHER):
            lines = b"".join(body_of(self._settings, ticket.value) + b"\n" for ticket in found)
            if self._path == STDOUT:
                sys.stdout.buffer.write(lines)
                sys.stdout.buffer.flush()
                self.outbox.done(found)
            else:
                self.outbox.done(found, self._append(lines))

    def _append(self, lines: bytes) -> Cursor:
        with Path(self._path).open("ab") as file:
            before = self._cursor(file.fileno())
            if self._store.find_cursor(self._length) != before:  # the file is new, moved away or cut
                self._store.set_cursors(before)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
            return self._cursor(file.fileno())

    def _cursor(self, descriptor: int) -> Cursor:
        status = os.fstat(descriptor)
        return Cursor(self._length, status.st_size, str(status.st_ino))

    def _mend(self) -> None:
        """Cut off what a crash left beyond what is certain: it will come again."""
        path, certain = Path(self._path), self._store.find_cursor(self._length)
        if certain is None or not path.exists():
            return
        with path.open("r+b") as file:
            found = self._cursor(file.fileno())
            if found.mark == certain.mark and found.position > certain.position:
                file.truncate(certain.position)
                os.fsync(file.fileno())
