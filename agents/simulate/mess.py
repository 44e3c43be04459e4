"""What is wrong with the telling itself: clocks, names, deliveries, broken payloads, and an inventory with gaps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import NamedTuple

import orjson

from agents.simulate.datacentre import Centre
from schemas.base import DAY, MINUTE, SECOND
from schemas.event import RawRecord
from schemas.reference import RelationKind

MONITORS = ("alertmanager", "cloudevents", "nagios", "zabbix")
"""Those that tell of faults; each has one clock for all that it watches."""


class Wrong(NamedTuple):
    """Which monitors have a wrong clock. `offset` and `drift` (in a day) are in milliseconds; positive is ahead."""

    off: str
    offset: int
    drifting: str
    drift: int
    jittery: str


class Clocks:
    """Three of the monitors have a wrong clock: one steadily, one that drifts all day, one from message to message."""

    def __init__(self, random: Random, begin: int) -> None:
        self._random, self._begin = random, begin
        off, drifting, jittery, _ = random.sample(MONITORS, 4)
        offset = random.choice((-1, -1, 1)) * random.randrange(90, 240) * SECOND
        drift = random.choice((-1, 1)) * random.randrange(60, 180) * SECOND
        self.wrong = Wrong(off, offset, drifting, drift, jittery)

    def error(self, source: str, at: int) -> int:
        """How far ahead of the truth the clock of a monitor is at a time, in milliseconds."""
        wrong = self.wrong
        if source == wrong.off:
            return wrong.offset
        if source == wrong.drifting:
            return wrong.drift * (at - self._begin) // DAY
        if source == wrong.jittery:
            return self._random.randrange(-20 * SECOND, 20 * SECOND)
        return 0


STYLES: dict[str, tuple[str, ...]] = {
    "alertmanager": ("short", "full", "address"),
    "cloudevents": ("short", "full"),
    "nagios": ("full", "full", "short", "address"),
    "syslog": ("short", "full"),
    "zabbix": ("short", "short", "full", "upper"),
}


Naming = Callable[[str, str], str]
"""A function of monitor and item to the style of name that this monitor has for it, always the same."""


def naming(seed: int) -> Naming:
    """How each monitor names each item."""

    @cache
    def style(source: str, item: str) -> str:
        return Random(f"{seed} {source} {item}").choice(STYLES.get(source, ("short",)))

    return style


def declared(centre: Centre, style: Naming, random: Random) -> Centre:
    """What the inventory knows of a data centre: some relations, names and addresses were never entered.

    What runs where is complete, for the platform itself tells it; people entered the rest. The address of what a
    monitor calls by nothing else is there: nobody could know what is meant without it.
    """
    relations = tuple(r for r in centre.relations if r.kind is RelationKind.RUNS_ON or random.random() > 0.03)
    items = dict(centre.items)
    for identity, item in centre.items.items():
        lacks, needed = random.random(), any(style(source, identity) == "address" for source in MONITORS)
        if lacks < 0.1:
            items[identity] = item.model_copy(update={"aliases": ()})
        elif lacks < 0.15 and not needed:
            items[identity] = item.model_copy(update={"addresses": ()})
    return Centre(items, relations)


def delay(random: Random) -> int:
    """How long a delivery takes, in milliseconds: seconds mostly; some are overtaken, few come beyond any lateness."""
    took = random.randrange(200, 4000)
    luck = random.random()
    if luck < 0.003:
        return took + random.randrange(4 * MINUTE, 30 * MINUTE)
    if luck < 0.03:
        return took + random.randrange(150 * SECOND)
    return took


NEEDED = {
    "alertmanager": "alerts", "cloudevents": "type", "nagios": "NAGIOS_HOSTNAME", "person": "what",
    "snmptrap": "tags", "zabbix": "event_value",
}  # fmt: skip
"""A field without which a payload of a source says nothing."""


def broken(raw: RawRecord, random: Random) -> bytes:
    """A payload spoilt in one of the ways in which they are: nothing can be made of it."""
    way = random.randrange(6)
    half = raw.payload[: len(raw.payload) // 2]
    if way == 0:
        return b"\xff\xfe" + half
    if way == 1:
        return raw.payload.decode().encode("utf-16")
    if way == 2:
        return b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    if way == 3:
        return orjson.dumps(
            {key: value for key, value in orjson.loads(raw.payload).items() if key != NEEDED[raw.source]}
        )
    if way == 4:
        return orjson.dumps(orjson.loads(raw.payload) | {NEEDED[raw.source]: None})
    return half
