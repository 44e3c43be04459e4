"""What monitors and people tell us: raw payloads as they came, events, metric samples, dead letters."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Annotated

from pydantic import Field

from schemas.base import Millis, Name, Record
from schemas.severity import Severity

END_OF_TIME = 4_102_444_799_999
"""The last millisecond of the year 2099. What claims to happen later was not told the time by a clock."""

EventTime = Annotated[int, Field(ge=0, le=END_OF_TIME, description="Milliseconds since 1970-01-01T00:00:00Z.")]


class EventKind(StrEnum):
    """What an event says."""

    PROBLEM = "problem"
    RESOLUTION = "resolution"
    INFORMATION = "information"
    REQUEST = "request"


class Signal(StrEnum):
    """A fault is lost function; an anomaly is a value outside the expected that may become one."""

    FAULT = "fault"
    ANOMALY = "anomaly"


class RawRecord(Record):
    """One payload as a monitor sent it; a line of a recording; a row of the inbox; a message of topic raw.<source>."""

    source: Name = Field(description="Name of the source adapter in the registry, or of a mapping file.")
    received: Millis = Field(description="When it reached us.")
    payload: bytes = Field(description="The bytes as they came. Base64 in JSON.")
    origin: str = Field(default="", description="Where from: address of the sender, file name, topic.")


class Event(Record):
    """One thing that one monitor or one person said about one thing at one time."""

    id: Name = Field(description="The source's own id, or a hash of what identifies it. Same delivery twice, same id.")
    kind: EventKind
    time: EventTime = Field(description="When it happened, by the clock of the source.")
    received: Millis = Field(description="When it reached us.")
    source: Name
    tenant: Name = "default"
    resource: Name = Field(description="What it is about: host, device or service, as the source names it.")
    component: str = Field(default="", max_length=1024, description="The part of it: interface, file system, instance.")
    check: Name = Field(description="What was checked, or the kind of event.")
    severity: Severity
    signal: Signal = Signal.FAULT
    summary: str = Field(default="", max_length=8192)
    labels: dict[str, str] = Field(default_factory=dict)
    value: float | None = Field(default=None, allow_inf_nan=False)
    unit: str = ""
    ends_at: EventTime | None = Field(default=None, description="It is over at this time unless news comes.")
    clear_key: str | None = Field(
        default=None,
        description="On a problem: what a resolution will call it. On a resolution: which problem it ends.",
    )
    fingerprint: Name = Field(description="Identity of the alert; see `fingerprint`.")
    url: str = Field(default="", description="Where the source shows it.")


class MetricSample(Record):
    """One value of one series at one time."""

    time: EventTime
    received: Millis
    source: Name
    tenant: Name = "default"
    resource: Name
    component: str = ""
    metric: Name
    value: float = Field(description="May be NaN or infinite: what was measured is kept as it was.")
    unit: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    counter: bool = Field(default=False, description="It only counts up: what matters is how fast.")


class DeadLetter(Record):
    """An input that could not be understood, with its bytes and where it came from."""

    id: Name
    reason: Name = Field(description="A short stable code, such as not-json.")
    detail: str = Field(default="", description="A sentence for a person.")
    raw: RawRecord
    coordinates: str = Field(
        default="", description="Where on Kafka it was read, as topic/partition@offset; empty where it came otherwise."
    )


@lru_cache(maxsize=16_384)  # alerts repeat themselves
def fingerprint(*parts: str) -> str:
    """Identity of an alert from its naming parts, in order: 24 hexadecimal digits of BLAKE2b.

    The default parts are (tenant, resource, component, check), never the severity or the text.
    """
    return content_id(*parts)


def content_id(*parts: str | bytes) -> str:
    """Id of an event whose source gives none: 24 hexadecimal digits of BLAKE2b over what identifies the delivery."""
    pieces: list[bytes] = []
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        size = len(data)
        # The length first: no value can look like two, whatever it holds.
        pieces += (_LENGTHS[size] if size < len(_LENGTHS) else b"%d:" % size), data
    return blake2b(b"".join(pieces), digest_size=12).hexdigest()


def content_ids(*first: str) -> Callable[..., str]:
    """`content_id` for texts that come after these parts, in half the time where all are ASCII, as nearly always."""
    if not all(map(str.isascii, first)):
        return partial(content_id, *first)
    begun = blake2b("".join(f"{len(part)}:{part}" for part in first).encode(), digest_size=12)

    def made(*parts: str) -> str:
        text = ""
        for part in parts:
            size = len(part)
            text += _SIZES[size] if size < _KEPT else f"{size}:"
            text += part
        if not text.isascii():  # what counts is how many bytes a part has
            return content_id(*first, *parts)
        found = begun.copy()
        found.update(text.encode())
        return found.hexdigest()

    return made


_KEPT = 1024
_SIZES = [f"{size}:" for size in range(_KEPT)]
_LENGTHS = [size.encode() for size in _SIZES]
