"""A topic read once from its beginning to its end, for a person who wants to see what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from agents.stream.clients import Message, broker_there, consumer, partition
from agents.stream.settings import KafkaSettings
from schemas.base import ConfigError


def whole(settings: KafkaSettings, name: str) -> Iterator[Message]:
    """All messages that are there now, in order in each partition. Raises ConfigError where no broker or topic is."""
    topic = settings.topic(name)
    with closing(consumer(settings, max_poll_records=5000)) as reader, broker_there(settings):
        numbers = reader.partitions_for_topic(topic)
        if not numbers:
            raise ConfigError(f"Kafka at {settings.address} has no topic {topic}; `tocsin topics create`")
        partitions = [partition(topic, number) for number in sorted(numbers)]
        reader.assign(partitions)
        ends = reader.end_offsets(partitions)
        while any(reader.position(one) < ends[one] for one in partitions):
            for messages in reader.poll(500).values():
                yield from messages
