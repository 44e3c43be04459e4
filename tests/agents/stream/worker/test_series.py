"""The models of one partition: what they say after a crash, how they move time, and who answers a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

import orjson
import pytest

from agents.stream.partition import partition_of
from agents.stream.wire import Events, Samples, unpack_events, unpack_metrics
from agents.stream.worker.alerts import AlertShard
from agents.stream.worker.outputs import Out
from agents.stream.worker.scopes import ScopeShard
from agents.stream.worker.series import SeriesShard
from pipeline.flow import Flow
from pipeline.settings import FlowSettings, ModelSettings
from schemas.alert import Alert
from schemas.base import HOUR, MINUTE, SECOND
from schemas.command import Action, Command, Role
from schemas.event import MetricSample
from tests.agents.stream.worker.packs import arrived
from tests.agents.stream.worker.reborn import checkpoint, reborn
from tests.pipeline.test_trend_step import BEGIN, KNOWN, STEP, calm, high, sample

SETTINGS = FlowSettings()
NAMES = ("shop", "bank", "mail")
TARGETS = 2
IDLE = SETTINGS.time.idle


def wrong() -> list[MetricSample]:
    """Series that go wrong, one after the other, and are well again."""
    found = calm(KNOWN, NAMES)
    for at, name in enumerate(NAMES):
        begin = KNOWN + 150 * at
        others = [other for other in NAMES if other != name]
        for step in range(begin, begin + 150):
            value = 400.0 if step < begin + 8 else 100.0
            found += [sample(step, value, name), *calm(step + 1, others, step)]
    return found


WRONG = wrong()


def packs_of(samples: Sequence[MetricSample], size: int = 40, sent: int = 1) -> list[Samples]:
    return [
        Samples("raw.prometheus/0", some[-1].time, sent, some)
        for some in (samples[at : at + size] for at in range(0, len(samples), size))
    ]


def shard_of(settings: FlowSettings = SETTINGS, partition: int = 0, partitions: int = 1) -> SeriesShard:
    return SeriesShard(settings, partition, partitions, TARGETS)


def said(outs: Iterable[Out]) -> list[tuple[int | None, Events]]:
    return [(out.partition, unpack_events(out.value)) for out in outs if out.topic == "events"]


def embedded(samples: Iterable[MetricSample], settings: FlowSettings = SETTINGS) -> tuple[Flow, list[Alert]]:
    flow = Flow(settings)
    for one in samples:
        flow.sample(one)
    flow.tick(flow.high + settings.time.lateness)
    return flow, sorted((one for one in flow.export() if isinstance(one, Alert)), key=lambda one: one.fingerprint)


def bare(alerts: Iterable[Alert]) -> list[dict[str, object]]:
    return [one.model_dump(exclude={"version"}) for one in alerts]


Ids = dict[tuple[int | None, int], list[str]]
"""Of events, by the partition they went to and the number of their pack."""


def note(found: Ids, outs: Iterable[Out]) -> None:
    for target, one in said(outs):
        if one.events:
            ids = [event.id for event in one.events]
            assert found.setdefault((target, one.number), ids) == ids, "a number means one thing"


def undisturbed(packs: Sequence[Samples]) -> tuple[SeriesShard, Ids]:
    shard, found = shard_of(), Ids()
    for offset, one in enumerate(packs):
        shard.apply(one, offset)
    note(found, shard.take(0))
    return shard, found


def test_whoever_crashes_when_says_the_same_under_the_same_numbers() -> None:
    random, written, found = Random(7), list[bytes](), Ids()
    packs = packs_of(WRONG)
    shard, at, crashes = shard_of(), 0, 0
    while at < len(packs):
        shard.apply(packs[at], at)
        shard.read("metrics", at)
        at += 1
        chance = random.random()
        if chance < 0.15 or at == len(packs):
            note(found, shard.take(at))
        if chance < 0.05:
            written += checkpoint(shard)
        elif chance > 0.95 and written:  # killed: all since the last checkpoint is read again
            shard, crashes = born_of(written), crashes + 1
            at = shard.applied["metrics"] + 1
    calm_one, expected = undisturbed(packs)
    assert crashes > 3
    assert len(expected) >= 2 * len(NAMES)
    assert found == expected
    assert shard.counters() == calm_one.counters()
    names = calm_one.tables.keys()
    assert [shard.tables.entry(*name) for name in names] == [calm_one.tables.entry(*name) for name in names]
    assert len(shard.tables) == len(calm_one.tables)


def born_of(written: Sequence[bytes]) -> SeriesShard:
    return reborn(shard_of(), written)


def test_what_comes_of_it_are_the_alerts_of_one_process_and_a_repeat_changes_nothing() -> None:
    shard, alerts = shard_of(), [AlertShard(SETTINGS, number, 1) for number in range(TARGETS)]
    sent: list[tuple[int | None, Events]] = []
    for offset, samples in enumerate(packs_of(WRONG)):
        shard.apply(samples, offset)
        sent += said(shard.take(offset * SECOND))
    random = Random(3)
    for at, (target, one) in enumerate(sent):
        alerts[target or 0].apply(arrived(one))
        if random.random() < 0.2:  # a crash: what was sent since the last checkpoint comes again
            for again, old in sent[max(at - 40, 0) : at + 1]:
                alerts[again or 0].apply(arrived(old))
    flow, expected = embedded(WRONG)
    for one_shard in alerts:
        one_shard.apply(arrived(Events("detect/0", flow.high, 2)))
    found = sorted((a for one in alerts for a in one.step.export()), key=lambda alert: alert.fingerprint)
    assert bare(found) == bare(expected)
    assert len(found) == len(NAMES)
    counted = [one.counters() for one in alerts]
    assert sum(one["events"] for one in counted) == flow.counters()["events"]
    assert sum(one.get("duplicate", 0) + one.get("late", 0) for one in counted) == 0


def test_a_sample_that_was_long_on_its_way_does_not_count_as_a_wrong_clock() -> None:
    settings = FlowSettings(models=ModelSettings(again=MINUTE))
    late = [one.model_copy(update={"received": one.time + HOUR}) for one in WRONG]
    shard, alerts = shard_of(settings), AlertShard(settings, 0, 1)
    for offset, one in enumerate(packs_of(late)):
        shard.apply(one, offset)
    for _, told in said(shard.take(0)):
        alerts.apply(arrived(told))
    assert alerts.counters()["events"] > 20
    assert alerts.step.skew.steady() == {}
    assert "skew corrected" not in alerts.counters()


def test_where_no_samples_come_nothing_is_said() -> None:
    shard = shard_of()
    assert [out for now in range(0, HOUR, MINUTE) for out in shard.take(now)] == []


def ticks(shard: SeriesShard, now: int) -> set[tuple[str, int, int]]:
    return {(one.origin, one.high, one.sent) for _, one in said(shard.take(now))}


def test_time_is_told_as_far_as_the_slowest_upstream_partition_has_come() -> None:
    shard = shard_of()
    shard.apply(Samples("raw.a/0", BEGIN, 1_000, [sample(0, 1.0)]), 0)
    shard.apply(Samples("raw.b/0", BEGIN + HOUR, 2_000), 1)
    assert ticks(shard, 10_000) == {("detect/0", BEGIN, 2_000)}
    shard.apply(Samples("raw.a/0", BEGIN + MINUTE, 3_000), 2)
    assert ticks(shard, 10_100) == set(), "not so soon again"
    assert ticks(shard, 11_000) == {("detect/0", BEGIN + MINUTE, 3_000)}
    assert ticks(shard, 99_000) == set(), "there is nothing new"


def test_models_rest_once_all_they_read_is_at_its_end() -> None:
    shard, alerts = shard_of(), AlertShard(SETTINGS, 0, 1)
    alerts.apply(arrived(Events("raw.native/0", BEGIN + HOUR, 1_000)))
    shard.apply(Samples("raw.a/0", BEGIN, 1_000, [sample(0, 1.0)]), 0)
    shard.apply(Samples("raw.b/0", BEGIN, 1_000), 1)
    for offset, name in enumerate(("raw.a/0", "raw.b/0"), 2):
        assert [one.rests for target, one in said(shard.take(offset * SECOND)) if target == 0] in ([False], [])
        shard.apply(Samples(name, BEGIN, 1_000, rests=True), offset)
    (told,) = (one for target, one in said(shard.take(9 * SECOND)) if target == 0)
    assert told.rests
    alerts.apply(arrived(told))
    alerts.apply(arrived(Events("raw.native/0", BEGIN + 2 * HOUR, 1_001)))
    assert alerts.clock.high == BEGIN + 2 * HOUR


def test_the_alert_step_waits_for_models_that_are_a_little_behind_and_not_for_others() -> None:
    alerts = AlertShard(SETTINGS, 0, 1)
    alerts.apply(arrived(Events("detect/0", BEGIN, 1_000)))
    alerts.apply(arrived(Events("raw.native/0", BEGIN + MINUTE, 1_000)))
    assert alerts.clock.high == BEGIN
    alerts.apply(arrived(Events("raw.native/0", BEGIN + HOUR, 1_000 + IDLE)))
    assert alerts.clock.high == BEGIN
    alerts.apply(arrived(Events("raw.native/0", BEGIN + HOUR, 1_001 + IDLE)))
    assert alerts.clock.high == BEGIN + HOUR
    alerts.apply(arrived(Events("detect/0", BEGIN + MINUTE, 1_001)))
    alerts.apply(arrived(Events("raw.native/0", BEGIN + 2 * HOUR, 1_002 + IDLE)))
    assert alerts.clock.high == BEGIN + 2 * HOUR, "it goes on from what was sent long ago"


def test_what_is_said_of_a_series_that_is_ahead_does_not_move_time() -> None:
    shard, alerts = shard_of(), [AlertShard(SETTINGS, number, 1) for number in range(TARGETS)]
    shard.apply(Samples("raw.slow/0", BEGIN, 1, [sample(0, 1.0, "slow")]), 0)
    for offset, one in enumerate(packs_of(WRONG), 1):
        shard.apply(one, offset)
    for target, told in said(shard.take(SECOND)):
        alerts[target or 0].apply(arrived(told))
    assert {one.clock.high for one in alerts} == {BEGIN}
    assert sum(one.counters().get("events", 0) for one in alerts) >= 2 * len(NAMES)


def test_each_partition_learns_its_share_of_the_most_series() -> None:
    settings = FlowSettings(models=ModelSettings(most=5))
    shard = shard_of(settings, partitions=2)
    shard.apply(packs_of([sample(0, 1.0, f"h{n}") for n in range(5)])[0], 0)
    assert len(shard.step.trends.table) == 3
    assert shard.counters()["samples of too many series"] == 2


def test_in_the_shadow_nothing_is_said_and_all_is_counted() -> None:
    shard = shard_of(FlowSettings(models=ModelSettings(shadow=True)))
    for offset, one in enumerate(packs_of(WRONG)):
        shard.apply(one, offset)
    assert sum(len(one.events) for _, one in said(shard.take(1))) == 0
    assert shard.counters()["shadow anomaly"] >= len(NAMES)


# -- feedback ------------------------------------------------------------------------------------------------------


def feedback(target: str, name: str = "c1", role: Role = Role.OPERATOR) -> Command:
    return Command(
        id=name, time=5, action=Action.FEEDBACK, by="kim", role=role, target=target, arguments={"verdict": "wrong"}
    )


@pytest.fixture
def shards() -> list[SeriesShard]:
    """Partitions of which only the second has learned anything."""
    found = [shard_of(partition=number, partitions=3) for number in range(3)]
    found[1].apply(packs_of(calm(20))[0], 0)
    return found


def alert_of(samples: Sequence[MetricSample]) -> str:
    (alert,) = embedded(samples)[1]
    return alert.fingerprint


ALERT = alert_of([*calm(KNOWN), *high(KNOWN, KNOWN + 12)])


def passed_on(command: Command, shards: Sequence[SeriesShard], times: int = 1) -> list[tuple[str, str]]:
    """The replies and lines of the audit trail, when each message on the way comes so many times."""
    scope = ScopeShard(SETTINGS, 0, 1)
    scope.command(command)
    waiting, found = scope.take(0), list[tuple[str, str]]()
    for at, out in enumerate(waiting):  # grows meanwhile
        if out.topic == "metrics":
            for again in range(times):
                shards[out.partition or 0].apply(unpack_metrics(out.value), 2 * at + again)
            waiting += shards[out.partition or 0].take(0)
        elif out.topic in ("replies", "audit"):
            found.append((out.topic, orjson.loads(out.value)["reason"]))
    return found


@pytest.mark.parametrize("times", [1, 2])
def test_the_partition_that_knows_the_series_answers_once(shards: list[SeriesShard], times: int) -> None:
    assert passed_on(feedback(ALERT), shards, times) == [("replies", "done"), ("audit", "done")]
    assert [one.counters().get("feedback wrong", 0) for one in shards] == [0, 1, 0]


@pytest.mark.parametrize("times", [1, 2])
def test_where_no_partition_knows_it_there_is_one_answer_too(shards: list[SeriesShard], times: int) -> None:
    assert passed_on(feedback("nothing"), shards, times) == [("replies", "not-found"), ("audit", "not-found")]


def test_who_may_not_ask_is_told_so_before_any_model_hears_of_it(shards: list[SeriesShard]) -> None:
    answer = passed_on(feedback(ALERT, role=Role.VIEWER), shards)
    assert answer == [("replies", "not-allowed"), ("audit", "not-allowed")]
    assert all(not len(one.asked) for one in shards)


def test_the_same_command_again_is_known_by_the_scope(shards: list[SeriesShard]) -> None:
    scope = ScopeShard(SETTINGS, 0, 1)
    scope.command(feedback(ALERT))
    assert [out.topic for out in scope.take(0)] == ["metrics"]
    scope.command(feedback(ALERT))
    assert [orjson.loads(out.value)["reason"] for out in scope.take(0)] == ["repeated", "repeated"]


def test_events_go_to_the_partition_of_their_alert() -> None:
    shard = shard_of()
    for offset, one in enumerate(packs_of(WRONG)):
        shard.apply(one, offset)
    placed = {(event.fingerprint, target) for target, one in said(shard.take(0)) for event in one.events}
    assert placed == {(name, partition_of(name.encode(), TARGETS)) for name, _ in placed}
    assert STEP == 5 * MINUTE
