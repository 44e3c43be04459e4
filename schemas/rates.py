"""The stream's own trends: how much came in, interval by interval of event time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Millis, Name, Record


class Rates(Record):
    """How many there were in one interval of event time, by what they belong to. What had none is left out.

    It is told when the watermark has passed the end of the interval, and never again.
    """

    id: Name = Field(description="Tenant, what, by, and begin: the same for a repeat.")
    time: Millis = Field(description="Begin of the interval.")
    length: int = Field(ge=1, description="Length of the interval in milliseconds.")
    tenant: Name
    what: Literal["events", "alerts", "incidents"] = Field(
        description="Events that came, alerts that began, incidents that opened."
    )
    by: Literal["source", "service", "kind", "item"] = Field(
        description="What the keys are: a source, the id of a service or an item (or a resource that no item is known "
        "for), a kind of fault."
    )
    counts: dict[str, int] = Field(description="Key to how many, keys in order.")
