"""Packs of several origins in one message: a message costs Kafka and whoever reads it more than dozens of events do.

Each pack is one line of JSON or two (see `agents.stream.wire`), and they follow one another line by line. The first
line of a pack begins with its version; the second one does not have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.stream.sizes import PACK_BYTES

BEGIN = b'{"v":'
NEXT = b"\n" + BEGIN


def together(packs: Iterable[tuple[bytes, int]], most: int) -> Iterator[bytes]:
    """The messages of packs, in order. Each comes with how many events it holds; a message has no more than `most`.

    Nor more bytes than PACK_BYTES, where it has several packs.
    """
    some: list[bytes] = []
    size = count = 0
    for pack, events in packs:
        if some and (count + events > most or size + len(pack) >= PACK_BYTES):
            yield b"\n".join(some)
            some, size, count = [], 0, 0
        some.append(pack)
        size += len(pack) + 1
        count += events
    if some:
        yield b"\n".join(some)


def packs_in(message: bytes) -> list[bytes]:
    """The inverse of `together`, of one message."""
    first, *others = message.split(NEXT)
    return [first, *[BEGIN + one for one in others]]
