"""Cuts a TCP stream of syslog into messages: counted octets or a message a line, as each message has it (RFC 6587)."""

from __future__ import annotations

from agents.embedded.inputs.lines import LONGEST

DIGITS = frozenset(b"0123456789")
MOST_DIGITS = 8


class Frames:
    """Holds the part of a stream that is not a whole message yet. A message that is too long is cut."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._rest = b""
        self._longest = longest

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now, without their framing."""
        data = self._rest + data
        found: list[bytes] = []
        at = 0
        while (end := self._next(data, at, found)) > at:
            at = end
        self._rest = data[at:]
        return found

    def end(self) -> bytes:
        """What is left when the stream ends; empty where there is nothing."""
        rest, self._rest = self._rest, b""
        return rest.rstrip(b"\r\n\0")

    def _next(self, data: bytes, at: int, found: list[bytes]) -> int:
        """Take one message that begins at `at`; where it ends, or `at` where it is not whole yet."""
        start = self._counted(data, at)
        if start is None:
            return at
        if start > at:
            size = min(int(data[at : start - 1]), self._longest)
            if len(data) - start < size:
                return at
            found.append(data[start : start + size])
            return start + size
        line_end = data.find(b"\n", at)
        if line_end < 0:
            if len(data) - at < self._longest:
                return at
            line_end = at + self._longest
        message = data[at:line_end].rstrip(b"\r\0")
        if message:
            found.append(message)
        return line_end + 1 if data[line_end : line_end + 1] == b"\n" else line_end

    @staticmethod
    def _counted(data: bytes, at: int) -> int | None:
        """Where a counted message begins; `at` where it is not counted; None where that can't be told yet."""
        if data[at : at + 1] in (b"", b"0") or data[at] not in DIGITS:
            return at
        for place in range(at + 1, at + 2 + MOST_DIGITS):
            if place >= len(data):
                return None
            if data[place : place + 1] == b" ":
                return place + 1
            if data[place] not in DIGITS:
                return at
        return at
