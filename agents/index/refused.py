"""The dead letter of a document that Elasticsearch will never take."""

from __future__ import annotations

from agents.index.bulk import Refusal
from agents.index.feed import NAME
from pipeline.sources.base import Refused
from pipeline.sources.normalise import dead_letter
from schemas.base import BadRecord, Millis
from schemas.event import DeadLetter, RawRecord


def letter_of(refusal: Refusal, received: Millis, coordinates: str = "", most: int | None = None) -> DeadLetter:
    """Its reason, and what it held, up to `most` bytes. The same refusal of the same time has the same id."""
    one, detail = refusal.document, refusal.detail
    payload = one.body or b""
    if most is not None and len(payload) > most:
        detail = f"{detail}; kept are the first {most} of {len(payload)} bytes"
        payload = payload[:most]
    raw = RawRecord(source=NAME, received=received, payload=payload, origin=f"{one.kind} {one.id}")
    return dead_letter(raw, Refused(BadRecord(f"not-indexed-{refusal.reason}", detail), payload), coordinates)
