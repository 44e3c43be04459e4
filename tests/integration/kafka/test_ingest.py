"""The hop on a real broker: each payload once, whoever dies when; what fails is in the dead topic; time goes on."""

from __future__ import annotations

import asyncio
import logging
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from agents.config import Config
from agents.stream.clients import Consumer, Message, Partition, consumer, partition, position, producer
from agents.stream.ingest import run
from agents.stream.ingest.run import GROUP, RAW, TARGETS, TICK, Ingest
from agents.stream.parcel import packs_in
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from agents.stream.wire import Events, unpack_events, unpack_record
from pipeline.sources.registry import SOURCES
from schemas.base import HOUR, ConfigError
from schemas.event import DeadLetter

T0 = 1_714_521_600_000
WAIT = 60
GIVEN_UP = 13.0
"""Seconds after which brokers have given up a transaction of a second: they look every ten seconds."""


def send(kafka: KafkaSettings, numbers: range, hosts: int = 50) -> None:
    sender = producer(kafka, linger_ms=5)
    for number in numbers:
        fields = {"id": f"e{number}", "kind": "problem", "time": T0 + number, "severity": "major", "check": "ping"}
        host = f"h{number % hosts}"
        value = orjson.dumps(fields | {"resource": host})
        sender.send(kafka.topic(f"{RAW}native"), value, host.encode(), timestamp_ms=T0 + number)
    sender.flush()
    sender.close()


def packs_of(message: Message) -> list[Events]:
    return [unpack_events(pack) for pack in packs_in(message.value or b"")]


class Reader:
    """What of a topic is committed."""

    def __init__(self, kafka: KafkaSettings, topic: str, partitions: int) -> None:
        self._consumer: Consumer = consumer(kafka, max_poll_records=5000)
        self._consumer.assign([partition(kafka.topic(topic), n) for n in range(partitions)])
        self.messages: list[Message] = []
        self._counted = self._count = 0

    def read(self) -> None:
        self.messages += [one for some in self._consumer.poll(200).values() for one in some]

    def packs(self) -> list[Events]:
        return [pack for message in self.messages for pack in packs_of(message)]

    def ids(self) -> Counter[str]:
        return Counter(event.id for pack in self.packs() for event in pack.events)

    def until(self, count: int) -> None:
        """Read until so many events are there, and what comes within the moment after."""
        end = time.monotonic() + WAIT
        while self.count() < count and time.monotonic() < end:
            self.read()
        self.read()

    def until_messages(self, count: int) -> None:
        """Read until so many messages are there."""
        end = time.monotonic() + WAIT
        while len(self.messages) < count and time.monotonic() < end:
            self.read()

    def count(self) -> int:
        """Events so far."""
        for message in self.messages[self._counted :]:
            self._count += sum(len(pack.events) for pack in packs_of(message))
        self._counted = len(self.messages)
        return self._count

    def close(self) -> None:
        self._consumer.close()


def odd(ids: Counter[str], count: int) -> dict[str, int]:
    """Those of the events up to a number that are not there, or more than once, and all others; how often they are."""
    wanted = {f"e{number}" for number in range(count)}
    return {one: ids[one] for one in wanted | ids.keys() if ids[one] != (one in wanted)}


@contextmanager
def reading(kafka: KafkaSettings, topic: str, partitions: int) -> Iterator[Reader]:
    reader = Reader(kafka, topic, partitions)
    yield reader
    reader.close()


@contextmanager
def running(kafka: KafkaSettings, name: str) -> Iterator[Ingest]:
    """An ingest in a thread."""
    stop, work = threading.Event(), Ingest(Config(kafka=kafka), name)
    thread = threading.Thread(target=work.run, args=(stop,))
    thread.start()
    try:
        yield work
    finally:
        stop.set()
        thread.join(WAIT)


