"""What must hold for the whole core whatever comes: order, repeats, restarts and time change nothing that counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import (
    CorrelateSettings,
    FlowSettings,
    IncidentSettings,
    ModelSettings,
    RateSettings,
    TimeSettings,
)
from pipeline.state import Entry
from schemas.base import DAY, HOUR, MINUTE, SECOND, Record
from schemas.event import Event, EventKind, fingerprint
from schemas.reference import ConfigurationItem, CorrelationRule, InhibitionRule, Matcher, Relation, Silence
from schemas.severity import Severity

BEGIN = 1_700_000_000_000
SPAN = 20 * MINUTE
ITEMS = ("switch", "host", "db", "app1", "app2", "web")
NEEDS = (("host", "switch"), ("db", "host"), ("app1", "db"), ("app2", "db"), ("web", "app1"), ("web", "app2"))
RESOURCES = (*ITEMS, "stray1", "stray2")
CHECKS = ("ping", "disk", "load")
LABELS: tuple[dict[str, str], ...] = ({}, {}, {"team": "blue"}, {"trace": "8f2ab0c4"}, {"trace": "77d0e19b"})
KEYS = (None, None, "one", "two")
HISTORY = 30
"""Alerts before the stream, so that what they did not say is rare."""
SEVERITIES = (Severity.WARNING, Severity.MINOR, Severity.MAJOR, Severity.CRITICAL)

Membership = frozenset[tuple[str, int, int | None]]
State = dict[tuple[str, str], bytes]


class Stream(NamedTuple):
    """Events in the order in which they arrive, and the lateness that allows it."""

    events: tuple[Event, ...]
    lateness: int


class Result(NamedTuple):
    """What a stream came to, without identities and versions."""

    alerts: dict[str, dict[str, object]]
    incidents: frozenset[Membership]


def make_event(
    number: int,
    time: int,
    resource: str,
    check: str,
    severity: Severity | None,
    ends: int | None = None,
    labels: dict[str, str] | None = None,
    key: str | None = None,
) -> Event:
    """One problem, or a resolution where there is no severity."""
    return Event(
        id=f"e{number}",
        kind=EventKind.RESOLUTION if severity is None else EventKind.PROBLEM,
        time=time,
        received=time,
        source="made",
        resource=resource,
        check=check,
        severity=severity or Severity.INFO,
        summary=f"{check} of {resource}, {severity}",
        labels=labels or {},
        ends_at=ends,
        clear_key=None if key is None else f"{resource} {check} {key}",
        fingerprint=fingerprint("default", resource, "", check),
    )


@st.composite
def events_of(draw: st.DrawFn) -> tuple[Event, ...]:
    """A little stream in the order of its times."""
    checks = CHECKS[: draw(st.integers(1, len(CHECKS)))]
    resources = RESOURCES[draw(st.integers(0, len(RESOURCES) - 1)) :]
    row = st.tuples(
        st.integers(0, SPAN // SECOND),
        st.sampled_from(resources),
        st.sampled_from(checks),
        st.sampled_from((None, None, *SEVERITIES)),
        st.sampled_from((None, None, None, 1, 4, 15)),
        st.sampled_from(LABELS),
        st.sampled_from(KEYS),
    )
    rows = sorted(draw(st.lists(row, min_size=10, max_size=40)), key=lambda row: row[0])
    events = []
    for number, (second, resource, check, severity, ends, labels, key) in enumerate(rows):
        time = BEGIN + second * SECOND
        until = None if ends is None or severity is None else time + ends * MINUTE
        events.append(make_event(number, time, resource, check, severity, until, labels, key))
    return tuple(events)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Stream, Stream]:
    """The same events in order, and as late as is allowed."""
    events = draw(events_of())
    lateness = draw(st.sampled_from((HOUR, 5 * MINUTE, MINUTE)))
    delays = draw(st.lists(st.integers(0, lateness), min_size=len(events), max_size=len(events)))
    mixed = sorted(zip(events, delays, strict=True), key=lambda pair: pair[0].time + pair[1])
    return Stream(events, lateness), Stream(tuple(event for event, _ in mixed), lateness)


def make_flow(lateness: int) -> Flow:
    """A flow with items, rules and a history; incidents stay in memory for a day."""
    evidence = CorrelateSettings(
        rare_after=HISTORY // 2,
        rare_share=0.05,
        rules=(CorrelationRule(id="team", matchers=(where(team="blue"),), within=2 * MINUTE),),
    )
    settings = FlowSettings(
        models=ModelSettings(rates=RateSettings(enabled=True)),
        time=TimeSettings(lateness=lateness),
        incident=IncidentSettings(close_after=DAY),
        correlate=evidence,
        inhibitions=(
            InhibitionRule(
                id="ping mutes load",
                source=(where(check="ping"), where(severity="critical")),
                target=(where(check="load"),),
                equal=("resource",),
            ),
        ),
        silences=(
            Silence(
                id="a while",
                matchers=(where(resource="app1"),),
                starts=BEGIN + 5 * MINUTE,
                ends=BEGIN + 12 * MINUTE,
            ),
        ),
    )
    flow = Flow(settings)
    for item in ITEMS:
        flow.put(ConfigurationItem(id=item, name=item, kind="host"), BEGIN)
    for source, target in NEEDS:
        flow.put(Relation(source=source, target=target), BEGIN)
    for number in range(HISTORY):
        time = BEGIN - 6 * HOUR + number * 5 * MINUTE
        flow.event(make_event(-1 - number, time, f"past-{number}", "seen", Severity.WARNING, time + MINUTE))
    return flow


def where(**label: str) -> Matcher:
    """A matcher on one label."""
    ((name, value),) = label.items()
    return Matcher(label=name, value=value)


def packed(out: Iterable[Output]) -> list[str]:
    """Some outputs as text."""
    return [type(record).__name__ + record.model_dump_json() for record in out]


def finish(flow: Flow, lateness: int, until: int) -> list[Output]:
    """Let time pass until the watermark is `until` after the beginning of the stream."""
    out: list[Output] = []
    now, last = max(flow.high, BEGIN), BEGIN + until + lateness
    while now < last:
        now = min(now + 20 * MINUTE, last)
        out += flow.tick(now)
    return out


def members_of(flow: Flow) -> frozenset[Membership]:
    """All incidents as sets of their members."""
    return frozenset(
        frozenset((member.alert, member.start, member.end) for member in incident.members)
        for incident in flow.incidents()
        if incident.status not in ("merged", "withdrawn")
    )


def result(stream: Stream) -> Result:
    """Run a stream to its end: alerts before the first is forgotten, incidents when all is settled."""
    flow = make_flow(stream.lateness)
    for event in stream.events:
        flow.event(event)
    finish(flow, stream.lateness, 55 * MINUTE)
    alerts = {a.fingerprint: a.model_dump(exclude={"version"}) for a in flow.alerts() if a.check != "seen"}
    finish(flow, stream.lateness, 5 * HOUR)
    return Result(alerts, members_of(flow))


@settings(max_examples=80)
@given(streams())
def test_any_order_of_arrival_inside_the_lateness_ends_with_the_same_alerts_and_incidents(
    both: tuple[Stream, Stream],
) -> None:
    expected, found = result(both[0]), result(both[1])
    assert found.alerts == expected.alerts
    assert found.incidents == expected.incidents


@settings(max_examples=15)
@given(streams())
def test_the_same_log_gives_the_same_bytes(both: tuple[Stream, Stream]) -> None:
    def run(stream: Stream) -> list[str]:
        flow = make_flow(stream.lateness)
        out = [record for event in stream.events for record in flow.event(event)]
        return packed([*out, *finish(flow, stream.lateness, 2 * DAY)])

    assert run(both[1]) == run(both[1])


@settings(max_examples=30)
@given(streams())
def test_every_record_that_comes_out_is_as_its_schema_says(both: tuple[Stream, Stream]) -> None:
    flow = make_flow(both[1].lateness)
    out: list[Record] = []
    for event in both[1].events:
        out += [*flow.event(event), *flow.alerts(), *flow.incidents()]
    out += [*flow.export(), *finish(flow, both[1].lateness, 2 * DAY), *flow.export()]
    for record in out:
        assert type(record).model_validate_json(record.model_dump_json()) == record
        assert list(record.__dict__) == list(type(record).model_fields)


@settings(max_examples=40)
@given(streams(), st.data())
def test_an_event_delivered_twice_counts_once(both: tuple[Stream, Stream], data: st.DataObject) -> None:
    ordered, _ = both
    again = data.draw(st.lists(st.sampled_from(ordered.events), min_size=1, max_size=10))
    delays = data.draw(st.lists(st.integers(0, ordered.lateness), min_size=len(again), max_size=len(again)))
    due = [(event.time, event) for event in ordered.events]
    due += [(event.time + delay, event) for event, delay in zip(again, delays, strict=True)]
    twice = Stream(tuple(event for _, event in sorted(due, key=lambda pair: pair[0])), ordered.lateness)
    assert result(twice) == result(ordered)


def keep(state: State, entries: Iterable[Entry]) -> None:
    """Bring a checkpoint up to date."""
    for entry in entries:
        if entry.value is None:
            state.pop((entry.table, entry.key), None)
        else:
            state[entry.table, entry.key] = entry.value


@settings(max_examples=40)
@given(streams(), st.data())
def test_a_restart_anywhere_changes_nothing(both: tuple[Stream, Stream], data: st.DataObject) -> None:
    _, stream = both
    cut = data.draw(st.integers(0, len(stream.events)), label="cut")
    until = data.draw(st.sampled_from((HOUR, 5 * HOUR, 2 * DAY)), label="until")
    whole, first = make_flow(stream.lateness), make_flow(stream.lateness)
    kept: State = {}
    for event in stream.events[:cut]:
        whole.event(event)
        first.event(event)
        keep(kept, first.drain())
    keep(kept, first.drain())
    second = Flow(whole.settings)
    second.restore(Entry(table, key, value) for (table, key), value in kept.items())
    for event in stream.events[cut:]:
        assert packed(second.event(event)) == packed(whole.event(event))
        keep(kept, second.drain())
    assert packed(finish(second, stream.lateness, until)) == packed(finish(whole, stream.lateness, until))
    keep(kept, second.drain())
    expected: State = {}
    keep(expected, whole.drain())
    assert kept == expected


def sizes(flow: Flow) -> dict[str, int]:
    """How much is held in memory for alerts and incidents."""
    return {
        "nodes": len(flow.scope.nodes),
        "groups": len(flow.scope.groups),
        "alerts": len(flow.intake.alerts),
        "incidents": len(flow.practice.by_id),
        "remembered": len(flow.intake.tombs),
    }


def test_state_is_bounded_by_what_is_going_on_and_not_by_what_was() -> None:
    flow = Flow(FlowSettings())
    held: list[dict[str, int]] = []
    for number in range(3_000):
        time = BEGIN + number * 10 * SECOND
        severity = SEVERITIES[number % len(SEVERITIES)]
        flow.event(make_event(2 * number, time, f"pod-{number}", "ping", severity))
        flow.event(make_event(2 * number + 1, time + (number % 5 + 1) * MINUTE, f"pod-{number}", "ping", None))
        if number % 500 == 499:
            flow.drain()
            held.append(sizes(flow))
    for name in ("nodes", "groups", "alerts", "incidents"):
        assert held[-1][name] <= held[2][name] + 5, f"{name} go on growing: {[size[name] for size in held]}"
    for hour in range(9, 40):
        flow.tick(BEGIN + hour * HOUR)
    assert sizes(flow) == dict.fromkeys(sizes(flow), 0)


def test_an_end_that_was_overtaken_unties_what_came_after_it() -> None:
    events = (
        make_event(1, BEGIN + 209 * SECOND, "switch", "ping", Severity.CRITICAL),
        make_event(2, BEGIN + 461 * SECOND, "switch", "ping", None),
        make_event(3, BEGIN + 719 * SECOND, "app2", "ping", Severity.CRITICAL),
    )
    ordered, overtaken = result(Stream(events, HOUR)), result(Stream((events[2], *events[:2]), HOUR))
    assert len(ordered.incidents) == 2
    assert overtaken == ordered


def test_an_end_by_itself_unties_what_came_after_it() -> None:
    events = (
        make_event(1, BEGIN, "db", "ping", Severity.CRITICAL, ends=BEGIN + 4 * MINUTE),
        make_event(2, BEGIN + 8 * MINUTE, "web", "ping", Severity.CRITICAL),
        make_event(3, BEGIN + 9 * MINUTE + 30 * SECOND, "stray1", "ping", None),
    )
    ordered, later = result(Stream(events, 5 * MINUTE)), result(Stream((events[0], events[2], events[1]), 5 * MINUTE))
    assert len(ordered.incidents) == 2
    assert later == ordered


def test_what_is_rare_joins_in_these_streams_too() -> None:
    events = tuple(
        make_event(n, BEGIN + n * 30 * SECOND, f"stray{n}", "ping", Severity.CRITICAL, labels={"trace": "8f2ab0c4"})
        for n in (1, 2)
    )
    assert len(result(Stream(events, MINUTE)).incidents) == 1


def test_replaying_what_was_kept_of_the_input_gives_the_same_state() -> None:
    """The log of a host holds the events as JSON: read back they make the same state, byte for byte."""
    events = [
        make_event(n, BEGIN + n * 20 * SECOND, RESOURCES[n % 8], CHECKS[n % 3], SEVERITIES[n % 4], labels=LABELS[n % 5])
        for n in range(60)
    ]
    one, two = make_flow(MINUTE), make_flow(MINUTE)
    for event in events:
        assert packed(one.event(event)) == packed(two.event(Event.model_validate_json(event.model_dump_json())))
    assert one.drain() == two.drain()


def test_a_resolution_never_clears_what_is_newer() -> None:
    events = (
        make_event(1, BEGIN + MINUTE, "host", "ping", Severity.CRITICAL),
        make_event(2, BEGIN, "host", "ping", None),
    )
    assert [alert["status"] for alert in result(Stream(events, HOUR)).alerts.values()] == ["open"]


def test_what_depends_on_a_silent_switch_is_one_incident() -> None:
    flow = Flow(FlowSettings())
    for name in ("sw", "h1", "h2", "h3"):
        flow.put(ConfigurationItem(id=name, name=name, kind="host"), 0)
    for name in ("h1", "h2", "h3"):
        flow.put(Relation(source=name, target="sw"), 0)
    for number, name in enumerate(("h1", "h2", "h3")):
        flow.event(make_event(number, BEGIN + number * 10 * SECOND, name, "ping", Severity.CRITICAL))
    (incident,) = (one for one in flow.incidents() if one.status == "new")
    assert incident.candidates[0].item == "sw"
