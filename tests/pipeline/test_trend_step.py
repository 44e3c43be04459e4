"""Samples in the flow: what the models say is folded, correlated and ranked with what monitors say, and weighs less."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import CorrelateSettings, FlowSettings, IncidentSettings, ModelSettings
from pipeline.state import Entry
from schemas.alert import AlertTransition
from schemas.base import DAY, HOUR, MINUTE
from schemas.command import Action, Command, Reply
from schemas.event import MetricSample, Signal, content_id
from schemas.incident import Incident
from schemas.reference import ConfigurationItem, CorrelationRule, Relation
from schemas.severity import Severity
from tests.property.test_laws import State, keep, make_event, packed, where

BEGIN = 1_704_067_200_000
STEP = 5 * MINUTE
KNOWN = 3000
"""Points after which a series is known well."""


def sample(at: int, value: float, resource: str = "shop", **more: object) -> MetricSample:
    time = BEGIN + at * STEP
    given = {"time": time, "received": time, "source": "test", "resource": resource, "metric": "response time"}
    return MetricSample.model_validate({**given, "value": value, **more})


def calm(until: int, resources: Iterable[str] = ("shop",), begin: int = 0) -> list[MetricSample]:
    """Points of an ordinary series of each resource, in the order of time."""
    chance = random.Random(f"{begin}")
    return [sample(at, 100.0 + chance.gauss(0.0, 3.0), name) for at in range(begin, until) for name in resources]


def high(begin: int, until: int, resources: Iterable[str] = ("shop",)) -> list[MetricSample]:
    return [sample(at, 400.0, name) for at in range(begin, until) for name in resources]


def run(flow: Flow, samples: Iterable[MetricSample]) -> list[Output]:
    return [output for one in samples for output in flow.sample(one)]


def opened(out: Iterable[Output]) -> list[Incident]:
    return [record for record in out if isinstance(record, Incident)]


def test_an_anomaly_becomes_an_alert_that_clears_by_itself() -> None:
    flow = Flow(FlowSettings())
    out = run(flow, [*calm(KNOWN), *high(KNOWN, KNOWN + 12)])
    (alert,) = flow.alerts()
    assert (alert.signal, alert.severity, alert.status) == (Signal.ANOMALY, Severity.WARNING, "open")
    assert (alert.resource, alert.check) == ("shop", "response time anomaly")
    out += run(flow, calm(KNOWN + 200, begin=KNOWN + 12))
    assert [record.reason for record in out if isinstance(record, AlertTransition)] == ["opened", "resolved"]
    assert opened(out) == []


def test_an_anomaly_that_lasts_is_one_alert_with_repeats() -> None:
    flow = Flow(FlowSettings(models=ModelSettings(again=HOUR)))
    run(flow, [*calm(KNOWN), *high(KNOWN, KNOWN + 40)])
    (alert,) = flow.alerts()
    assert (alert.spells, alert.status) == (1, "open")
    assert alert.count > 1


def grouped(resources: Sequence[str], settings: FlowSettings) -> Flow:
    """A flow that knows that all but the first of them need the first."""
    flow = Flow(settings)
    for name in resources:
        flow.put(ConfigurationItem(id=name, name=name, kind="host"), 0)
    for name in resources[1:]:
        flow.put(Relation(source=name, target=resources[0]), 0)
    return flow


def test_a_few_anomalies_open_no_incident_but_join_that_of_a_fault() -> None:
    names = [f"app{number}" for number in range(6)]
    flow = grouped(["host", *names], FlowSettings())
    assert opened(run(flow, [*calm(KNOWN, names), *high(KNOWN, KNOWN + 1, names)])) == []
    assert len(list(flow.alerts())) == len(names)
    fault = make_event(1, BEGIN + KNOWN * STEP + MINUTE, "host", "ping", Severity.CRITICAL)
    out = [*flow.event(fault), *run(flow, high(KNOWN + 1, KNOWN + 4, names))]
    incident = opened(out)[-1]
    assert len(incident.members) == len(names) + 1
    assert incident.candidates[0].item == "host"


def test_many_anomalies_that_belong_together_open_an_incident() -> None:
    names = [f"app{number}" for number in range(6)]
    rule = CorrelationRule(id="slow", matchers=(where(check="response time anomaly"),), within=MINUTE)
    for needed, incidents in ((6, 1), (7, 0)):
        settings = FlowSettings(
            incident=IncidentSettings(open_anomalies=needed), correlate=CorrelateSettings(rules=(rule,))
        )
        out = run(grouped(names, settings), [*calm(KNOWN, names), *high(KNOWN, KNOWN + 4, names)])
        assert len({incident.id for incident in opened(out)}) == incidents


def test_what_only_the_models_say_is_ranked_below_what_a_monitor_says() -> None:
    names = ("top", "seen", "told")
    flow = grouped(names, FlowSettings())
    run(flow, [*calm(KNOWN, ["seen"]), *high(KNOWN, KNOWN + 1, ["seen"])])
    at = BEGIN + KNOWN * STEP
    out = flow.event(make_event(1, at, "top", "ping", Severity.CRITICAL))
    out += flow.event(make_event(2, at, "told", "response time", Severity.WARNING))
    out += run(flow, high(KNOWN + 1, KNOWN + 4, ["seen"]))
    candidates = {one.item: one for one in opened(out)[-1].candidates}
    assert candidates["told"].odds > candidates["seen"].odds
    terms = {item: {term.name: term.weight for term in one.terms} for item, one in candidates.items()}
    assert terms["seen"]["anomaly"] < 0.0
    assert "anomaly" not in terms["told"]


def test_samples_move_time_on_and_a_clock_that_is_ahead_does_not() -> None:
    flow = Flow(FlowSettings())
    flow.sample(sample(0, 1.0))
    assert flow.high == BEGIN
    flow.sample(sample(0, 1.0, time=BEGIN + DAY, received=BEGIN + STEP))
    assert flow.high == BEGIN + STEP
    flow.sample(sample(2, 1.0))
    ((_, last),) = flow.trend_step.trends.table.times()
    assert last == BEGIN + 2 * STEP
    assert flow.counters()["samples"] == 3
    assert flow.counters()["samples ahead"] == 1


def test_series_beyond_the_most_are_counted_and_the_known_ones_go_on() -> None:
    flow = Flow(FlowSettings(models=ModelSettings(most=2)))
    for at in range(3):
        run(flow, [sample(at, 1.0, name) for name in ("a", "b", "c")])
    assert len(flow.trend_step.trends.table) == 2
    assert flow.counters()["samples of too many series"] == 3


def test_series_that_fell_silent_are_forgotten_as_time_goes_on() -> None:
    flow = Flow(FlowSettings())
    flow.sample(sample(0, 1.0))
    flow.tick(BEGIN + 29 * DAY)
    assert len(flow.trend_step.trends.table) == 1
    flow.tick(BEGIN + 31 * DAY)
    assert len(flow.trend_step.trends.table) == 0


def test_models_that_are_switched_off_learn_nothing() -> None:
    flow = Flow(FlowSettings(models=ModelSettings(enabled=False)))
    run(flow, calm(10))
    assert len(flow.trend_step.trends.table) == 0
    assert flow.counters()["samples"] == 10


def test_models_in_the_shadow_learn_and_count_what_they_would_have_told() -> None:
    flow = Flow(FlowSettings(models=ModelSettings(shadow=True)))
    assert run(flow, [*calm(KNOWN), *high(KNOWN, KNOWN + 12)]) == []
    assert flow.counters()["shadow anomaly"] == 1
    state = State()
    keep(state, flow.drain())
    speaking = Flow(FlowSettings())
    speaking.restore(Entry(table, key, value) for (table, key), value in state.items())
    out = run(speaking, [*calm(KNOWN + 200, begin=KNOWN + 12), *high(KNOWN + 200, KNOWN + 203)])
    assert [record.reason for record in out if isinstance(record, AlertTransition)] == ["opened"]


def test_a_restart_anywhere_changes_nothing() -> None:
    names = ("one", "two")
    samples = [*calm(1200, names), *high(1200, 1210, names), *calm(1300, names, 1210)]
    settings = FlowSettings(models=ModelSettings(threshold=8.0))
    whole, state = Flow(settings), State()
    expected = packed(run(whole, samples))
    keep(state, whole.drain())
    assert expected
    for cut in (1, 1000, 2401, 2405, 2419, 2500):
        first, second, kept = Flow(settings), Flow(settings), State()
        out = packed(run(first, samples[: cut // 2]))
        keep(kept, first.drain())
        out += packed(run(first, samples[cut // 2 : cut]))
        keep(kept, first.drain())
        second.restore(Entry(table, key, value) for (table, key), value in kept.items())
        assert out + packed(run(second, samples[cut:])) == expected
        keep(kept, second.drain())
        assert kept == state


def asked(alert: str, at: int, **arguments: str) -> Command:
    return Command(
        id=f"{alert} {sorted(arguments.items())} {at}",
        time=at,
        action=Action.FEEDBACK,
        by="kim",
        target=alert,
        arguments=dict(arguments),
    )


def answer(flow: Flow, command: Command) -> Reply:
    reply = flow.command(command)[0]
    assert isinstance(reply, Reply)
    return reply


def test_what_people_say_of_an_anomaly_changes_its_series() -> None:
    flow = Flow(FlowSettings())
    run(flow, [*calm(KNOWN), *high(KNOWN, KNOWN + 3)])
    (alert,) = flow.alerts()
    assert "18.6" in answer(flow, asked(alert.fingerprint, 1, verdict="wrong")).text
    assert "17.6" in answer(flow, asked(alert.fingerprint, 2, verdict="right")).text
    assert flow.counters()["feedback wrong"] == flow.counters()["feedback right"] == 1
    state = State()
    keep(state, flow.drain())
    again = Flow(FlowSettings())
    again.restore(Entry(table, key, value) for (table, key), value in state.items())
    assert "16.6" in answer(again, asked(alert.fingerprint, 3, verdict="right")).text


def test_what_is_expected_is_not_told_until_then() -> None:
    flow = Flow(FlowSettings())
    run(flow, [*calm(KNOWN), *high(KNOWN, KNOWN + 3), *calm(KNOWN + 300, begin=KNOWN + 3)])
    told = [alert.total for alert in flow.alerts()]
    key = next(iter(flow.trend_step.trends.table))
    alert = content_id(key, "anomaly")
    until = BEGIN + (KNOWN + 500) * STEP
    assert answer(flow, asked(alert, 1, verdict="expected", until=str(until))).ok
    out = run(flow, high(KNOWN + 300, KNOWN + 310))
    assert [record for record in out if isinstance(record, AlertTransition)] == []
    assert [one.total for one in flow.alerts()] in ([], told)


def test_feedback_that_means_nothing_is_refused() -> None:
    flow = Flow(FlowSettings())
    run(flow, calm(10))
    alert = content_id(next(iter(flow.trend_step.trends.table)), "forecast")
    assert answer(flow, asked("nobody", 1, verdict="right")).reason == "not-found"
    assert answer(flow, asked(alert, 2, verdict="perhaps")).reason == "wrong-arguments"
    assert answer(flow, asked(alert, 3, verdict="expected", until="soon")).reason == "wrong-arguments"
    assert answer(flow, asked(alert, 4, verdict="right")).reason == "done"
