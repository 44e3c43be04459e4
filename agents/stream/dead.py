"""The dead letters on Kafka: read from their topic, and sent again as raw payloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TypeVar

from pydantic import BaseModel

from agents.stream.clients import KafkaError, producer
from agents.stream.ingest.hop import ORIGIN
from agents.stream.ingest.run import RAW
from agents.stream.settings import KafkaSettings
from agents.stream.whole import whole
from agents.stream.wire import unpack_record
from schemas.base import ConfigError
from schemas.event import DeadLetter, RawRecord

R = TypeVar("R", bound=BaseModel)
TOPIC = "dead"
WAIT = 20
"""Seconds that a message may take on its way."""


class DeadTopic:
    """A desk (see `agents.cli.desk`) that holds dead letters alone."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    def all(self, model: type[R]) -> Iterator[R]:
        """All dead letters, each once, in the order of the topic. Raises ConfigError where no broker or topic is."""
        seen: set[str] = set()
        for letter in self._letters():
            if letter.id not in seen and isinstance(letter, model):
                seen.add(letter.id)
                yield letter

    def get(self, model: type[R], name: str) -> R | None:
        """One dead letter by its whole id."""
        return next((one for one in self.all(model) if isinstance(one, DeadLetter) and one.id == name), None)

    def counters(self) -> Mapping[str, int]:
        """Nothing is counted here."""
        return {}

    def _letters(self) -> Iterator[DeadLetter]:
        return (unpack_record(DeadLetter, message.value or b"") for message in whole(self._settings, TOPIC))

    def replay(self, raw: RawRecord) -> None:
        """Send a payload again to the topic of its source; it is there once this returns. Raises ConfigError."""
        topic = self._settings.topic(RAW + raw.source)
        headers = [(ORIGIN, raw.origin.encode())] if raw.origin else []
        with closing(producer(self._settings)) as sender:
            try:
                sender.send(topic, raw.payload, headers=headers, timestamp_ms=raw.received).get(WAIT)
            except KafkaError as error:
                raise ConfigError(f"Kafka at {self._settings.address} took nothing for {topic}: {error}") from error
