"""The checkpoint log of one partition: records in a Kafka topic from which its state can be put together again.

A record holds the entries that changed since the one before it, and a part of all others written anew, so that after
some time all that is older can go: `base` is the oldest record that is needed. It names the record it follows, for two
processes may believe for a moment that a partition is theirs; whoever took over later, from the same record, counts.
A record that is too large for one message comes in several, and counts once all are there.

A message begins with a line of JSON that says what it is. What follows is a piece of the record, whose pieces together
are text: a line with what is still to be sent; then, for some entries of one table at a time, a line [table, keys] and
for each key a line with its value, or an empty one where the entry is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from agents.stream.worker.outputs import Out
from pipeline.state import Entry
from schemas.base import ConfigError

VERSION = 3
"""What is written. Understood as well: 2, where each entry had a line [table, key] of its own, and 1, where also no
piece was cut within a line and each head had the outbox."""
MOST_BYTES = 500_000
"""Of a record in one message."""


class Mark(NamedTuple):
    """Name of a record, and its place among all: `epoch` grows with each new owner, `number` with each record.

    `generation` is that of the consumer group; it decides between two that took over from the same record.
    """

    epoch: int
    generation: int
    number: int


class Checkpoint(NamedTuple):
    """One record. `applied` are the offsets of the last message of each input topic that it includes.

    `outbox` has not been sent when the record is written: whoever restores it sends it (again). Records numbered below
    `keep` may be deleted.
    """

    mark: Mark
    previous: Mark | None
    base: int
    keep: int
    applied: Mapping[str, int]
    entries: Sequence[Entry]
    outbox: Sequence[Out] = ()


class Message(NamedTuple):
    """A part of a record, as it goes into the topic."""

    key: bytes
    value: bytes


def pack(partition: int, checkpoint: Checkpoint) -> list[Message]:
    """The messages of a checkpoint; nobody counts it before the last of them is there."""
    body = b"\n".join(_lines(checkpoint))
    bodies = [body[at : at + MOST_BYTES] for at in range(0, len(body), MOST_BYTES)]
    head = {
        "v": VERSION,
        "mark": checkpoint.mark,
        "previous": checkpoint.previous,
        "base": checkpoint.base,
        "keep": checkpoint.keep,
        "applied": checkpoint.applied,
        "parts": len(bodies),
    }
    name = f"{partition}/" + "/".join(map(str, checkpoint.mark))
    return [
        Message(f"{name}/{part}".encode(), orjson.dumps({**head, "part": part}, tuple) + b"\n" + body)
        for part, body in enumerate(bodies)
    ]


def _lines(checkpoint: Checkpoint) -> list[bytes]:
    outbox = [[out.topic, out.partition, out.key.decode(), out.value.decode()] for out in checkpoint.outbox]
    lines = [orjson.dumps(outbox)]
    for table, entries in groupby(checkpoint.entries, itemgetter(0)):
        _, keys, values = zip(*entries, strict=True)
        lines.append(orjson.dumps((table, keys)))
        lines += [value or b"" for value in values]
    return lines


class _Part(NamedTuple):
    head: dict[str, Any]
    body: bytes
    offset: int


class Log:
    """The messages of one partition's topic, as they are read back. It drops what is no longer needed."""

    def __init__(self) -> None:
        self._parts: dict[Mark, dict[int, _Part]] = {}
        self._newest: Mark | None = None

    def add(self, value: bytes, offset: int) -> None:
        """Take in one message. Raises ConfigError for one of a version that is not known."""
        line, _, body = value.partition(b"\n")
        head = orjson.loads(line)
        if head["v"] not in range(1, VERSION + 1):
            raise ConfigError(f"the checkpoint log has records of version {head['v']}; this worker knows {VERSION}")
        mark = Mark(*head["mark"])
        parts = self._parts.setdefault(mark, {})
        parts[head["part"]] = _Part(head, body, offset)
        if len(parts) == head["parts"] and (self._newest is None or mark > self._newest):
            self._newest = mark
            for other in [one for one in self._parts if one.number < head["keep"]]:
                del self._parts[other]

    def restore(self) -> Restored | None:
        """The state of the newest record whose predecessors are there; None where there is none.

        Raises ConfigError where there are records, and none can be restored.
        """
        complete = self._complete()
        for mark in complete:
            chain = self._chain(mark)
            if chain is not None:
                return self._restored(mark, chain)
        if complete:
            raise ConfigError("the checkpoint log has lost records that the newest ones build on")
        return None

    @property
    def whole(self) -> bool:
        """Whether the newest record can be restored. If not, something was left out in between, or is on its way."""
        complete = self._complete()
        return bool(complete) and self._chain(complete[0]) is not None

    def _complete(self) -> list[Mark]:
        """Records of which all parts are there, newest first."""
        some = [mark for mark, parts in self._parts.items() if len(parts) == parts[min(parts)].head["parts"]]
        return sorted(some, reverse=True)

    def _chain(self, mark: Mark) -> list[Mark] | None:
        """The record and those it builds on, oldest first; None where one is missing."""
        base = self._head(mark)["base"]
        chain = [mark]
        while chain[-1].number > base:
            previous = self._head(chain[-1])["previous"]
            found = None if previous is None else Mark(*previous)
            if found is None or found not in self._parts or len(self._parts[found]) != self._head(found)["parts"]:
                return None
            chain.append(found)
        return chain[::-1]

    def _head(self, mark: Mark) -> dict[str, Any]:
        parts = self._parts[mark]
        return parts[min(parts)].head

    def _restored(self, mark: Mark, chain: list[Mark]) -> Restored:
        head = self._head(mark)
        outbox: list[Out] = []
        newest: dict[tuple[str, str], bytes] = {}
        for one in chain:
            outbox, found = _read(self._parts[one])
            newest.update(found)
        entries = [Entry(table, key, value) for (table, key), value in newest.items() if value]
        offsets = {one.number: min(part.offset for part in self._parts[one].values()) for one in chain}
        return Restored(Checkpoint(mark, None, head["base"], head["keep"], head["applied"], entries, outbox), offsets)


class Restored(NamedTuple):
    """A whole state as one checkpoint; and the offset of the first message of each record, by number."""

    checkpoint: Checkpoint
    offsets: dict[int, int]


def _read(parts: Mapping[int, _Part]) -> tuple[list[Out], Iterator[tuple[tuple[str, str], bytes]]]:
    """What the pieces of a record say is still to be sent, and its entries."""
    bodies = [part.body for _, part in sorted(parts.items())]
    head = next(iter(parts.values())).head
    if head["v"] == 1:
        outbox, lines = head["outbox"], b"\n".join(filter(None, bodies)).split(b"\n")
    else:
        first, *lines = b"".join(bodies).split(b"\n")
        outbox = orjson.loads(first)
    outs = [Out(topic, partition, key.encode(), value.encode()) for topic, partition, key, value in outbox]
    return outs, _entries(lines) if head["v"] == VERSION else _single_entries(lines)


def _entries(lines: Sequence[bytes]) -> Iterator[tuple[tuple[str, str], bytes]]:
    at = 0
    while at < len(lines):
        table, keys = orjson.loads(lines[at])
        begin, at = at + 1, at + 1 + len(keys)
        for key, value in zip(keys, lines[begin:at], strict=True):
            yield (table, key), value


def _single_entries(lines: Sequence[bytes]) -> Iterator[tuple[tuple[str, str], bytes]]:
    for at in range(0, len(lines) - 1, 2):
        table, key = orjson.loads(lines[at])
        yield (table, key), lines[at + 1]
