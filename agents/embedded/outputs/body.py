"""What is told of an incident, in the format that an output was given."""

from __future__ import annotations

import orjson

from agents.config import JsonLinesOutput, WebhookOutput
from agents.embedded.live import Clock
from agents.embedded.outputs.outbox import EachVersion, Outbox
from agents.embedded.outputs.timed import Gathered
from agents.embedded.store import Store
from pipeline.practices.notify import alertmanager_body
from schemas.incident import Incident

RECEIVER = "tocsin"


def body_of(settings: JsonLinesOutput | WebhookOutput, value: bytes) -> bytes:
    """One version of an incident, or one notice, which comes as our own JSON."""
    if settings.format != "alertmanager":
        return value
    url = settings.url if isinstance(settings, WebhookOutput) else ""
    return orjson.dumps(alertmanager_body(Incident.model_validate_json(value), RECEIVER, url))


def outbox_of(settings: JsonLinesOutput | WebhookOutput, store: Store, name: str, now: Clock) -> Outbox:
    """The outbox of an output: gathering, or not. `name` is its own among those of the store."""
    if settings.format == "service-levels":
        return EachVersion(store, name, "service-level", "service-level")
    gathers = settings.format == "alertmanager" if settings.grouped is None else settings.grouped
    return Gathered(store, name, settings.timing, now) if gathers else EachVersion(store, name)
