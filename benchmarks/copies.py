"""The recorded day several times over, side by side, each time of another data centre of the same build."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from typing import NamedTuple

from agents.simulate import Day
from schemas.base import Record
from schemas.event import RawRecord
from schemas.reference import Change, ConfigurationItem, Relation


class Copies(NamedTuple):
    """Payloads in the order of their arrival, and what is known of the items in them."""

    raws: list[RawRecord]
    reference: list[Record]


def copies(day: Day, count: int) -> Copies:
    """`count` times the day; all but the first with other names of items."""
    names = sorted({name for item in day.centre.items.values() for name in (item.id, item.name)}, key=len, reverse=True)
    pattern = re.compile(rb"(?<![\w-])(" + "|".join(map(re.escape, names)).encode() + rb")(?![\w-])")
    raws = list(heapq.merge(*(_renamed(day, n, pattern) for n in range(count)), key=lambda raw: raw.received))
    return Copies(raws, [record for n in range(count) for record in _known(day, n)])


def _renamed(day: Day, number: int, pattern: re.Pattern[bytes]) -> Iterator[RawRecord]:
    mark = f"-{number}".encode() if number else b""
    for line in day.lines:
        raw = line.raw
        if number:
            raw = raw.model_copy(update={"payload": pattern.sub(lambda found: found[1] + mark, raw.payload)})
        yield raw


def _known(day: Day, number: int) -> Iterator[Record]:
    records = (*day.centre.items.values(), *day.centre.relations, *day.changes)
    for record in records:
        yield _other(record, f"-{number}") if number else record


def _other(record: Record, mark: str) -> Record:
    if isinstance(record, ConfigurationItem):
        changed: dict[str, object] = {
            "id": record.id + mark,
            "name": record.name + mark,
            "addresses": (),
            "aliases": (),
        }
    elif isinstance(record, Relation):
        changed = {"source": record.source + mark, "target": record.target + mark}
    elif isinstance(record, Change):
        changed = {"id": record.id + mark, "items": tuple(item + mark for item in record.items)}
    else:
        changed = {}
    return record.model_copy(update=changed)