@contextmanager
def child(kafka: KafkaSettings, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """An ingest as a process."""
    command = [sys.executable, "-m", "tests.integration.kafka.ingest_child", kafka.model_dump_json(), name]
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.kill()


def test_payloads_become_packs_and_what_fails_is_in_the_dead_topic(kafka: KafkaSettings) -> None:
    send(kafka, range(300))
    sender = producer(kafka)
    at = sender.send(kafka.topic(f"{RAW}zabbix"), b"{broken", partition=2).get(WAIT)
    sender.close()
    with reading(kafka, "events", 4) as events, reading(kafka, "dead", 1) as dead, running(kafka, "w1") as work:
        events.until(300)
        dead.until_messages(1)
        assert odd(events.ids(), 300) == {}
        assert sum(bool(pack.events) for pack in events.packs()) < 300
        (letter,) = [unpack_record(DeadLetter, message.value or b"") for message in dead.messages]
        assert (letter.reason, letter.coordinates) == ("not-json", f"raw.zabbix/2@{at.offset}")
        assert letter.raw.payload == b"{broken"
        assert dead.messages[0].key == letter.id.encode()
    assert work.given_up == 0


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_payloads_are_read_whatever_their_producer_compresses_with(kafka: KafkaSettings, codec: str) -> None:
    async def send_compressed() -> None:
        sender = AIOKafkaProducer(
            bootstrap_servers=list(kafka.bootstrap_servers), compression_type=codec, linger_ms=50, acks="all"
        )
        async with sender:
            for number in range(100):
                fields = {"id": f"e{number}", "kind": "problem", "time": T0 + number, "severity": "major"}
                value = orjson.dumps(fields | {"check": "ping", "resource": "h1"})
                await sender.send(kafka.topic(f"{RAW}native"), value, headers=[("origin", None)])

    asyncio.run(send_compressed())
    with reading(kafka, "events", 4) as events, running(kafka, "w1") as work:
        events.until(100)
        assert odd(events.ids(), 100) == {}
    assert work.given_up == 0


@pytest.mark.kill
def test_each_payload_is_there_once_however_often_an_ingest_is_killed(kafka: KafkaSettings) -> None:
    chance, count = random.Random(7), 30_000
    sending = threading.Thread(target=send, args=(kafka, range(count)))
    with reading(kafka, "events", 4) as events:
        sending.start()
        for _ in range(5):
            with child(kafka, "w1"):
                time.sleep(1.5 + chance.random() * 2)
        with running(kafka, "w1"):
            sending.join()
            events.until(count)
        assert odd(events.ids(), count) == {}
    check_offsets(kafka, count)


def check_offsets(kafka: KafkaSettings, count: int) -> None:
    """Everything counts as read."""
    group = consumer(kafka, group_id=kafka.prefix + GROUP)
    partitions = [partition(kafka.topic(f"{RAW}native"), n) for n in range(4)]
    assert sum(group.committed(one) or 0 for one in partitions) == count
    group.close()


def test_workers_that_come_and_go_lose_and_repeat_nothing(kafka: KafkaSettings) -> None:
    count = 20_000
    sending = threading.Thread(target=send, args=(kafka, range(count)))
    with reading(kafka, "events", 4) as events, running(kafka, "w1") as first:
        sending.start()
        with running(kafka, "w2"):
            events.until(count // 4)
        with running(kafka, "w3") as third:
            events.until(count)
            assert first.hop.decoded + third.hop.decoded > 0
        sending.join()
        events.until(count)
        assert odd(events.ids(), count) == {}


class Overtaken(Ingest):
    """An ingest that misses a generation of its group: whoever has its partitions in between reads 400 messages."""

    def _revoked(self, revoked: Sequence[Partition]) -> None:
        super()._revoked(revoked)
        if self.hop.decoded:
            send(self.settings, range(10, 410))
            asking = consumer(self.settings)
            there = asking.end_offsets(sorted(revoked))
            asking.close()
            other = producer(self.settings, transactional_id=f"{self.settings.prefix}other")
            other.init_transactions()
            other.begin_transaction()
            other.send_offsets_to_transaction({tp: position(end) for tp, end in there.items()}, self._group)
            other.commit_transaction()
            other.close()


def test_what_others_read_while_a_worker_missed_a_generation_is_not_read_again(kafka: KafkaSettings) -> None:
    work = Overtaken(Config(kafka=kafka), "w1")
    work.subscribe()
    send(kafka, range(10))
    while work.hop.decoded < 10:
        work.step()
    stop = threading.Event()
    with reading(kafka, "events", 4) as events, running(kafka, "w2") as second:
        while not second.ready:
            work.step()
        send(kafka, range(410, 500))
        thread = threading.Thread(target=work.run, args=(stop,))
        thread.start()
        events.until(100)
        stop.set()
        thread.join(WAIT)
        assert events.ids() == Counter(f"e{number}" for number in (*range(10), *range(410, 500)))


def test_a_transaction_that_brokers_gave_up_while_it_was_written_is_written_again(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when they were away for longer than they wait for its end, after the offsets and before the packs."""
    monkeypatch.setattr(run, "TRANSACTION_TIMEOUT", 1000)
    monkeypatch.setattr(run, "producer", lambda *given, **more: producer(*given, **more, linger_ms=60_000))
    work, count, slow = Ingest(Config(kafka=kafka), "w1"), 300, threading.Event()
    made = work._producer
    offsets_sent = made.send_offsets_to_transaction

    def send_offsets(*given: Any) -> None:
        offsets_sent(*given)
        if not slow.is_set():
            slow.set()
            time.sleep(GIVEN_UP)

    monkeypatch.setattr(made, "send_offsets_to_transaction", send_offsets)
    send(kafka, range(count))
    stop = threading.Event()
    thread = threading.Thread(target=work.run, args=(stop,), daemon=True)
    with reading(kafka, "events", 4) as events:
        thread.start()
        events.until(count)
        stop.set()
        thread.join(WAIT)
        assert not thread.is_alive()
        events.read()
        assert odd(events.ids(), count) == {}
    assert work.given_up == 1
    check_offsets(kafka, count)


def test_an_alert_stays_in_one_partition_in_the_order_of_its_raw_partition(kafka: KafkaSettings) -> None:
    send(kafka, range(2000), hosts=20)
    with reading(kafka, "events", 4) as events, running(kafka, "w1"):
        events.until(2000)
    places: dict[str, set[int]] = {}
    order: dict[str, list[int]] = {}
    for message in events.messages:
        for event in (event for pack in packs_of(message) for event in pack.events):
            places.setdefault(event.resource, set()).add(message.partition)
            order.setdefault(event.resource, []).append(event.time)
    assert {len(found) for found in places.values()} == {1}
    assert all(times == sorted(times) for times in order.values())
    assert len({number for found in places.values() for number in found}) > 1


@pytest.mark.parametrize("shares", [(0, 1, 2, 3), (0, 1, 2, 3, 3, 3, 3, 3)], ids=["equal", "unequal"])
def test_hours_that_wait_in_several_partitions_are_read_side_by_side(
    kafka: KafkaSettings, shares: tuple[int, ...]
) -> None:
    count, day = 64_000, 72 * HOUR
    sender = producer(kafka, linger_ms=5)
    for number in range(count):
        at = T0 + number * day // count
        fields = {"id": f"e{number}", "kind": "problem", "time": at, "severity": "major", "check": "ping"}
        value = orjson.dumps(fields | {"resource": f"h{number % 50}"})
        place = shares[number % len(shares)]
        sender.send(kafka.topic(f"{RAW}native"), value, partition=place, timestamp_ms=at)
    sender.close()
    with reading(kafka, "events", 4) as events, running(kafka, "w1"):
        events.until(count)
        assert odd(events.ids(), count) == {}
    apart = max(how_far_apart(events, target) for target in range(4))
    assert apart < day / 2, f"{apart / HOUR:.1f} hours"


def how_far_apart(events: Reader, target: int) -> int:
    """The most that raw partitions are apart for the reader of a partition."""
    apart, highs = 0, {f"raw.native/{n}": T0 for n in range(4)}
    for message in events.messages:
        if message.partition == target:
            for pack in (pack for pack in packs_of(message) if pack.origin in highs):
                highs[pack.origin] = max(highs[pack.origin], pack.high)
            apart = max(apart, max(highs.values()) - min(highs.values()))
    return apart


def test_where_nothing_comes_time_goes_on_by_the_clock(kafka: KafkaSettings) -> None:
    live = kafka.model_copy(update={"ingest": IngestSettings(clock=True)})
    began = time.time_ns() // 1_000_000
    with reading(live, "events", 4) as events, running(live, "w1"):
        told: set[tuple[str, int]] = set()
        end = time.monotonic() + WAIT
        while len(told) < 4 * 4 * len(SOURCES) and time.monotonic() < end:
            events.read()
            # others only name their partition
            told = {(tick.origin, at) for pack, at in places(events) for tick in pack.ticks if tick.high}
    assert {origin for origin, _ in told} == {f"{RAW}{source}/{n}" for source in SOURCES for n in range(4)}
    assert all(tick.high >= began for pack in events.packs() for tick in pack.ticks if tick.high)
    assert not events.ids()


def test_what_has_nothing_to_come_is_told_before_the_next_round(kafka: KafkaSettings) -> None:
    """Readers wait for all partitions: not for a second, as it was not known which are ours in the first round."""
    clock = iter(range(T0, T0 + TICK))
    work = Ingest(Config(kafka=kafka), "w1", now=lambda: next(clock) if work.ready else T0)
    work.subscribe()
    to_tell = {(f"{RAW}{source}/{n}", target) for source in SOURCES for n in range(4) for target in range(4)}
    with reading(kafka, "events", 4) as events:
        told: set[tuple[str, int]] = set()
        while not to_tell <= told:
            work.step()
            events.read()
            told = {(tick.origin, at) for pack, at in places(events) for tick in pack.ticks if tick.rests}
    work.close()


def places(events: Reader) -> Iterator[tuple[Events, int]]:
    """Packs, and the partition of each."""
    return ((pack, one.partition) for one in events.messages for pack in packs_of(one))


def test_an_ingest_has_partitions_in_the_first_round(kafka: KafkaSettings, caplog: pytest.LogCaptureFixture) -> None:
    """There is no second round, before which a namesake could take its place and get none."""
    caplog.set_level(logging.INFO)
    work = Ingest(Config(kafka=kafka), "w1")
    work.subscribe()
    step_for(work, 2)
    work.close()
    said = [record.getMessage() for record in caplog.records if record.name == run.__name__]
    assert said == [f"ingest w1 has {4 * len(SOURCES)} partitions"]


def test_a_topic_that_is_missing_is_named(settings: KafkaSettings) -> None:
    create(settings, [one for one in wanted(settings, SOURCES) if not one.name.endswith(TARGETS[2])])
    with pytest.raises(ConfigError, match=rf"has no topic {settings.topic('dead')}; `tocsin topics create`"):
        Ingest(Config(kafka=settings), "w1")


def test_a_namesake_takes_the_place_of_the_first_who_says_why_it_ends(kafka: KafkaSettings) -> None:
    first = Ingest(Config(kafka=kafka), "w1")
    first.subscribe()
    while not first.ready:
        first.step()
    with reading(kafka, "events", 4) as events:
        with running(kafka, "w1"):
            send(kafka, range(100))
            with pytest.raises(ConfigError, match="another ingest is named 'w1'"):
                step_for(first, WAIT)
            events.until(100)
        assert odd(events.ids(), 100) == {}
    first.close()


def step_for(work: Ingest, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        work.step()
