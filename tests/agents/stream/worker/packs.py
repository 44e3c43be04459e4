"""Packs of events as they reach the alert step."""

from __future__ import annotations

from agents.stream.wire import Arrivals, Events, pack_events, unpack_arrivals


def arrived(pack: Events) -> Arrivals:
    """A pack that has been through Kafka."""
    return unpack_arrivals(pack_events(pack))
