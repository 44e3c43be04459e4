"""What is read at once: documents of many topics, the newest of each, and how far each partition is read with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from agents.index.bulk import Refusal
from agents.index.documents import Document
from agents.index.kinds import KINDS, Keeps
from agents.index.refused import letter_of
from agents.stream.index.feeds import FEEDS
from schemas.base import BadRecord
from schemas.event import DeadLetter, RawRecord, content_id

MOST_OF_LETTER = 500_000
"""Bytes of a document that a dead letter keeps: a message of Kafka takes a megabyte, and this in Base64."""


class Place(NamedTuple):
    """Where a message is, and its time in milliseconds."""

    topic: str
    partition: int
    offset: int
    time: int

    @property
    def coordinates(self) -> str:
        """As dead letters have them."""
        return f"{self.topic}/{self.partition}@{self.offset}"


class Round:
    """Some messages. `epoch` is the assignment of partitions in which they were read."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.positions: dict[Any, int] = {}
        """Partitions as the client names them, each with the offset after the last message of it."""
        self.messages = self.size = 0
        """`size` in bytes of documents."""
        self.letters: list[DeadLetter] = []
        self.doubtful = False
        """Whether some of it may have been written before."""
        self._documents: dict[tuple[str, str], tuple[Document, Place]] = {}

    def __len__(self) -> int:
        """Documents."""
        return len(self._documents)

    @property
    def documents(self) -> list[Document]:
        """What is to be written."""
        return [one for one, _ in self._documents.values()]

    def take(self, topic: str, partition: Any, messages: Sequence[Any]) -> None:
        """Add messages of one partition of a topic, which is named without prefix; never raises for what they hold."""
        make = FEEDS[topic]
        for message in messages:
            place = Place(message.topic, message.partition, message.offset, max(message.timestamp, 0))
            try:
                for one in make(message.key or b"", message.value or b"", place.time):
                    self._keep(one, place)
            except BadRecord as error:
                self.letters.append(_not_understood(place, message.value or b"", error))
        self.messages += len(messages)
        self.positions[partition] = messages[-1].offset + 1

    def _keep(self, one: Document, place: Place) -> None:
        """Of what is there more than once the highest version, and of equal ones the last; of a history the first."""
        key = (one.kind, one.id)
        old = self._documents.get(key)
        if old is not None:
            if KINDS[one.kind].keeps is Keeps.ALL or (one.version is not None and (old[0].version or 0) > one.version):
                return
            self.size -= len(old[0].body or b"")
        self._documents[key] = one, place
        self.size += len(one.body or b"")

    def refusals(self, refused: Sequence[Refusal]) -> Iterator[DeadLetter]:
        """The dead letters of what Elasticsearch never takes; one that is a dead letter already is in its topic."""
        for one in refused:
            if one.document.kind != "dead":
                place = self._place(one.document)
                yield letter_of(one, place.time, place.coordinates, MOST_OF_LETTER)

    def _place(self, document: Document) -> Place:
        """Where a document comes from; a member of an incident comes from that."""
        found = self._documents.get((document.kind, document.id))
        if found is not None:
            return found[1]
        incidents = (pair for (kind, _), pair in self._documents.items() if kind == "incident")
        return next(place for incident, place in incidents if document.id.startswith(f"{incident.id}."))


def _not_understood(place: Place, value: bytes, error: BadRecord) -> DeadLetter:
    """As the correlating worker makes it, so that it is the same one."""
    cut = f"; kept are the first {MOST_OF_LETTER} of {len(value)} bytes" if len(value) > MOST_OF_LETTER else ""
    raw = RawRecord(source=place.topic, received=place.time, payload=value[:MOST_OF_LETTER], origin=place.coordinates)
    return DeadLetter(id=content_id(place.coordinates), reason=error.reason, detail=error.detail + cut, raw=raw)
