"""The role detect on a real broker: killed, moved or not, it says and learns what one process says and learns."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.cli.main import cli
from agents.stream import clients, wire
from agents.stream.learned import Learned
from agents.stream.parcel import packs_in
from agents.stream.partition import partition_of
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from agents.stream.wire import Events, Samples
from pipeline.clock import Clock
from pipeline.flow import Flow
from pipeline.sources.registry import SOURCES
from pipeline.trend_step import TrendStep
from schemas.alert import Alert
from schemas.base import MINUTE
from schemas.command import Action, Command
from schemas.event import Event, MetricSample, fingerprint
from tests.integration.kafka.worker.stage import PACK, Play, Stage, Worker, ended, total
from tests.pipeline.test_trend_step import BEGIN, KNOWN, STEP, calm, sample

NAMES = tuple(f"shop{number}" for number in range(8))
ORIGIN = "raw.prometheus/0"
PARTITIONS = 4


def wrong() -> list[MetricSample]:
    """Series of which one after the other goes wrong and is well again, in the order of time."""
    found = calm(KNOWN, NAMES)
    for at in range(KNOWN, KNOWN + 60 * len(NAMES) + 150):
        ill, since = divmod(at - KNOWN, 60)
        usual = {one.resource: one for one in calm(at + 1, NAMES, at)}
        for number, name in enumerate(NAMES):
            found.append(sample(at, 400.0, name) if number == ill and since < 8 else usual[name])
    return found


class Measured(Stage):
    """Topics of one test, filled with samples."""

    def __init__(self, settings: KafkaSettings) -> None:
        super().__init__(settings, Play([], []))

    def measure(self, samples: Sequence[MetricSample], pause: float = 0.0, pack: int = PACK) -> None:
        """Put samples into the topic of metrics, packed as the ingest hop does."""
        producer = clients.producer(self.settings)
        for at in range(0, len(samples), pack * PARTITIONS):
            some = samples[at : at + pack * PARTITIONS]
            packs: list[list[MetricSample]] = [[] for _ in range(PARTITIONS)]
            for one in some:
                series = fingerprint(one.tenant, one.resource, one.component, one.metric)
                packs[partition_of(series.encode(), PARTITIONS)].append(one)
            assert all(packs), "each partition has series"
            self.send(producer, packs, some[-1].time)
            time.sleep(pause)
        producer.close()

    def tick(self, high: int) -> None:
        """Say how far time has come."""
        producer = clients.producer(self.settings)
        self.send(producer, [[] for _ in range(PARTITIONS)], high)
        producer.close()

    def send(self, producer: clients.Producer, packs: Sequence[Sequence[MetricSample]], high: int) -> None:
        """A pack for each partition."""
        for target, some in enumerate(packs):
            pack = wire.pack_samples(Samples(ORIGIN, high, time.time_ns() // 1_000_000, some))
            producer.send(self.settings.topic("metrics"), pack, partition=target)

    def begin(self, workers: Iterable[Worker]) -> None:
        """Wait until all partitions of the alert step know of all those of the models, as they do in ordinary life."""
        self.tick(BEGIN)
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.3), reraise=True):
            with attempt:
                assert total(workers, 'tocsin_flow_total{step="alerts",what="packs"}') >= PARTITIONS * PARTITIONS

    def said(self) -> list[tuple[int, Events]]:
        """What the models said, pack by pack, by the partition it went to."""
        messages = ((message.partition, packs_in(message.value or b"")) for message in self.read("events"))
        found = ((target, wire.unpack_events(pack)) for target, packs in messages for pack in packs)
        return [(target, pack) for target, pack in found if pack.origin.startswith("detect/") and pack.events]


def bare_step(stage: Stage, samples: Iterable[MetricSample]) -> list[Event]:
    """What one process says of the same samples."""
    step = TrendStep(stage.config.flow, Clock(stage.config.flow.time.lateness))
    return [event for one in samples for event in step.events(step.begin(one))]


def handled(
    models: Sequence[Worker], others: Sequence[Worker], samples: int, events: int, seconds: float = 120
) -> None:
    """Until so many samples and events have been counted and nothing is left to be read."""
    for attempt in Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.3), reraise=True):
        with attempt:
            assert total(models, 'tocsin_flow_total{step="series",what="samples"}') == samples
            assert sum(1 for one in models for name in one.metrics() if name.startswith("tocsin_lag{")) == PARTITIONS
            assert total(models, "tocsin_lag{") == 0
            assert total(others, 'tocsin_flow_total{step="alerts",what="events"}') == events
            assert total(others, "tocsin_lag{") == 0
            delay = [one.metrics() for one in others]
            assert all(found.get("tocsin_ready") == 1 for found in delay)


def assert_the_same(stage: Measured, samples: Sequence[MetricSample]) -> None:
    """Events, alerts, and all that was learned."""
    numbered: dict[tuple[int, str, int], Events] = {}
    for target, pack in stage.said():
        key = (target, pack.origin, pack.number)
        assert numbered.setdefault(key, pack).events == pack.events, "a number means one pack"
    expected = bare_step(stage, samples)
    events = [event for pack in numbered.values() for event in pack.events]
    assert sorted(one.model_dump_json() for one in events) == sorted(one.model_dump_json() for one in expected)
    assert len(expected) >= 2 * len(NAMES)
    flow = Flow(stage.config.flow)
    for one in samples:
        flow.sample(one)
    flow.tick(samples[-1].time + stage.config.flow.time.lateness)
    alerts = {one.fingerprint: one.model_dump(mode="json") for one in flow.export() if isinstance(one, Alert)}
    assert len(alerts) >= len(NAMES)
    assert _bare(stage.newest("alerts.current")) == _bare(alerts)
    learned = {entry.key: entry.value for entry in flow.drain() if entry.table == "series"}
    found = Learned(stage.settings)
    assert {entry.key: entry.value for entry in found.state("series")} == learned
    assert found.counters()["samples"] == len(samples)


def _bare(records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: value for key, value in one.items() if key != "version"} for name, one in records.items()}


@pytest.mark.slow
def test_samples_of_series_that_go_wrong_end_as_alerts(settings: KafkaSettings, tmp_path: Path) -> None:
    stage, samples = Measured(settings), wrong()
    stage.set()
    models, others = [Worker(settings, "d0", tmp_path, "detect")], [Worker(settings, "w0", tmp_path)]
    with ended([*models, *others]):
        stage.begin(others)
        stage.measure(samples)
        stage.tick(samples[-1].time + stage.config.flow.time.lateness)
        handled(models, others, len(samples), len(bare_step(stage, samples)))
        assert models[0].metrics()["tocsin_series"] == len(NAMES)
        for path in ("healthy", "ready"):
            assert httpx.get(f"http://127.0.0.1:{models[0].port}/-/{path}").status_code == 200
        assert all(worker.stop() < 5 for worker in [*models, *others])
    assert_the_same(stage, samples)


@pytest.mark.slow
def test_models_that_are_killed_and_moved_leave_no_trace(settings: KafkaSettings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"session": 6000, "checkpoint_models": 500})
    stage, samples = Measured(settings), wrong()
    stage.set()
    models = [Worker(settings, "d0", tmp_path, "detect")]
    others = [Worker(settings, "w0", tmp_path)]
    with ended([*models, *others]):
        stage.begin(others)
        known = KNOWN * len(NAMES)
        stage.measure(samples[:known])
        playing = threading.Thread(target=stage.measure, args=(samples[known:], 0.03, 2))
        playing.start()
        for victim in (0, 0, 0, 1, 0, 1):
            time.sleep(2.5)
            if victim < len(models):
                models[victim].kill()
                models[victim] = Worker(settings, f"d{victim}", tmp_path, "detect")
            else:
                models.append(Worker(settings, f"d{victim}", tmp_path, "detect"))
        with ended(models):
            playing.join()
            stage.tick(samples[-1].time + stage.config.flow.time.lateness)
            handled(models, others, len(samples), len(bare_step(stage, samples)))
            for worker in [*models, *others]:
                worker.stop()
    assert_the_same(stage, samples)


@pytest.mark.slow
def test_what_a_person_says_reaches_the_series_and_is_answered_once(settings: KafkaSettings, tmp_path: Path) -> None:
    stage = Measured(settings)
    stage.set()
    samples = [*calm(KNOWN, NAMES), *(sample(KNOWN + n, 400.0, name) for n in range(4) for name in NAMES)]
    models, others = [Worker(settings, "d0", tmp_path, "detect")], [Worker(settings, "w0", tmp_path)]
    with ended([*models, *others]):
        stage.begin(others)
        stage.measure(samples)
        events = bare_step(stage, samples)
        handled(models, others, len(samples), len(events))
        alerts = sorted({event.fingerprint for event in events})
        ask(stage, {f"c{number}": alert for number, alert in enumerate([*alerts, "nothing"])})
        expected = {f"c{number}": "done" for number in range(len(alerts))} | {f"c{len(alerts)}": "not-found"}
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.3), reraise=True):
            with attempt:
                assert len(stage.read("replies")) >= len(expected)
                assert stage.newest("alerts.current").keys() == set(alerts)
        asked_by_hand(settings, alerts[0], tmp_path / "w0.json")
        for worker in [*models, *others]:
            worker.stop()
    replies = [orjson.loads(message.value or b"") for message in stage.read("replies")]
    by_hand = [one for one in replies if one["command"] not in expected]
    assert [one["reason"] for one in by_hand] == ["done"]
    answered = [(one["command"], one["reason"]) for one in replies if one not in by_hand]
    assert sorted(answered) == sorted(expected.items())
    audit = [orjson.loads(message.value or b"") for message in stage.read("audit")]
    assert sorted((one["target"], one["reason"]) for one in audit) == sorted(
        [*((alert, "done") for alert in [*alerts, alerts[0]]), ("nothing", "not-found")]
    )
    assert Learned(settings).counters()["feedback wrong"] == len(alerts)
    assert Learned(settings).counters()["feedback expected"] == 1
    listed = CliRunner().invoke(cli, ["models", "list", "--config", str(tmp_path / "w0.json"), "--json"])
    thresholds = {one["resource"]: one["threshold"] for one in json.loads(listed.stdout)["series"]}
    assert thresholds == dict.fromkeys(NAMES, stage.config.flow.models.threshold + 2.6)


def asked_by_hand(settings: KafkaSettings, alert: str, config: Path) -> None:
    """As a person does, by the first characters of the alert's name."""
    words = ["models", "feedback", alert[:10], "expected", "--for", "2h", "--config", str(config)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    missing = CliRunner().invoke(cli, ["models", "feedback", "nobody", "wrong", "--config", str(config)])
    assert missing.exit_code != 0
    assert f"{settings.prefix}alerts.current" in missing.output


def ask(stage: Stage, alerts: dict[str, str]) -> None:
    """Say of alerts that they were wrong, each by a command of its own."""
    producer = clients.producer(stage.settings)
    for name, alert in alerts.items():
        command = Command(
            id=name, time=BEGIN, action=Action.FEEDBACK, by="kim", target=alert, arguments={"verdict": "wrong"}
        )
        producer.send(stage.settings.topic("commands"), wire.pack_record(command), b"default")
    producer.close()


@pytest.mark.slow
def test_lines_of_a_monitor_become_an_alert(settings: KafkaSettings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"ingest": IngestSettings(clock=False, linger=20)})
    create(settings, wanted(settings, SOURCES))
    stage = Measured(settings)
    roles = ("ingest", "detect", "correlate")
    samples = [*calm(KNOWN), *(sample(KNOWN + n, 400.0) for n in range(4)), *calm(KNOWN + 200, begin=KNOWN + 4)]
    workers = [Worker(settings, role, tmp_path, role) for role in roles]
    with ended(workers):
        producer = clients.producer(settings, linger_ms=20)
        for one in samples:
            line = f"response_time,host=shop value={one.value} {one.time * 1_000_000}"
            topic = settings.topic("raw.influx")
            producer.send(topic, line.encode(), b"shop", timestamp_ms=one.time)
        producer.close()
        for attempt in Retrying(stop=stop_after_delay(90), wait=wait_fixed(0.3), reraise=True):
            with attempt:
                assert total(workers, 'tocsin_flow_total{step="series",what="samples"}') == len(samples)
                assert [one["status"] for one in stage.newest("alerts.current").values()] == ["resolved"]
        for worker in workers:
            worker.stop()
    (alert,) = stage.newest("alerts.current").values()
    assert (alert["resource"], alert["check"], alert["signal"]) == ("shop", "response_time anomaly", "anomaly")
    assert BEGIN + KNOWN * STEP <= alert["first"] <= BEGIN + KNOWN * STEP + 20 * MINUTE
