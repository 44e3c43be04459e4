"""Time that goes on in one leap does what it would have done step by step."""

from __future__ import annotations

import pytest

from pipeline.flow import Flow
from pipeline.settings import FlowSettings, TimeSettings
from schemas.base import HOUR, MINUTE
from schemas.event import Event, EventKind, fingerprint
from schemas.incident import Incident
from schemas.reference import ConfigurationItem, Relation
from schemas.severity import Severity

BEGIN = 1_772_409_600_000


def event(number: int, kind: EventKind, at: int, resource: str = "db") -> Event:
    return Event(
        id=f"e{number}",
        kind=kind,
        time=at,
        received=at,
        source="test",
        resource=resource,
        check="ping",
        severity=Severity.MAJOR,
        fingerprint=fingerprint("default", resource, "", "ping"),
    )


@pytest.mark.parametrize("steps", [0, 1, 100])
def test_a_fault_that_was_over_before_anything_else_was_heard_had_its_incident(steps: int) -> None:
    flow = Flow(FlowSettings())
    out = flow.event(event(1, EventKind.PROBLEM, BEGIN))
    out += flow.event(event(2, EventKind.RESOLUTION, BEGIN + 2 * MINUTE))
    for step in range(steps):
        out += flow.tick(BEGIN + 2 * MINUTE + step * MINUTE)
    out += flow.event(event(3, EventKind.PROBLEM, BEGIN + 6 * HOUR, "elsewhere"))
    told = [one for one in out if isinstance(one, Incident) and one.title.startswith("db")]
    assert next(one.reason for one in told) == "opened"
    assert told[-1].reason == "closed"
    assert told[-1].resolved == BEGIN + 2 * MINUTE
    assert told[-1].closed == BEGIN + 2 * MINUTE + HOUR
    assert [member.end for member in told[-1].members] == [BEGIN + 2 * MINUTE]


def test_an_incident_lasts_as_long_as_its_longest_member_whenever_that_is_heard_of() -> None:
    flow = Flow(FlowSettings(time=TimeSettings(lateness=HOUR)))
    flow.put(ConfigurationItem(id="db", name="db", kind="database"), 0)
    flow.put(ConfigurationItem(id="app", name="app", kind="application"), 0)
    flow.put(Relation(source="app", target="db"), 0)
    one = [event(1, EventKind.PROBLEM, BEGIN), event(2, EventKind.RESOLUTION, BEGIN + 5 * MINUTE)]
    other = [
        event(3, EventKind.PROBLEM, BEGIN + MINUTE, "app"),
        event(4, EventKind.RESOLUTION, BEGIN + 9 * MINUTE, "app"),
    ]
    out = []
    for heard in (*one, *reversed(other)):
        out += flow.event(heard)
    out += flow.tick(BEGIN + 4 * HOUR)
    told = [record for record in out if isinstance(record, Incident)]
    assert [len(told[-1].members), told[-1].reason] == [2, "closed"]
    assert told[-1].resolved == BEGIN + 9 * MINUTE
    assert told[-1].closed == BEGIN + 9 * MINUTE + HOUR
