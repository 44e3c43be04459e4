"""What the alert step takes: an event, or as much of one as has been checked where it was made, and costs less here."""

from __future__ import annotations

from typing import NamedTuple

from schemas.base import Millis
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
