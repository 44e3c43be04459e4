"""What leaves a step: which record goes to which topic, under which key."""

from __future__ import annotations

from collections.abc import Iterable
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


def outs(records: Iterable[BaseModel]) -> list[Out]:
    """The messages of some records; of one that comes twice in the same version only the last."""
    found: dict[tuple[str, bytes, int], Out] = {}
    for number, record in enumerate(records):
        field, topics = ROUTES[type(record)]
        key, value = str(getattr(record, field)).encode(), record.model_dump_json().encode()
        version = getattr(record, "version", -number)
        for topic in topics:
            found[topic, key, version] = Out(topic, None, key, value)
    return list(found.values())
