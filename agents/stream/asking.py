"""How a command line asks the workers on Kafka for something: a command into their topic, and its reply out of another.

See `agents.cli.asking.Channel`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from agents.stream.clients import Consumer, KafkaError, broker_there, consumer, partition, producer
from agents.stream.settings import KafkaSettings
from agents.stream.whole import whole
from agents.stream.wire import pack_record, unpack_record
from schemas.alert import Alert
from schemas.base import ConfigError
from schemas.command import Command, Reply
from schemas.incident import Incident

WAIT = 30
"""Seconds until a reply must have come."""


class KafkaChannel:
    """The workers of a cluster. Raises ConfigError where no broker answers, or nobody replies."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._scope = ""
        """Of what was asked for by name; "" where the tenant has to do."""

    def send(self, command: Command) -> Reply:
        """See `Channel.send`."""
        topic = self._settings.topic("commands")
        with self._replies() as reader, closing(producer(self._settings)) as sender:
            scope = (self._scope or command.tenant).encode()
            try:
                sender.send(topic, pack_record(command), scope).get(WAIT)
            except KafkaError as error:
                raise ConfigError(f"Kafka at {self._settings.address} took nothing for {topic}: {error}") from error
            return self._reply(reader, command)

    @contextmanager
    def _replies(self) -> Iterator[Consumer]:
        """A reader of the replies from now on."""
        topic = self._settings.topic("replies")
        with closing(consumer(self._settings)) as reader, broker_there(self._settings):
            places = [partition(topic, number) for number in sorted(reader.partitions_for_topic(topic) or ())]
            if not places:
                raise ConfigError(f"Kafka at {self._settings.address} has no topic {topic}; `tocsin topics create`")
            reader.assign(places)
            for place, end in reader.end_offsets(places).items():
                reader.seek(place, end)
            yield reader

    def _reply(self, reader: Consumer, command: Command) -> Reply:
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            for messages in reader.poll(200).values():
                for message in messages:
                    if message.key == command.id.encode():
                        return unpack_record(Reply, message.value or b"")
        raise ConfigError(
            f"nobody has replied to the command {command.id} for {WAIT} s; it waits in its topic until workers run"
        )

    def whole(self, incident: str) -> str:
        """See `Channel.whole`."""
        return self._one("incidents", Incident, incident)

    def whole_alert(self, alert: str) -> str:
        """See `Channel.whole_alert`."""
        return self._one("alerts.current", Alert, alert)

    def _one(self, topic: str, kind: type[Alert | Incident], start: str) -> str:
        """The key of the one record that begins like this; its scope is remembered."""
        found = {m.key.decode(): m.value or b"" for m in whole(self._settings, topic) if m.key and m.value}
        names = [name for name in found if name.casefold().startswith(start.casefold())]
        if start in found:
            names = [start]
        if len(names) != 1:
            some = f"{len(names)} begin" if names else "nothing begins"
            raise ConfigError(f"in the topic {self._settings.topic(topic)} {some} with {start!r}")
        self._scope = kind.model_validate_json(found[names[0]]).scope
        return names[0]

    def close(self) -> None:
        """Nothing is held between two questions."""
