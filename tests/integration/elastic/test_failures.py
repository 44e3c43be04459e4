"""What goes wrong between a host and its Elasticsearch ends in a state and a message that say what to do."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from agents.cli.main import cli
from agents.config import StoreSettings
from agents.embedded.host import Host
from agents.embedded.live import Live
from agents.embedded.metrics import registry
from agents.embedded.store import Store
from agents.index.indexer import State
from agents.index.output import StoreIndexer
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import make, setup
from agents.index.templates import targets
from agents.local.process import free_ports
from agents.simulate import simulate
from benchmarks.day import make_normaliser
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from schemas.event import RawRecord
from tests.integration.elastic.days import host_at
from tests.integration.elastic.front import fronted

T = 1_777_000_000_000


def said(name: str, **more: Any) -> RawRecord:
    event = {"id": name, "kind": "problem", "resource": name, "check": "c", "severity": "critical", **more}
    return RawRecord(source="native", received=T, payload=orjson.dumps(event))


def store_of(path: Path, *raws: RawRecord) -> None:
    host = Host(Flow(FlowSettings()), make_normaliser(), Store(str(path)), 1)
    host.receive(raws)
    host.pump()
    host.finish("all of it")
    host.store.close()


class Cli:
    """Commands on one store and one installation."""

    def __init__(self, folder: Path, url: str, prefix: str, **output: Any) -> None:
        self.store, self.config = folder / "s.db", folder / "tocsin.yaml"
        target = {"type": "elasticsearch", "nodes": [url], "prefix": prefix, **output}
        self.config.write_text(yaml.safe_dump({"outputs": [target]}), encoding="utf-8")

    def index(self, *words: str) -> Result:
        stored = ("--store", str(self.store)) if words[0] in ("fill", "verify") else ()
        return CliRunner().invoke(cli, ["index", *words, "--config", str(self.config), *stored])

    def dead(self) -> dict[str, dict[str, Any]]:
        """Dead letters by what they are of."""
        shown = CliRunner().invoke(cli, ["dead", "list", "--store", str(self.store), "--json"])
        return {one["raw"]["origin"]: one for one in json.loads(shown.stdout)}


def test_what_does_not_fit_is_a_dead_letter_with_its_reason_and_can_be_indexed_once_that_is_mended(
    url: str, client: Elasticsearch, prefix: str, tmp_path: Path
) -> None:
    store_of(tmp_path / "s.db", said("good"), said("long", summary="x" * 9000))
    settings = ElasticsearchOutput(type="elasticsearch", nodes=(url,), prefix=prefix)
    target = targets(settings)["placements"]
    setup(client, settings)
    client.indices.delete(index=f"{target.name}-000001")
    client.indices.create(  # somebody made it by hand
        index=f"{target.name}-000001",
        aliases={target.name: {"is_write_index": True}},
        mappings={"_meta": {"tocsin": {"digest": target.digest}}, "properties": {"tocsin.scope": {"type": "date"}}},
    )
    tocsin = Cli(tmp_path, url, prefix, document_bytes=8192)
    ended = tocsin.index("fill")
    assert ended.exit_code == 0, ended.output
    assert "refused: see `tocsin dead list`" in " ".join(ended.stdout.split())
    dead = tocsin.dead()
    assert dead["event native:long"]["reason"] == "not-indexed-too-large"
    assert "document_bytes is 8192" in dead["event native:long"]["detail"]
    clashes = [one for name, one in dead.items() if name.startswith("placement ")]
    assert len(clashes) == 2
    assert clashes[0]["reason"] == "not-indexed-document_parsing_exception"
    assert "failed to parse field [tocsin.scope] of type [date]" in clashes[0]["detail"]
    client.indices.refresh(index=f"{prefix}-*")
    there = {hit["_id"] for hit in client.search(index=settings.name("dead"), source=False)["hits"]["hits"]}
    assert {one["id"] for one in clashes} <= there
    found = client.search(index=settings.name("events"))["hits"]["hits"]
    assert [one["_id"] for one in found] == ["native:good"]

    client.indices.delete(index=f"{target.name}-000001")
    make(client, target, f"{target.name}-000001")
    tocsin = Cli(tmp_path, url, prefix)
    assert tocsin.index("fill", "--again").exit_code == 0
    assert tocsin.index("verify").exit_code == 0


@pytest.mark.parametrize("words", [("setup",), ("status",), ("migrate",), ("verify",)])
def test_a_command_says_what_is_wrong_with_the_key_or_that_nobody_answers(
    url: str, prefix: str, tmp_path: Path, words: tuple[str]
) -> None:
    store_of(tmp_path / "s.db", said("good"))
    with closing(Store(str(tmp_path / "s.db"))) as store:
        StoreIndexer(ElasticsearchOutput(type="elasticsearch", nodes=(url,)), store, make_normaliser(), lambda: 0)
    (tmp_path / "key").write_text("top-secret\n")
    with fronted(url) as front:
        front.key = "another"
        tocsin = Cli(tmp_path, front.url, prefix, api_key_file=str(tmp_path / "key"))
        refused = tocsin.index(*words)
        gone = f"127.0.0.1:{front.server_address[1]}"
    told = " ".join(refused.stderr.split())
    assert (refused.exit_code, "401, who we are was not accepted; see api_key_file" in told) == (1, True)
    assert "top-secret" not in refused.output
    nobody = tocsin.index(*words)
    assert nobody.exit_code == 1
    assert f"no Elasticsearch answers at http://{gone}" in " ".join(nobody.stderr.split())


async def _until(state: State, made: StoreIndexer, running: asyncio.Task[None]) -> str:
    while made.indexer.health.state is not state:
        if running.done():
            running.result()
        await asyncio.sleep(0.02)
    return made.indexer.health.detail


def samples(host: Host, made: StoreIndexer) -> dict[str, float]:
    """How the output stands, as those see it who watch the host."""
    families = registry(Live(host, StoreSettings()), [made], Counter()).collect()
    (found,) = (one for one in families if one.name == "tocsin_output_state")
    return {one.labels["state"]: one.value for one in found.samples if one.labels["output"] == made.name}


def test_a_host_that_starts_before_its_elasticsearch_goes_on_and_catches_up(
    url: str, prefix: str, tmp_path: Path
) -> None:
    day = simulate(4)
    host = host_at(tmp_path / "s.db", day)
    port = next(free_ports())
    settings = ElasticsearchOutput(
        type="elasticsearch", nodes=(f"http://127.0.0.1:{port}",), prefix=prefix, slowest=500
    )
    made = StoreIndexer(settings, host.store, make_normaliser(), lambda: T)

    async def work() -> None:
        changed = asyncio.Event()
        running = asyncio.create_task(made.run(changed))
        assert "refused" in await _until(State.NOT_REACHED, made, running)
        host.receive(line.raw for line in day.lines[:500])
        host.pump()
        assert made.pending() > 500
        assert samples(host, made)["no node answers"] == 1
        with fronted(url, port):
            changed.set()
            while made.pending():
                await asyncio.sleep(0.05)
            assert {name for name, level in samples(host, made).items() if level} == {"indexing"}
            running.cancel()
            await asyncio.wait({running})

    asyncio.run(asyncio.wait_for(work(), 60))
    host.store.close()
    assert Cli(tmp_path, url, prefix).index("verify").exit_code == 0
