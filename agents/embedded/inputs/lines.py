"""Cuts a stream of bytes into lines, however it arrives."""

from __future__ import annotations

LONGEST = 8 * 1024 * 1024
"""Bytes; a longer line is cut, so that what never ends cannot fill the memory."""


class Lines:
    """Holds the part of a stream that is not a whole line yet."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._longest = longest

    def feed(self, data: bytes) -> list[bytes]:
        """Whole lines, each with its end. Only a line feed ends one."""
        *whole, rest = data.split(b"\n")
        lines = [line + b"\n" for line in whole]
        if lines:
            lines[0] = self.end() + lines[0]
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size >= self._longest:
            lines.append(self.end())
        return lines

    def end(self) -> bytes:
        """What is left, to be taken as a line; empty where there is nothing."""
        rest = b"".join(self._parts)
        self._parts, self._size = [], 0
        return rest
