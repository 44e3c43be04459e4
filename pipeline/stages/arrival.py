"""What the alert step takes: an event, or as much of one as has been checked where it was made, and costs less here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.base import SECOND, Millis
from schemas.event import Event, EventKind, Signal
from schemas.severity import Severity

FOLDED = ("problem", "resolution")
"""Kinds of events that open or end an alert. The others only move the clock, and are counted."""


class Passing(NamedTuple):
    """As much of an event as is needed of one that is not folded."""

    kind: EventKind
    time: Millis
    received: Millis
    source: str
    resource: str


class EventRow(NamedTuple):
    """All of an event, field by field as `schemas.event.Event`, made in a fifth of the time."""

    id: str
    kind: EventKind
    time: Millis
    received: Millis
    source: str
    tenant: str
    resource: str
    component: str
    check: str
    severity: Severity
    signal: Signal
    summary: str
    labels: dict[str, str]
    value: float | None
    unit: str
    ends_at: Millis | None
    clear_key: str | None
    fingerprint: str
    url: str


Arrival = Event | EventRow


class Plain(NamedTuple):
    """The events of one source in a pack that say nothing but that time goes on, all together.

    None of them is folded, was received more than `WITHIN` before or after its own time, or is older by more than that
    than the newest event before it in the pack. `kinds` counts them by kind. `newest` are pairs (N, time): of that time
    was the newest of those since the pair before, when the Nth (from 0) came of the events that are looked at one by
    one. There is a pair before each of these that did not come in time either, and one after all.
    """

    source: str
    kinds: Mapping[str, int]
    oldest: Millis
    newest: Sequence[tuple[int, Millis]]


WITHIN = 10 * SECOND
"""See `Plain`."""
