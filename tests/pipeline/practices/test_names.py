"""People read the names they gave their items, and find supplier and runbook of the likeliest cause."""

from __future__ import annotations

from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from schemas.base import SECOND
from schemas.event import Event, EventKind, fingerprint
from schemas.reference import ConfigurationItem, Relation
from schemas.severity import Severity

BEGIN = 1_772_409_600_000


def event(resource: str, time: int) -> Event:
    return Event(
        id=f"{resource} {time}",
        kind=EventKind.PROBLEM,
        time=time,
        received=time,
        source="test",
        resource=resource,
        check="ping",
        severity=Severity.CRITICAL,
        summary=f"{resource} does not answer",
        fingerprint=fingerprint("default", resource, "", "ping"),
    )


def test_an_incident_speaks_of_items_by_their_names() -> None:
    flow = Flow(FlowSettings())
    core = ConfigurationItem(
        id="ci-1",
        name="core switch",
        kind="switch",
        aliases=("sw1",),
        supplier="Northwind",
        runbook="https://wiki/core",
    )
    app = ConfigurationItem(id="ci-2", name="web shop", kind="host", aliases=("w1",), runbook="https://wiki/shop")
    for record in (core, app, Relation(source="ci-2", target="ci-1")):
        flow.put(record, 0)
    flow.event(event("sw1", BEGIN))
    flow.event(event("w1", BEGIN + 20 * SECOND))
    (incident,) = flow.incidents()
    assert incident.title == "core switch: sw1 does not answer (and 1 more items)"
    assert (incident.supplier, incident.runbook) == ("Northwind", "https://wiki/core")
    assert set(incident.runbooks) == {"https://wiki/core", "https://wiki/shop"}
    (joined,) = (member.join for member in incident.members if member.join.to)
    assert "core switch" in joined.terms[0].text
    assert "core switch" in joined.apart
    symptom = next(term for one in incident.candidates for term in one.terms if term.name == "symptom")
    assert symptom.text == "needs core switch, which alerts too"


def test_an_incident_without_items_is_titled_by_what_the_source_calls_it() -> None:
    flow = Flow(FlowSettings())
    flow.event(event("somewhere", BEGIN))
    (incident,) = flow.incidents()
    assert incident.title == "somewhere: somewhere does not answer"
    assert (incident.supplier, incident.runbook) == ("", "")
