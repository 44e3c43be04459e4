"""A file that grows, is truncated, or is replaced by a new one of the same name."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from agents.embedded.inputs.lines import LONGEST, Lines
from agents.embedded.rows import Cursor

CHUNK = 256 * 1024
HEAD = 256
"""So many bytes at its beginning tell a file from another one that has come to the same place on the disk."""


class Tail:
    """Reads what is new in whole lines; its cursor survives restarts, truncation and rotation.

    A file that was renamed while nobody looked is looked for beside the new one, and read to its end first.
    """

    def __init__(self, path: str, cursor: Cursor | None, longest: int = LONGEST) -> None:
        self._path = Path(path)
        self._name = f"file {path}"
        self._file: BinaryIO | None = None
        self._lines = Lines(longest)
        self._longest = longest
        self._position = 0
        self._head = b""
        if cursor is not None:
            self._resume(cursor)

    def read(self) -> list[bytes]:
        """The next lines with their ends; empty where there is nothing new now. Raises OSError."""
        if self._file is None and not self._open(self._path):
            return []
        lines = self._more()
        if lines:
            return lines
        if self._begun_anew():
            return self._more()
        if not self._replaced():
            return []
        lines = self._more()  # the writer may have gone on in the old one until the moment of the rename
        if lines:
            return lines
        last = self._lines.end()
        self._leave()
        return [last + b"\n"] if last else self.read()

    def cursor(self) -> Cursor:
        """The place behind the lines that `read` gave so far."""
        inode = 0 if self._file is None else _inode(self._file)
        return Cursor(self._name, self._position, f"{inode} {len(self._head)} {_digest(self._head)}")

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # -- where it is -----------------------------------------------------------------------------------------------

    def _more(self) -> list[bytes]:
        file = self._file
        if file is None:
            return []
        lines: list[bytes] = []
        while not lines:
            data = file.read(CHUNK)
            if not data:
                break
            if len(self._head) < HEAD:
                self._head = _head(file)
            lines = self._lines.feed(data)
        self._position += sum(map(len, lines))
        return lines

    def _begun_anew(self) -> bool:
        """At the end: whether the file was truncated, or written anew in its place. Then it is read from the start."""
        file = self._file
        if file is None:
            return False
        at = file.tell()
        if file.seek(0, 2) >= at and _head(file).startswith(self._head):
            file.seek(at)
            return False
        file.seek(0)
        self._lines, self._position, self._head = Lines(self._longest), 0, b""
        return True

    def _replaced(self) -> bool:
        """Whether another file has come to its name."""
        try:
            return self._file is not None and self._path.stat().st_ino != _inode(self._file)
        except FileNotFoundError:
            return False  # between the two steps of a rotation, or gone: the new one will come

    def _leave(self) -> None:
        self.close()
        self._position, self._head = 0, b""

    def _open(self, path: Path) -> bool:
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError:
            return False
        return True

    def _resume(self, cursor: Cursor) -> None:
        beside = sorted(self._path.parent.glob(f"{self._path.name}*"))
        for path in (self._path, *beside):
            if self._open(path) and self._is(cursor):
                return
            self.close()
        self._position, self._head = 0, b""

    def _is(self, cursor: Cursor) -> bool:
        """Whether the open file is the one of a cursor; then it is read on from there."""
        file = self._file
        inode, length, digest = [*cursor.mark.split(" "), "", "", ""][:3]
        if file is None or not length.isdigit() or str(_inode(file)) != inode:
            return False
        head = _head(file)[: int(length)]
        if _digest(head) != digest or file.seek(0, 2) < cursor.position:
            return False
        file.seek(cursor.position)
        self._position, self._head = cursor.position, head
        return True


def _inode(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ino


def _head(file: BinaryIO) -> bytes:
    """The first bytes of a file, whose place is left as it was."""
    at = file.tell()
    file.seek(0)
    head = file.read(HEAD)
    file.seek(at)
    return head


def _digest(head: bytes) -> str:
    return blake2b(head, digest_size=8).hexdigest()
