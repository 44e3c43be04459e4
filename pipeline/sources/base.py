"""The contract of every source: payload bytes in, events and metric samples out. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pipeline.state import maker
from schemas.base import BadRecord
from schemas.event import Event, MetricSample, RawRecord


class Refused(NamedTuple):
    """A part of a payload that could not be understood: the valid rest of a batch is kept.

    `payload` is one that the same source can decode, so that it can be mended and sent again.
    """

    error: BadRecord
    payload: bytes


class Decoded(NamedTuple):
    """What one payload said. At least one of the three is not empty, unless the payload is a known no-op."""

    events: Sequence[Event] = ()
    samples: Sequence[MetricSample] = ()
    refused: Sequence[Refused] = ()


decoded = maker(Decoded)
"""One of all three."""


class Source(Protocol):
    """One monitor's format. `decode` raises `BadRecord`, and nothing else, when the whole payload is unusable."""

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one payload as that monitor sends it."""
        ...
