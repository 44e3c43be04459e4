"""The stream's own trends: what came is counted in event time, and what is unusual about it is said."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

from hypothesis import given, settings

from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import DedupSettings, FlowSettings, ModelSettings, RateSettings, TimeSettings
from pipeline.stages.node import RATES
from pipeline.state import Entry
from schemas.alert import AlertTransition
from schemas.base import DAY, HOUR, MINUTE, SECOND
from schemas.command import Action, Command, Reply
from schemas.event import Event, EventKind, fingerprint
from schemas.incident import Incident
from schemas.rates import Rates
from schemas.reference import ConfigurationItem, Relation
from schemas.severity import Severity
from tests.property.test_laws import BEGIN as LAWS
from tests.property.test_laws import State, Stream, finish, keep, make_flow, packed, streams

COUNTED = FlowSettings(models=ModelSettings(rates=RateSettings(enabled=True)))
BEGIN = 1_704_067_200_000
"""2024-01-01T00:00:00Z."""
STEP = 5 * MINUTE


def event(
    number: object,
    at: int,
    resource: str = "db",
    check: str = "ping",
    source: str = "nagios",
    kind: EventKind = EventKind.PROBLEM,
    severity: Severity = Severity.WARNING,
) -> Event:
    return Event(
        id=f"e{number}",
        kind=kind,
        time=BEGIN + at,
        received=BEGIN + at,
        source=source,
        resource=resource,
        check=check,
        severity=severity,
        fingerprint=fingerprint("default", resource, "", check),
    )


def told(out: Iterable[Output]) -> dict[tuple[int, str, str], dict[str, int]]:
    """Minute of the begin, what and by to the counts."""
    found: dict[tuple[int, str, str], dict[str, int]] = {}
    for one in out:
        if isinstance(one, Rates):
            name = ((one.time - BEGIN) // MINUTE, one.what, one.by)
            assert name not in found, "told once"
            found[name] = one.counts
    return found


def put(flow: Flow, events: Iterable[Event]) -> list[Output]:
    return [output for one in events for output in flow.event(one)]


def with_items(given: FlowSettings | None = None) -> Flow:
    flow = Flow(given or COUNTED)
    for name, kind in (("db", "database"), ("web", "host"), ("shop", "service")):
        flow.put(ConfigurationItem(id=name, name=name, kind=kind), 0)
    for source, target in (("shop", "web"), ("web", "db")):
        flow.put(Relation(source=source, target=target), 0)
    return flow


def test_what_comes_is_counted_by_source_and_by_the_hour_by_service_kind_and_item() -> None:
    flow = with_items()
    events = [
        event(1, 0),
        event(2, MINUTE),
        event(3, 2 * MINUTE, "web", "http latency", "zabbix"),
        event(4, 6 * MINUTE, "lost", "ups battery"),
        event(5, 7 * MINUTE, kind=EventKind.INFORMATION),
    ]
    out = [*put(flow, events), *flow.tick(BEGIN + 2 * HOUR)]
    found = told(out)
    assert found[0, "events", "source"] == {"nagios": 2, "zabbix": 1}
    assert found[5, "events", "source"] == {"nagios": 2}
    assert found[0, "events", "item"] == {"db": 3, "lost": 1, "web": 1}
    assert found[0, "events", "kind"] == {"availability": 3, "performance": 1, "power": 1}
    assert found[0, "events", "service"] == {"shop": 4}
    assert found[0, "alerts", "source"] == {"nagios": 1, "zabbix": 1}
    assert found[0, "alerts", "item"] == {"db": 1, "lost": 1, "web": 1}


def test_incidents_are_counted_where_they_opened_by_what_they_are_about() -> None:
    flow = with_items()
    out = put(flow, [event(1, 0, severity=Severity.CRITICAL), event(2, MINUTE, "lost", severity=Severity.CRITICAL)])
    assert len({one.id for one in out if isinstance(one, Incident)}) == 2
    found = told(flow.tick(BEGIN + 2 * HOUR))
    assert found[0, "incidents", "item"] == {"db": 1, "lost": 1}
    assert found[0, "incidents", "kind"] == {"availability": 2}
    assert found[0, "incidents", "service"] == {"shop": 1}


def test_a_repeated_delivery_counts_once_and_what_is_late_in_its_own_interval() -> None:
    flow = Flow(COUNTED)
    out = put(flow, [event(1, 4 * MINUTE), event(1, 4 * MINUTE), event(2, 6 * MINUTE), event(3, 4 * MINUTE + SECOND)])
    out += flow.tick(BEGIN + 8 * MINUTE - 1)
    assert told(out) == {}
    out = flow.tick(BEGIN + 8 * MINUTE)
    assert told(out)[0, "events", "source"] == {"nagios": 2}
    out = [*put(flow, [event(4, 4 * MINUTE)]), *flow.tick(BEGIN + HOUR)]
    assert (0, "events", "source") not in told(out)
    assert told(out)[5, "events", "source"] == {"nagios": 1}
    assert flow.counters()["late"] == 1


def test_a_time_without_anything_has_no_record() -> None:
    flow = Flow(COUNTED)
    put(flow, [event(1, 0)])
    out = [*flow.tick(BEGIN + 5 * DAY), *put(flow, [event(2, 5 * DAY)]), *flow.tick(BEGIN + 6 * DAY)]
    assert sorted({one.time for one in out if isinstance(one, Rates) and one.by == "source"}) == [
        BEGIN,
        BEGIN + 5 * DAY,
    ]


def rates_of(stream: Stream) -> tuple[list[str], Counter[str]]:
    flow = make_flow(stream.lateness)
    out = [output for one in stream.events for output in flow.event(one)]
    out += finish(flow, stream.lateness, 5 * HOUR)
    records = [one for one in out if isinstance(one, Rates) and one.what != "incidents"]
    counts: Counter[str] = Counter()
    for one in records:
        counts[f"{one.what} by {one.by}"] += sum(one.counts.values())
    records.sort(key=lambda one: (one.time, one.length, one.id))
    return packed(records), counts


@settings(max_examples=40)
@given(streams())
def test_any_order_of_arrival_inside_the_lateness_gives_the_same_counts(both: tuple[Stream, Stream]) -> None:
    ordered, mixed = rates_of(both[0]), rates_of(both[1])
    assert mixed == ordered
    made = sum(1 for one in both[0].events if one.time >= LAWS)
    assert min(ordered[1]["events by source"], ordered[1]["events by item"]) >= made


DAYS = 12


def traffic(until: int, chance: random.Random, begin: int = 0) -> list[Event]:
    """Events of two sources: the one speaks about ten times in five minutes, the other about four times an hour."""
    found = []
    for at in range(begin, until):
        number = at * 1000
        for one in range(chance.randint(6, 14)):
            when = at * STEP + one * 10 * SECOND
            found.append(event(number + one, when, "sw", "link", "traps", EventKind.INFORMATION))
        if chance.random() < 0.33:
            found.append(event(number + 900, at * STEP + 4 * MINUTE, "db", "disk", kind=EventKind.INFORMATION))
    return found


def storm(at: int, many: int) -> list[Event]:
    return [
        event(f"storm-{at}-{n}", at * STEP + n * SECOND, f"host-{n % 7}", "seen", "traps", EventKind.INFORMATION)
        for n in range(many)
    ]


def known(given: FlowSettings | None = None) -> tuple[Flow, random.Random, int]:
    """A flow that has seen ordinary traffic for a while, and said nothing of it."""
    flow, chance, end = Flow(given or COUNTED), random.Random(7), DAYS * DAY // STEP
    out = put(flow, traffic(end, chance))
    assert said(out) == []
    return flow, chance, end


def said(out: Iterable[Output]) -> list[tuple[str, str, str]]:
    return [
        (one.reason, one.resource, one.check)
        for one in out
        if isinstance(one, AlertTransition) and one.check.startswith("rate of")
    ]


def test_a_storm_of_a_source_is_an_alert_that_clears_opens_nothing_and_is_not_counted_itself() -> None:
    flow, chance, end = known()
    out = put(flow, sorted([*traffic(end + 4, chance, end), *storm(end + 1, 200)], key=lambda one: one.time))
    assert said(out) == [("opened", "source traps", "rate of events anomaly")]
    alert = next(one for one in flow.alerts() if one.source == RATES)
    assert alert.summary.startswith("source traps: 2")
    assert float(alert.labels["one_in"]) > 1000
    out += put(flow, traffic(end + 60, chance, end + 4))
    assert said(out)[1:] == [("resolved", "source traps", "rate of events anomaly")]
    assert [one for one in out if isinstance(one, Incident)] == []
    sources = {name for one in out if isinstance(one, Rates) and one.by == "source" for name in one.counts}
    assert sources <= {"traps", "nagios"}
    assert not [one for one in out if isinstance(one, Rates) and one.what != "events"]


def test_the_silence_of_a_source_that_always_speaks_is_an_alert_and_that_of_another_is_not() -> None:
    flow, _, end = known()
    out = [output for at in range(end, end + 30) for output in flow.tick(BEGIN + at * STEP)]
    assert said(out)[0] == ("opened", "source traps", "rate of events anomaly")
    assert {one[1] for one in said(out)} == {"source traps", "item sw", "kind network"}
    alert = next(one for one in flow.alerts() if one.resource == "source traps")
    assert alert.labels["reason"] == "fewer events than usual"


def test_a_restart_changes_nothing_of_it() -> None:
    flow, chance, end = known()
    kept: State = {}
    keep(kept, flow.drain())
    again = Flow(flow.settings)
    again.restore(Entry(table, key, value) for (table, key), value in kept.items())
    rest = sorted([*traffic(end + 80, chance, end), *storm(end + 1, 200)], key=lambda one: one.time)
    assert packed(put(again, rest)) == packed(put(flow, rest))
    assert again.drain() == flow.drain()


def test_what_people_say_of_it_moves_its_threshold_and_what_is_expected_is_not_told() -> None:
    flow, chance, end = known()
    put(flow, sorted([*traffic(end + 4, chance, end), *storm(end + 1, 200)], key=lambda one: one.time))
    alert = next(one.fingerprint for one in flow.alerts() if one.source == RATES)

    def ask(number: int, **arguments: str) -> Reply:
        at = BEGIN + (end + 4) * STEP
        command = Command(
            id=f"c{number}", action=Action.FEEDBACK, target=alert, by="ann", time=at, arguments=dict(arguments)
        )
        reply = flow.command(command)[0]
        assert isinstance(reply, Reply)
        return reply

    assert ask(1, verdict="wrong").text.endswith("22.6")
    assert ask(2, verdict="expected", until=str(BEGIN + (end + 600) * STEP)).ok
    out = put(flow, traffic(end + 300, chance, end + 4))
    assert [one[0] for one in said(out)] == ["resolved"]
    more = sorted([*traffic(end + 304, chance, end + 300), *storm(end + 301, 300)], key=lambda one: one.time)
    assert said(put(flow, more)) == []


def test_in_the_shadow_it_is_counted_and_not_told() -> None:
    flow, chance, end = known(FlowSettings(models=ModelSettings(shadow=True, rates=RateSettings(enabled=True))))
    out = put(flow, sorted([*traffic(end + 4, chance, end), *storm(end + 1, 200)], key=lambda one: one.time))
    assert said(out) == []
    assert flow.counters()["shadow rate anomaly"] == 1


def test_switched_off_nothing_is_counted_or_kept() -> None:
    flow = Flow(FlowSettings(models=ModelSettings(rates=RateSettings(enabled=False))))
    out = [*put(flow, [event(1, 0)]), *flow.tick(BEGIN + DAY)]
    assert told(out) == {}
    assert not [entry for entry in flow.drain() if entry.table in ("tally", "rates", "quiet")]


def test_there_is_room_for_so_many_and_the_rest_is_counted_as_one() -> None:
    given = FlowSettings(models=ModelSettings(rates=RateSettings(enabled=True, most=10)))
    flow = Flow(given)
    out = put(flow, [event(n, n * 100, f"pod-{n}") for n in range(1000)])
    out += flow.tick(BEGIN + 2 * HOUR)
    found = told(out)[0, "events", "item"]
    assert sum(found.values()) == 1000
    assert len(found) <= 10
    assert found[""] > 900
    assert sum(map(len, flow.rate_step.trends.quiet.live.values())) <= 10


def test_what_is_silent_for_long_is_forgotten() -> None:
    given = FlowSettings(
        models=ModelSettings(forget=DAY, rates=RateSettings(enabled=True)), dedup=DedupSettings(), time=TimeSettings()
    )
    flow = Flow(given)
    put(flow, [event(n, n * SECOND, f"pod-{n % 50}", source=f"source-{n % 9}") for n in range(3000)])
    flow.tick(BEGIN + 2 * HOUR)
    trends = flow.rate_step.trends
    assert len(trends.table) + sum(map(len, trends.quiet.live.values())) > 50
    for hour in range(3, 60):
        flow.tick(BEGIN + hour * HOUR)
    assert len(trends.table) + sum(map(len, trends.quiet.live.values())) == 0
