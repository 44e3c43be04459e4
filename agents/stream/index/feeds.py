"""Which topics are indexed, and the documents of one message of each: the same that the embedded host makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from agents.index.documents import Document, document, key_identity
from agents.index.kinds import KINDS
from agents.stream.parcel import packs_in
from agents.stream.wire import event_records, unpack_changes, unpack_record
from pipeline.stages.change import transition_of
from schemas.base import BadRecord

Documents = Callable[[bytes, bytes, int], Iterable[Document]]
"""Key, value and time (milliseconds) of a message to its documents. Raises BadRecord."""


def _events(_key: bytes, value: bytes, _time: int) -> Iterable[Document]:
    kind = KINDS["event"]
    try:
        return [document(kind, record) for pack in packs_in(value) for record in event_records(pack)]
    except (KeyError, TypeError, AttributeError) as error:  # a row that no sender of ours wrote
        raise BadRecord("not-a-pack", f"of events: {error!r}") from error


def _transitions(_key: bytes, value: bytes, _time: int) -> Iterable[Document]:
    kind = KINDS["transition"]
    return [document(kind, _json(transition_of(change))) for change in unpack_changes(value).changes]


def _record(name: str, _key: bytes, value: bytes, _time: int) -> Iterable[Document]:
    kind = KINDS[name]
    return [document(kind, _json(unpack_record(kind.model, value)))]


def _letter(_key: bytes, value: bytes, _time: int) -> Iterable[Document]:
    kind = KINDS["dead"]
    letter = _json(unpack_record(kind.model, value))
    return [document(kind, letter, letter["raw"]["received"])]


def _reference(name: str, key: bytes, value: bytes, time: int) -> Iterable[Document]:
    """Reference data has the time from which it is in force as its version; what was taken away is deleted."""
    kind = KINDS[name]
    if not value:
        gone = key.decode("utf-8", "replace").removeprefix(f"{name}:")
        return [Document(name, key_identity(name, gone), None, None)]
    return [document(kind, _json(unpack_record(kind.model, value)), time)]


def _json(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = record.model_dump(mode="json")
    return found


FEEDS: dict[str, Documents] = {
    "incidents": partial(_record, "incident"),
    "alerts.current": partial(_record, "alert"),
    "placements": partial(_record, "placement"),
    "ledger": partial(_record, "ledger"),
    "dead": _letter,
    "reference.item": partial(_reference, "item"),
    "reference.relation": partial(_reference, "relation"),
    "reference.change": partial(_reference, "change"),
    "incidents.history": partial(_record, "incident-version"),
    "service-levels": partial(_record, "service-level"),
    "audit": partial(_record, "audit"),
    "alerts": _transitions,
    "events": _events,
}
"""Topics in the order in which they are looked at, each for its share. Replies are left out, for the audit trail has
all of them; metrics, for they are not indexed in one process either."""
PACKED = frozenset({"alerts", "events"})
"""Those of which a message holds many documents."""
