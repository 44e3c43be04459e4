"""What leaves a step: which record goes to which topic, under which key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from schemas.alert import Alert, LedgerEntry, Placement
from schemas.command import AuditEntry, Reply
from schemas.event import DeadLetter
from schemas.incident import Incident, ServiceLevelNotice

EVENTS, METRICS, ALERTS, COMMANDS, DEAD = "events", "metrics", "alerts", "commands", "dead"
ALERT_STATE, SCOPE_STATE, SERIES_STATE = "state.alerts", "state.scopes", "state.series"

ROUTES: dict[type[BaseModel], tuple[str, tuple[str, ...]]] = {
    Alert: ("fingerprint", ("alerts.current",)),
    Placement: ("alert", ("placements",)),
    Incident: ("id", ("incidents", "incidents.history")),
    LedgerEntry: ("id", ("ledger",)),
    ServiceLevelNotice: ("incident", ("service-levels",)),
    Reply: ("command", ("replies",)),
    AuditEntry: ("id", ("audit",)),
    DeadLetter: ("id", (DEAD,)),
}
"""Type of a record to the field that is its key and the topics that it goes to. An alert's change goes in packs."""


class Out(NamedTuple):
    """One message to send; `topic` without prefix. Its partition follows from the key where it is None."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes


def outs(records: Sequence[BaseModel]) -> list[Out]:
    """The messages of some records; of one that comes twice in the same version only the last."""
    if len(records) < 2:  # as nearly always
        return [out for record in records for out in _outs(record)]
    found: dict[tuple[str, bytes, int], Out] = {}
    for number, record in enumerate(records):
        version = getattr(record, "version", -number)
        for out in _outs(record):
            found[out.topic, out.key, version] = out
    return list(found.values())


def _outs(record: BaseModel) -> Iterator[Out]:
    field, topics = ROUTES[type(record)]
    key, value = str(getattr(record, field)).encode(), record.__pydantic_serializer__.to_json(record)
    for topic in topics:
        yield Out(topic, None, key, value)
