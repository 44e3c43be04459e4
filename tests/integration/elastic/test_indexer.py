"""The indexer waits out what passes, and says what never will be taken; nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from elasticsearch import Elasticsearch
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.index.bulk import Refusal
from agents.index.client import connect
from agents.index.documents import Document, document
from agents.index.indexer import Indexer, State
from agents.index.kinds import KINDS
from agents.index.settings import ElasticsearchOutput
from agents.local.elasticsearch import Node
from tests.agents.index.records import SOME
from tests.integration.elastic.front import fronted


class Rig:
    """An indexer, what it buried, and what its cluster holds."""

    def __init__(self, url: str, client: Elasticsearch, prefix: str, **settings: Any) -> None:
        self.settings = ElasticsearchOutput(
            type="elasticsearch", **{"nodes": (url,), "prefix": prefix, "slowest": 2000, **settings}
        )
        self.buried: list[Refusal] = []
        self.client = client
        self.own = connect(self.settings)
        self.indexer = Indexer(self.own, self.settings, self.buried.extend)

    def write(self, documents: Sequence[Document], *, doubtful: bool = False) -> None:
        async def work() -> None:
            await self.indexer.ready()
            await self.indexer.write(documents, doubtful=doubtful)

        asyncio.run(asyncio.wait_for(work(), 60))

    def write_while(self, documents: Sequence[Document], waits_for: State, then: Callable[[], object]) -> str:
        """Write, wait until the indexer waits for something, do something about it, and wait for the end."""

        async def all_of_it() -> None:
            await self.indexer.ready()
            await self.indexer.write(documents)

        async def work() -> str:
            task = asyncio.create_task(all_of_it())
            while self.indexer.health.state is not waits_for:
                await asyncio.sleep(0.02)
                assert not task.done()
            said = self.indexer.health.detail
            await asyncio.to_thread(then)
            await task
            return said

        return asyncio.run(asyncio.wait_for(work(), 60))

    def count(self, kind: str) -> int:
        name = self.settings.name(KINDS[kind].target)
        self.client.indices.refresh(index=name)
        return int(self.client.count(index=name)["count"])

    def source(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(index=self.settings.name(KINDS[kind].target), id=name)["_source"]
        return found


@pytest.fixture
def rig(url: str, client: Elasticsearch, prefix: str) -> Rig:
    return Rig(url, client, prefix)


def events(count: int, **more: Any) -> list[Document]:
    return [document(KINDS["event"], {**SOME["event"][0], "id": f"e{n}", **more}) for n in range(count)]


def alert(version: int, summary: str = "s") -> Document:
    return document(KINDS["alert"], {**SOME["alert"][0], "version": version, "summary": summary})


def test_a_repeat_is_harmless_and_the_highest_version_stays(rig: Rig) -> None:
    rig.write([*events(5), alert(2, "newer")])
    rig.write([*events(7), alert(1, "older")])
    assert rig.count("event") == 7
    assert rig.source("alert", "f1")["message"] == "newer"
    assert rig.indexer.counts["repeated"] == 6
    assert rig.buried == []


def test_what_may_have_been_written_is_not_written_again_after_a_rollover(rig: Rig) -> None:
    rig.write(events(5))
    rig.client.indices.rollover(alias=rig.settings.name("events"))
    rig.write(events(8), doubtful=True)
    assert rig.count("event") == 8


def test_an_answer_that_gets_lost_doubles_nothing_even_across_a_rollover(
    url: str, client: Elasticsearch, prefix: str
) -> None:
    with fronted(url) as front:
        rig = Rig(front.url, client, prefix)
        rig.write(events(1))
        client.indices.rollover(alias=rig.settings.name("events"))
        front.lose = 1

        def roll() -> None:
            client.indices.rollover(alias=rig.settings.name("events"))

        rig.write_while(events(20)[1:], State.NOT_REACHED, roll)
        assert front.lose == 0
        assert rig.count("event") == 20


def test_members_that_leave_an_incident_are_deleted_even_by_an_indexer_that_is_new(
    rig: Rig, url: str, client: Elasticsearch
) -> None:
    incident = SOME["incident"][0]
    rig.write([document(KINDS["incident"], {**incident, "version": 5})])
    assert rig.count("member") == 2
    left = {**incident, "version": 6, "members": incident["members"][1:]}
    Rig(url, client, rig.settings.prefix).write([document(KINDS["incident"], left)])
    assert rig.count("member") == 1


def test_a_document_that_does_not_fit_is_buried_with_its_reason_and_the_others_are_written(rig: Rig) -> None:
    good = events(3)
    body = orjson.loads(good[0].body or b"")
    unknown = good[0]._replace(id="u", body=orjson.dumps({**body, "surprise": 1}))
    clash = good[0]._replace(id="c", body=orjson.dumps({**body, "@timestamp": "yesterday"}))
    rig.write([unknown, *good, clash])
    assert rig.count("event") == 3
    assert [(one.document.id, one.reason) for one in rig.buried] == [
        ("u", "strict_dynamic_mapping_exception"),
        ("c", "document_parsing_exception"),
    ]
    assert "surprise" in rig.buried[0].detail
    assert "yesterday" in rig.buried[1].detail


def test_a_document_that_is_too_large_is_buried_and_requests_stay_small(
    url: str, client: Elasticsearch, prefix: str
) -> None:
    with fronted(url) as front:
        rig = Rig(front.url, client, prefix, document_bytes=10_000, bulk_bytes=4096)
        rig.write([*events(40), *events(1, id="big", summary="x" * 11_000)])
        assert rig.count("event") == 40
        assert [(one.document.id, one.reason) for one in rig.buried] == [("nagios:big", "too-large")]
        assert "document_bytes is 10000" in rig.buried[0].detail
        assert front.largest <= 4096


def test_a_request_that_is_refused_whole_is_halved_until_the_one_document_is_found(
    url: str, client: Elasticsearch, prefix: str
) -> None:
    with fronted(url) as front:
        rig = Rig(front.url, client, prefix)
        front.refuse = [413, 413, 413]
        rig.write(events(4))
        assert rig.count("event") == 3
        assert [one.reason for one in rig.buried] == ["too-large"]


def test_a_busy_node_is_tried_again(url: str, client: Elasticsearch, prefix: str) -> None:
    with fronted(url) as front:
        rig = Rig(front.url, client, prefix)
        front.refuse = [429, 503, 429]
        rig.write(events(10))
        assert rig.count("event") == 10
        assert rig.indexer.counts["waits"] == 3
        assert rig.indexer.health.state is State.INDEXING


def test_an_index_that_takes_no_writes_is_waited_for(rig: Rig) -> None:
    rig.write([alert(1)])
    name = rig.settings.name("alerts")

    def block(value: bool | None) -> None:
        rig.client.indices.put_settings(index=name, settings={"index.blocks.read_only_allow_delete": value})

    block(True)
    said = rig.write_while([alert(2, "after"), *events(2)], State.READ_ONLY, lambda: block(None))
    assert "read-only" in said
    assert rig.source("alert", "f1")["message"] == "after"
    assert rig.buried == []


def test_a_wrong_key_is_told_and_waited_for(url: str, client: Elasticsearch, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("wrong\n")
    with fronted(url) as front:
        rig = Rig(front.url, client, prefix, api_key_file=str(tmp_path / "key"))
        rig.write(events(1))
        front.key = "right"
        said = rig.write_while(events(3), State.NOT_ALLOWED, lambda: setattr(front, "key", "wrong"))
        assert "api_key_file" in said
        assert "wrong" not in said
        assert rig.count("event") == 3


def test_a_key_that_is_good_for_some_indices_only_buries_nothing(url: str, client: Elasticsearch, prefix: str) -> None:
    with fronted(url) as front:
        rig = Rig(front.url, client, prefix)
        front.forbid = f"{prefix}-alerts"
        said = rig.write_while([alert(1)], State.NOT_ALLOWED, lambda: setattr(front, "forbid", ""))
        assert said.startswith("403, what we are may not do this; security_exception")
        assert rig.count("alert") == 1
        assert rig.buried == []


def test_a_request_that_is_forbidden_as_a_whole_is_waited_for(url: str, client: Elasticsearch, prefix: str) -> None:
    with fronted(url) as front:
        rig = Rig(front.url, client, prefix)
        front.refuse = [403]
        rig.write(events(3))
        assert rig.count("event") == 3
        assert (rig.indexer.counts["waits"], rig.buried) == (1, [])


def test_an_index_that_somebody_closed_is_waited_for(rig: Rig) -> None:
    rig.write([alert(1)])
    name = f"{rig.settings.name('alerts')}-000001"
    rig.client.indices.close(index=name)
    said = rig.write_while([alert(2, "after")], State.BUSY, lambda: rig.client.indices.open(index=name))
    assert "index_closed_exception" in said
    assert rig.source("alert", "f1")["message"] == "after"
    assert rig.buried == []


@pytest.mark.slow
def test_a_disk_that_is_full_is_told_and_waited_for_until_the_node_itself_says_that_there_is_room(
    tmp_path: Path, prefix: str
) -> None:
    disk = "cluster.routing.allocation.disk"
    watched = {"cluster.info.update.interval": "10s", f"{disk}.threshold_enabled": "true"}
    with (
        Node(tmp_path / "node", settings=watched) as node,
        Elasticsearch(node.url, request_timeout=60) as client,
    ):
        rig = Rig(node.url, client, prefix)
        rig.write([alert(1)])
        free = f"{shutil.disk_usage(tmp_path).free // 2**30 + 100}gb"
        client.cluster.put_settings(
            persistent={f"{disk}.watermark.{level}": free for level in ("low", "high", "flood_stage")}
        )
        until_blocked(client, rig.settings.name("alerts"))
        said = rig.write_while(
            [alert(2, "after")],
            State.READ_ONLY,
            lambda: client.cluster.put_settings(persistent={f"{disk}.watermark.*": None}),
        )
        assert "read-only-allow-delete" in said
        assert rig.source("alert", "f1")["message"] == "after"
        assert rig.buried == []


def until_blocked(client: Elasticsearch, name: str) -> None:
    for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.5)):
        with attempt:
            (found,) = client.indices.get_settings(index=name, flat_settings=True).body.values()
            assert found["settings"]["index.blocks.read_only_allow_delete"] == "true"


def test_indices_that_are_missing_are_made_or_waited_for(url: str, client: Elasticsearch, prefix: str) -> None:
    async def ready(rig: Rig) -> None:
        await asyncio.wait_for(rig.indexer.ready(), 2)

    waiting = Rig(url, client, prefix, setup=False)
    with pytest.raises(TimeoutError):
        asyncio.run(ready(waiting))
    assert waiting.indexer.health.state is State.NOT_SET_UP
    assert "tocsin index setup" in waiting.indexer.health.detail
    assert not client.indices.exists(index=f"{prefix}-*", allow_no_indices=False)
    Rig(url, client, prefix).write(events(1))
