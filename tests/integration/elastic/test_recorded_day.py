"""Everything of a recorded day is in Elasticsearch once, at its highest version, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import orjson
import pytest
from elasticsearch import Elasticsearch

from agents.embedded.store import Store
from agents.index.client import connect
from agents.index.kinds import KINDS
from agents.index.output import StoreIndexer
from agents.index.progress import PILE
from agents.index.settings import ElasticsearchOutput
from agents.index.verify import Compared, verify
from agents.local.elasticsearch import Node
from agents.simulate import simulate
from benchmarks.day import make_normaliser
from tests.integration.elastic.days import disturbed, host_at, lanes_of, whole_day
from tests.integration.elastic.test_setup import changed


def indexer(settings: ElasticsearchOutput, store: Store) -> StoreIndexer:
    return StoreIndexer(settings, store, make_normaliser(), lambda: time.time_ns() // 1_000_000)


def compared(settings: ElasticsearchOutput, path: Path) -> dict[str, Compared]:
    with connect(settings.model_copy(update={"timeout": 60_000})) as client:
        return {one.kind: one for one in verify(client, settings, lanes_of(path))}


def agree(found: dict[str, Compared]) -> None:
    assert {kind: one for kind, one in found.items() if not one.agrees} == {}


@pytest.mark.slow
def test_the_whole_day_is_there_once(url: str, prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    whole_day(path, 1)
    settings = ElasticsearchOutput(type="elasticsearch", nodes=(url,), prefix=prefix)
    store = Store(str(path))
    made = indexer(settings, store)
    assert made.pending() > 70_000
    asyncio.run(made.catch_up())
    found = compared(settings, path)
    agree(found)
    assert found["event"].same > 50_000
    assert found["incident"].same == sum(1 for _ in store.read.records("incident"))
    assert found["alert"].same == sum(1 for _ in store.read.records("alert"))
    assert min(found[kind].same for kind in KINDS if kind != "audit") > 0
    again = indexer(settings, store)
    assert again.pending() == 0
    store.close()


def test_what_is_new_does_not_wait_for_what_has_piled_up(
    url: str, client: Elasticsearch, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PILE > 1000
    monkeypatch.setattr("agents.index.progress.PILE", 1000)
    path = tmp_path / "s.db"
    day = simulate(2)
    host = host_at(path, day)
    settings = ElasticsearchOutput(type="elasticsearch", nodes=(url,), prefix=prefix, bulk_documents=100, requests=1)
    made = indexer(settings, host.store)
    host.receive(line.raw for line in day.lines[:3000])
    host.pump()

    async def work() -> None:
        changed = asyncio.Event()
        task = asyncio.create_task(made.run(changed))
        while made.indexer.counts["requests"] < 4:
            await asyncio.sleep(0.01)
        host.receive([day.lines[-1].raw])
        host.pump()
        changed.set()
        newest = made._normaliser.normalise(day.lines[-1].raw).events[0]
        query = {"term": {"event.id": newest.id}}
        while True:
            client.indices.refresh(index=settings.name("events"), ignore_unavailable=True)
            if client.count(index=settings.name("events"), query=query, ignore_unavailable=True)["count"]:
                break
            await asyncio.sleep(0.05)
        assert made.pending() > 500
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(asyncio.wait_for(work(), 60))
    rest = indexer(settings, host.store)
    asyncio.run(rest.catch_up())
    agree(compared(settings, path))
    host.store.close()


def test_what_elasticsearch_never_takes_is_a_dead_letter_in_the_store_with_its_reason(
    url: str, client: Elasticsearch, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    whole_day(path, 1, 400)
    store = Store(str(path))
    alerts = sum(1 for _ in store.read.records("alert"))
    settings = ElasticsearchOutput(type="elasticsearch", nodes=(url,), prefix=prefix, document_bytes=20_000)
    changed(monkeypatch, "alerts", {"status": {"type": "long"}})  # the mapping does not fit any more
    made = indexer(settings, store)
    asyncio.run(made.catch_up())
    letters = [orjson.loads(value) for value in store.read.dead()]
    found = [one for one in letters if one["reason"].startswith("not-indexed-")]
    assert {one["reason"] for one in found} == {"not-indexed-document_parsing_exception"}
    assert len(found) == alerts > 10
    assert all("tocsin.alert.status" in one["detail"] for one in found)
    assert {one["raw"]["origin"].split()[0] for one in found} == {"alert"}
    client.indices.refresh(index=f"{prefix}-*")
    assert client.count(index=f"{prefix}-events")["count"] >= 390
    asyncio.run(indexer(settings, store).catch_up())  # what was never taken is told to Elasticsearch, too
    client.indices.refresh(index=f"{prefix}-*")
    assert client.count(index=f"{prefix}-dead")["count"] == len(letters)
    store.close()


@pytest.mark.kill
@pytest.mark.slow
def test_a_node_that_is_killed_five_times_during_the_day_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    day = simulate(3)
    host = host_at(path, day._replace(lines=day.lines[:8000]))
    with Node(tmp_path / "node") as node:
        settings = ElasticsearchOutput(type="elasticsearch", nodes=(node.url,), slowest=2000, bulk_documents=300)
        made = indexer(settings, host.store)
        seen = asyncio.run(asyncio.wait_for(disturbed(made, host, day.lines[:8000], node, kills=5), 250))
        assert seen.kills == 5
        assert made.indexer.counts["waits"] >= 5
        assert made.indexer.counts["refused"] == 0
        found = compared(settings, path)
    agree(found)
    assert found["event"].same > 6000
    host.store.close()
