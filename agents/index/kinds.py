"""Every kind of document: what record it holds, by which fields, where it is written, and what is its id."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from agents.index import fields
from schemas.alert import Alert, AlertTransition, LedgerEntry, Placement
from schemas.base import Record
from schemas.command import AuditEntry
from schemas.event import DeadLetter, Event
from schemas.incident import Incident, Member, ServiceLevelNotice
from schemas.reference import Change, ConfigurationItem, Relation


class Keeps(Enum):
    """What is kept of a record."""

    ALL = "history: every one, written once, in a data stream"
    LAST = "current state: the highest version, in an index behind an alias"


class Kind(NamedTuple):
    """One kind of document; `target` is the name behind the prefix."""

    name: str
    target: str
    keeps: Keeps
    model: type[Record]
    fields: Mapping[str, str]


def _all(name: str, target: str, model: type[Record], table: Mapping[str, str]) -> Kind:
    return Kind(name, target, Keeps.ALL, model, table)


def _last(name: str, target: str, model: type[Record], table: Mapping[str, str]) -> Kind:
    return Kind(name, target, Keeps.LAST, model, table)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _all("event", "events", Event, fields.EVENT),
        _all("transition", "transitions", AlertTransition, fields.TRANSITION),
        _all("incident-version", "incident-history", Incident, fields.VERSION),
        _all("service-level", "service-levels", ServiceLevelNotice, fields.SERVICE_LEVEL),
        _all("audit", "audit", AuditEntry, fields.AUDIT),
        _last("alert", "alerts", Alert, fields.ALERT),
        _last("placement", "placements", Placement, fields.PLACEMENT),
        _last("incident", "incidents", Incident, fields.INCIDENT),
        _last("member", "members", Member, fields.MEMBER),
        _last("ledger", "ledger", LedgerEntry, fields.LEDGER),
        _last("dead", "dead", DeadLetter, fields.DEAD),
        _last("item", "items", ConfigurationItem, fields.ITEM),
        _last("relation", "relations", Relation, fields.RELATION),
        _last("change", "changes", Change, fields.CHANGE),
    )
}
"""A reply to a command is not among them: the audit trail has all of it."""
