"""What must hold of the flow for any stream: order, repetition, restart."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import FlowSettings, TimeSettings
from pipeline.state import Entry
from schemas.base import HOUR, MINUTE, SECOND
from schemas.event import Event, EventKind, fingerprint
from schemas.incident import Incident, IncidentStatus
from schemas.reference import ConfigurationItem, Relation
from schemas.severity import Severity

BEGIN = 1_772_409_600_000
RESOURCES = ("h1", "h2", "h3", "sw", "db", "app", "stranger", "guest")
NEEDS = (("h1", "sw"), ("h2", "sw"), ("h3", "sw"), ("db", "h1"), ("app", "db"))
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

one = st.tuples(
    st.sampled_from(RESOURCES),
    st.sampled_from(("ping", "disk")),
    st.sampled_from((EventKind.PROBLEM, EventKind.PROBLEM, EventKind.RESOLUTION)),
    st.sampled_from((Severity.CRITICAL, Severity.MAJOR, Severity.WARNING)),
    st.integers(0, 20 * 60),
)
streams = st.lists(one, min_size=1, max_size=30)


def events_of(stream: list[tuple[str, str, EventKind, Severity, int]]) -> list[Event]:
    return [
        Event(
            id=f"e{number}",
            kind=kind,
            time=BEGIN + second * SECOND,
            received=BEGIN + second * SECOND,
            source="test",
            resource=resource,
            check=check,
            severity=severity,
            fingerprint=fingerprint("default", resource, "", check),
        )
        for number, (resource, check, kind, severity, second) in enumerate(stream)
    ]


def new_flow() -> Flow:
    flow = Flow(FlowSettings(time=TimeSettings(lateness=HOUR)))
    for name in RESOURCES[:6]:
        flow.put(ConfigurationItem(id=name, name=name, kind="host"), 0)
    for source, target in NEEDS:
        flow.put(Relation(source=source, target=target), 0)
    return flow


def ended(events: list[Event]) -> tuple[Flow, list[Output]]:
    """A flow after all events, and after enough time for everything to be settled and nothing to be forgotten."""
    flow, out = new_flow(), []
    for event in events:
        out += flow.event(event)
    out += flow.tick(BEGIN + HOUR + 40 * MINUTE)
    return flow, out


def groups(flow: Flow) -> set[frozenset[tuple[str, int, int | None]]]:
    living = [i for i in flow.incidents() if i.status not in (IncidentStatus.MERGED, IncidentStatus.WITHDRAWN)]
    return {frozenset((m.alert, m.start, m.end) for m in incident.members) for incident in living}


def alerts(flow: Flow) -> list[dict[str, object]]:
    return [alert.model_dump(exclude={"version"}) for alert in flow.alerts()]


def shown(out: list[Output]) -> list[str]:
    return [record.model_dump_json() for record in out]


@QUICK
@given(streams, st.randoms(use_true_random=False))
def test_any_order_of_arrival_ends_the_same(
    stream: list[tuple[str, str, EventKind, Severity, int]], random: Random
) -> None:
    events = sorted(events_of(stream), key=lambda event: event.time)
    shuffled = list(events)
    random.shuffle(shuffled)
    one, other = ended(events)[0], ended(shuffled)[0]
    assert alerts(one) == alerts(other)
    assert groups(one) == groups(other)


@QUICK
@given(streams)
def test_the_same_log_gives_the_same_bytes(stream: list[tuple[str, str, EventKind, Severity, int]]) -> None:
    events = events_of(stream)
    assert shown(ended(events)[1]) == shown(ended(events)[1])


@QUICK
@given(streams, st.data())
def test_a_delivery_that_comes_twice_counts_once(
    stream: list[tuple[str, str, EventKind, Severity, int]], data: st.DataObject
) -> None:
    events = events_of(stream)
    twice = list(events)
    for event in data.draw(st.lists(st.sampled_from(events), max_size=10)):
        twice.insert(data.draw(st.integers(twice.index(event) + 1, len(twice))), event)
    one, other = ended(events)[0], ended(twice)[0]
    assert alerts(one) == alerts(other)
    assert groups(one) == groups(other)


@QUICK
@given(streams, st.data())
def test_a_restart_changes_nothing(
    stream: list[tuple[str, str, EventKind, Severity, int]], data: st.DataObject
) -> None:
    events = events_of(stream)
    cut = data.draw(st.integers(0, len(events)))
    whole, before = new_flow(), new_flow()
    for event in events[:cut]:
        whole.event(event)
        before.event(event)
    state: dict[tuple[str, str], Entry] = {(entry.table, entry.key): entry for entry in before.drain()}
    after = Flow(before.settings)
    after.restore(state.values())
    for event in events[cut:]:
        assert shown(whole.event(event)) == shown(after.event(event))
    late = BEGIN + 10 * HOUR
    assert shown(whole.tick(late)) == shown(after.tick(late))


def test_state_is_bounded_on_an_endless_stream() -> None:
    flow = Flow(FlowSettings())
    sizes = []
    for number in range(4000):
        at = BEGIN + number * 20 * SECOND
        name = f"once-{number}"
        for kind, time in ((EventKind.PROBLEM, at), (EventKind.RESOLUTION, at + MINUTE)):
            flow.event(
                Event(
                    id=f"{number}{kind}",
                    kind=kind,
                    time=time,
                    received=time,
                    source="test",
                    resource=name,
                    check="ping",
                    severity=Severity.CRITICAL,
                    fingerprint=fingerprint("default", name, "", "ping"),
                )
            )
        sizes.append(len(flow.intake.alerts) + len(flow.scope.nodes) + len(flow.scope.groups))
    assert max(sizes[2000:]) <= max(sizes[1000:2000]) + 10


def test_a_resolution_never_clears_what_is_newer() -> None:
    stream = [("h1", "ping", EventKind.PROBLEM, Severity.CRITICAL, 100)]
    stream.append(("h1", "ping", EventKind.RESOLUTION, Severity.CRITICAL, 50))
    flow, _ = ended(events_of(stream))
    assert [alert.status for alert in flow.alerts()] == ["open"]


def test_what_depends_on_a_dead_switch_is_one_incident() -> None:
    stream = [(name, "ping", EventKind.PROBLEM, Severity.CRITICAL, 10 * n) for n, name in enumerate(("h1", "h2", "h3"))]
    flow, out = ended(events_of(stream))
    assert len(groups(flow)) == 1
    last = [record for record in out if isinstance(record, Incident)][-1]
    assert last.candidates[0].item == "sw"
