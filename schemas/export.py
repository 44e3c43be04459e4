"""The vocabulary as JSON Schema: one document a record, for whoever reads or writes them in another language."""

from __future__ import annotations

import json

from pydantic import BaseModel

from schemas.alert import Alert, AlertTransition, LedgerEntry, Occurrence, Placement
from schemas.command import AuditEntry, Command, Reply
from schemas.event import DeadLetter, Event, MetricSample, RawRecord
from schemas.incident import Incident, ServiceLevelNotice
from schemas.rates import Rates
from schemas.reference import (
    Calendar,
    Change,
    ConfigurationItem,
    CorrelationRule,
    HoldRule,
    InhibitionRule,
    Relation,
    ServiceTarget,
    Silence,
)

PUBLIC: dict[str, type[BaseModel]] = {
    "alert": Alert,
    "alert-transition": AlertTransition,
    "audit-entry": AuditEntry,
    "calendar": Calendar,
    "change": Change,
    "command": Command,
    "configuration-item": ConfigurationItem,
    "correlation-rule": CorrelationRule,
    "dead-letter": DeadLetter,
    "event": Event,
    "hold-rule": HoldRule,
    "incident": Incident,
    "inhibition-rule": InhibitionRule,
    "ledger-entry": LedgerEntry,
    "metric-sample": MetricSample,
    "occurrence": Occurrence,
    "placement": Placement,
    "rates": Rates,
    "raw-record": RawRecord,
    "relation": Relation,
    "reply": Reply,
    "service-level-notice": ServiceLevelNotice,
    "service-target": ServiceTarget,
    "silence": Silence,
}
"""Every record that crosses a boundary; what is part of another one is inside its document."""


def document(name: str, model: type[BaseModel]) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of what may be sent as a `model`."""
    schema = model.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tocsin:schema:{name}",
        **schema,
    }


def render(name: str, model: type[BaseModel]) -> str:
    """The text of a schema file: the same model gives the same bytes."""
    return json.dumps(document(name, model), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
