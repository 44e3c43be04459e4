"""Reference data in a restored flow: it is in force again, and nothing is decided anew."""

from __future__ import annotations

from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from schemas.base import MINUTE, Record
from schemas.event import Event, EventKind, fingerprint
from schemas.reference import Change, ConfigurationItem, CorrelationRule, InhibitionRule, Matcher, Silence
from schemas.severity import Severity

NOON = 1_777_636_800_000
REFERENCE: list[Record] = [
    ConfigurationItem(id="web", name="web", kind="host"),
    InhibitionRule(
        id="down", source=(Matcher(label="check", value="ping"),), target=(Matcher(label="check", value="cpu"),)
    ),
    Silence(id="lab", matchers=(Matcher(label="check", value="disk"),), starts=NOON, ends=NOON + 60 * MINUTE),
    Change(id="CHG-1", items=("web",), starts=NOON, ends=NOON + 60 * MINUTE, suppresses=True),
    CorrelationRule(id="all", matchers=(Matcher(label="check", op="!=", value=""),)),
]


def problem(resource: str, check: str, after: int) -> Event:
    return Event(
        id=f"{resource} {check} {after}",
        kind=EventKind.PROBLEM,
        time=NOON + after,
        received=NOON + after,
        source="native",
        resource=resource,
        check=check,
        severity=Severity.CRITICAL,
        fingerprint=fingerprint("default", resource, check),
    )


EVENTS = [
    problem(resource, check, 1000 * number)
    for number, (resource, check) in enumerate(
        [("sw1", "ping"), ("db", "cpu"), ("db", "disk"), ("web", "http"), ("mail", "smtp"), ("db", "ping")]
    )
]


def test_a_restored_flow_decides_nothing_anew_and_goes_on_as_the_first_one() -> None:
    flow = Flow(FlowSettings())
    for record in REFERENCE:
        flow.put(record, NOON)
    for event in EVENTS[:-1]:
        flow.event(event)
    flow.export()
    restored = Flow(FlowSettings())
    restored.restore(flow.drain())
    assert restored.export() == []
    assert restored.event(EVENTS[-1]) == flow.event(EVENTS[-1])
    assert restored.tick(NOON + 70 * MINUTE) == flow.tick(NOON + 70 * MINUTE)
    assert restored.export() == flow.export()
