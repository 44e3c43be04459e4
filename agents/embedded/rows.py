"""What the embedded store holds, row by row."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.state import Entry


class Input(NamedTuple):
    """One row of the inbox: kind is raw, command, reference or tick."""

    seq: int
    kind: str
    received: int
    source: str
    origin: str
    payload: bytes


class Cursor(NamedTuple):
    """How far something has been read or told; `mark` tells whether it is still the same thing."""

    name: str
    position: int
    mark: str = ""


class Row(NamedTuple):
    """One record to store: the highest version is kept."""

    kind: str
    id: str
    version: int
    value: bytes


class Step(NamedTuple):
    """One line of history: input, place among its outputs, kind, id, JSON."""

    seq: int
    n: int
    kind: str
    id: str
    value: bytes


class Dead(NamedTuple):
    """One dead letter."""

    id: str
    seq: int
    reason: str
    value: bytes


class Checkpoint(NamedTuple):
    """All that follows from the inputs up to `applied`."""

    applied: int
    state: list[Entry]
    rows: list[Row]
    history: list[Step]
    dead: list[Dead]


class Place(NamedTuple):
    """A place in the history: input, and place among its outputs."""

    seq: int
    n: int


PLACES = 1 << 20
"""More outputs than one input ever has: a place as one number is seq * PLACES + n."""


def as_number(place: Place) -> int:
    """A place in the history as one number."""
    return place.seq * PLACES + place.n


def as_place(number: int) -> Place:
    """The inverse of `as_number`."""
    return Place(*divmod(number, PLACES))
