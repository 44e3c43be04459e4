"""What leaves a step: which record goes to which topic, under which key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agents.stream.sizes import LARGEST
from pipeline.state import maker
from schemas.alert import Alert, LedgerEntry, Placement
from schemas.base import Record
from schemas.command import AuditEntry, Reply
from schemas.event import DeadLetter
from schemas.incident import Incident, ServiceLevelNotice

EVENTS, METRICS, ALERTS, COMMANDS, DEAD = "events", "metrics", "alerts", "commands", "dead"
ALERT_STATE, SCOPE_STATE, SERIES_STATE = "state.alerts", "state.scopes", "state.series"

ROUTES: dict[type[Record], tuple[str, tuple[str, ...]]] = {
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


SAID = 200
"""Characters of a summary or a note, in an incident that is too large."""


class Out(NamedTuple):
    """One message to send; `topic` without prefix. Its partition follows from the key where it is None."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes


_made = maker(Out)


def outs(records: Sequence[Record]) -> list[Out]:
    """The messages of some records; of one that comes twice in the same version only the last."""
    if len(records) < 2:  # as nearly always
        return all_outs(records) if records else []
    found: dict[tuple[str, bytes, int, int], Out] = {}
    for number, record in enumerate(records):
        fields = record.__dict__
        version = fields.get("version", -number)
        spell = fields.get("start", 0)  # one input may move several spells of one alert
        for out in all_outs((record,)):
            found[out.topic, out.key, version, spell] = out
    return list(found.values())


def all_outs(records: Iterable[Record]) -> list[Out]:
    """The messages of records of which none comes twice."""
    found: list[Out] = []
    for record in records:
        field, topics = ROUTES[type(record)]
        key, value = getattr(record, field).encode(), record.to_json()
        if len(value) > LARGEST and isinstance(record, Incident):
            value = _cut(record).to_json()
        found += [_made((topic, None, key, value)) for topic in topics]
    return found


def _cut(incident: Incident) -> Incident:
    """An incident that is too large for a message: with less said of it, and in the end with fewer members.

    `alerts` and `active` still count all of them, and each is in the topics of alerts and placements.
    """
    few = incident.model_copy(
        update={
            "members": tuple(one.model_copy(update={"summary": one.summary[:SAID]}) for one in incident.members),
            "notes": tuple(note[:SAID] for note in incident.notes),
        }
    )
    for name in ("members", "candidates", "items", "notes", "services", "merged_from", "changes", "runbooks"):
        while (size := len(few.to_json())) > LARGEST and (all_of_them := getattr(few, name)):
            few = few.model_copy(update={name: all_of_them[: int(len(all_of_them) * min(0.9, LARGEST / size))]})
    return few
