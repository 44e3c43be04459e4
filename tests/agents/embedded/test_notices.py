"""Whoever sees to service levels is told of each clock that comes to its end, once, and of nothing else."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from agents.config import JsonLinesOutput, WebhookOutput
from agents.embedded.host import Host
from agents.embedded.outputs.jsonl import LinesFile
from agents.embedded.outputs.webhook import Webhook
from agents.embedded.store import Store
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import make_source
from schemas.base import DAY, HOUR
from schemas.event import RawRecord
from tests.agents.embedded.test_run import receiver

BEGIN = 1_772_409_600_000
DOWN = {"labels": {"alertname": "Down", "instance": "db1", "severity": "critical"}, "startsAt": "2026-03-02T00:00:00Z"}


def neglect(store: Store) -> None:
    """A critical alert that nobody takes for two days, while all else is well."""
    host = Host(Flow(FlowSettings()), Normaliser({n: make_source(n) for n in ("alertmanager", "syslog")}), store)
    told = json.dumps({"version": "4", "alerts": [{"status": "firing", **DOWN}]}).encode()
    host.receive([RawRecord(source="alertmanager", received=BEGIN, payload=told, origin="test")])
    for at in range(BEGIN, BEGIN + 2 * DAY, HOUR):
        text = f"<14>1 {datetime.fromtimestamp(at / 1000, UTC).isoformat()} web1 cron - - - all is well"
        host.receive([RawRecord(source="syslog", received=at, payload=text.encode(), origin="test")])
    host.pump()


def test_a_file_has_each_notice_once(tmp_path: Path) -> None:
    path = tmp_path / "levels.jsonl"
    settings = JsonLinesOutput(type="jsonl", path=str(path), format="service-levels")
    with closing(Store(str(tmp_path / "s.db"))) as store:
        LinesFile(settings, store, lambda: 0)
        neglect(store)
        LinesFile(settings, store, lambda: 0).flush()
        LinesFile(settings, store, lambda: 0).flush()
        (incident,) = (json.loads(one)["id"] for one in store.read.records("incident"))
    told = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [(one["incident"], one["clock"], one["state"]) for one in told] == [
        (incident, clock, state) for clock in ("own", "resolve") for state in ("warned", "breached")
    ]


def test_a_receiver_gets_each_notice_under_a_key_of_its_own(tmp_path: Path) -> None:
    taken: list[tuple[dict[str, str], bytes]] = []

    async def deliver(output: Webhook, wanted: int) -> None:
        running = asyncio.create_task(output.run(asyncio.Event()))
        while len(taken) < wanted and not running.done():
            await asyncio.sleep(0.01)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    with receiver([200], taken) as url, closing(Store(str(tmp_path / "s.db"))) as store:
        settings = WebhookOutput(type="webhook", url=url, format="service-levels")
        output = Webhook(settings, store, lambda: 0)
        neglect(store)
        asyncio.run(deliver(output, 4))
    assert {headers["x-tocsin-reason"] for headers, _ in taken} == {"service-level"}
    assert len({headers["idempotency-key"] for headers, _ in taken}) == 4
    assert [json.loads(body)["state"] for _, body in taken] == ["warned", "breached"] * 2
