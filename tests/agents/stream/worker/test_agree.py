"""In whatever order packs reach the shards, however long they wait to be sent: incidents are those of one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

import orjson
import pytest

from agents.simulate import simulate
from agents.stream import wire
from agents.stream.partition import partition_of
from agents.stream.wire import Arrivals, Events
from agents.stream.worker.alerts import AlertShard
from agents.stream.worker.outputs import Out
from agents.stream.worker.scopes import ScopeShard
from pipeline.flow import Flow
from pipeline.stages.skew import vouched_time
from schemas.incident import Incident
from tests.agents.stream.worker.packs import arrived
from tests.integration.kafka.worker.stage import Play, by_members, play_of

EVENTS = 12_000
PACK = 250
PARTITIONS = 4
ORIGINS = 3
"""Partitions of raw payloads; what is said of a host is in one of them."""


class Given(NamedTuple):
    """A part of a day, its events in messages of several packs by partition, and what one process makes of it."""

    play: Play
    messages: Sequence[Sequence[Sequence[Arrivals]]]
    incidents: dict[Any, Any]


@pytest.fixture(scope="module")
def given() -> Given:
    play = play_of(simulate(1), EVENTS)
    flow = Flow(play.flow)
    for record in play.reference:
        flow.put(record, 0)
    out = [one for event in play.events for one in flow.event(event)]
    out += flow.tick(flow.high + play.flow.time.lateness)
    incidents = {one.id: one.model_dump(mode="json") for one in out if isinstance(one, Incident)}
    return Given(play, packed(play), by_members(incidents))


def packed(play: Play) -> list[list[list[Arrivals]]]:
    """As the hop does it with several partitions of raw payloads, and at last how far they are."""
    messages: list[list[list[Arrivals]]] = [[] for _ in range(PARTITIONS)]
    highs = [0] * ORIGINS
    for at in range(0, len(play.events), PACK * PARTITIONS):
        some: list[list[list[Any]]] = [[[] for _ in range(ORIGINS)] for _ in range(PARTITIONS)]
        for event in play.events[at : at + PACK * PARTITIONS]:
            origin = partition_of(event.resource.encode(), ORIGINS)
            highs[origin] = max(highs[origin], vouched_time(event, play.flow.time.skew))
            some[partition_of(event.fingerprint.encode(), PARTITIONS)][origin].append(event)
        for target, packs in enumerate(some):
            messages[target].append(message(highs, at, packs))
    end = max(highs) + play.flow.time.lateness
    for target in range(PARTITIONS):
        messages[target].append(message([end] * ORIGINS, len(play.events), [[]] * ORIGINS))
    return messages


def message(highs: Sequence[int], sent: int, packs: Sequence[Sequence[Any]]) -> list[Arrivals]:
    """One of a pack of each origin."""
    return [arrived(Events(f"raw.day/{n}", highs[n], sent, events)) for n, events in enumerate(packs)]


class Shards:
    """All of both steps; messages between them wait in one queue a partition, as on Kafka."""

    def __init__(self, given: Given) -> None:
        self.alerts = [AlertShard(given.play.flow, number, PARTITIONS) for number in range(PARTITIONS)]
        self.scopes = [ScopeShard(given.play.flow, number, PARTITIONS) for number in range(PARTITIONS)]
        for shard in self.scopes:
            shard.refer((record, 0) for record in given.play.reference)
        self.events = [deque(some) for some in given.messages]
        self.changes: list[deque[bytes]] = [deque() for _ in range(PARTITIONS)]
        self.incidents: dict[str, dict[str, Any]] = {}

    def fold(self, number: int, most: int) -> None:
        """Some messages of events through the first step."""
        for _ in range(min(most, len(self.events[number]))):
            self.alerts[number].apply(*self.events[number].popleft())

    def send(self, number: int, now: int) -> None:
        for out in self.alerts[number].take(now):
            assert out.partition is not None
            self.changes[out.partition].append(out.value)

    def correlate(self, number: int, most: int, now: int) -> None:
        """Some packs of changes through the second step."""
        for _ in range(min(most, len(self.changes[number]))):
            self.scopes[number].apply(wire.unpack_changes(self.changes[number].popleft()))
        self._said(self.scopes[number].take(now))

    def _said(self, outs: Iterable[Out]) -> None:
        for out in outs:
            if out.topic == "incidents":
                record = orjson.loads(out.value)
                known = self.incidents.get(record["id"])
                if known is None or record["version"] >= known["version"]:
                    self.incidents[record["id"]] = record


@pytest.mark.parametrize("seed", range(3))
def test_the_incidents_are_those_of_one_process(given: Given, seed: int) -> None:
    random, shards, step = Random(seed), Shards(given), 0
    while any(shards.events) or any(shards.changes):
        number, what, step = random.randrange(PARTITIONS), random.random(), step + 1
        if what < 0.5:
            shards.fold(number, random.randrange(1, 8))
        elif what < 0.75:
            shards.send(number, step * 5)
        else:
            shards.correlate(number, random.randrange(1, 8), step * 5)
    for later in range(2):
        for number in range(PARTITIONS):
            shards.send(number, step * 5 + 60_000 * (later + 1))
        for number in range(PARTITIONS):
            shards.correlate(number, 1000, step * 5 + 60_000 * (later + 1))
    assert by_members(shards.incidents) == given.incidents
