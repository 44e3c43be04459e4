"""A cluster is brought to what the templates say; a mapping that changes takes all documents along."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from agents.index import setup as setting_up
from agents.index import templates
from agents.index.client import connect
from agents.index.documents import Document, document
from agents.index.indexer import Indexer
from agents.index.kinds import KINDS
from agents.index.known import scan
from agents.index.migrate import migrate
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import behind, setup, standing
from agents.index.templates import mapped_fields, targets
from schemas.base import ConfigError
from tests.agents.index.records import SOME


@pytest.fixture
def settings(url: str, prefix: str) -> ElasticsearchOutput:
    return ElasticsearchOutput(type="elasticsearch", nodes=(url,), prefix=prefix, retention={"events": 3 * 86_400_000})


def alerts(count: int) -> list[Document]:
    return [document(KINDS["alert"], {**SOME["alert"][0], "fingerprint": f"f{n}"}) for n in range(count)]


def write(settings: ElasticsearchOutput, documents: list[Document]) -> None:
    async def work() -> None:
        with connect(settings) as client:
            await Indexer(client, settings, lambda _: None).write(documents)

    asyncio.run(work())


def changed(monkeypatch: pytest.MonkeyPatch, name: str, properties: Mapping[str, Any]) -> None:
    """As if the file of a component had other properties of tocsin.alert."""
    real = templates.component

    def other(asked: str) -> Mapping[str, Any]:
        if asked != name:
            return real(asked)
        return {"mappings": {"properties": {"tocsin": {"properties": {"alert": {"properties": properties}}}}}}

    monkeypatch.setattr(templates, "component", other)
    monkeypatch.setattr(setting_up, "component", other)


def test_setting_up_again_does_no_harm_and_all_is_ready(client: Elasticsearch, settings: ElasticsearchOutput) -> None:
    assert {one.state for one in standing(client, settings)} == {"missing"}
    first = setup(client, settings)
    assert len(first) == 10
    assert setup(client, settings) == first[:1]
    assert {one.state for one in standing(client, settings)} == {"ready"}
    kept = client.indices.get_index_template(name=settings.name("events"))["index_templates"][0]["index_template"]
    assert kept["template"]["lifecycle"]["data_retention"] == "3d"


def test_what_the_server_maps_is_what_the_files_say(client: Elasticsearch, settings: ElasticsearchOutput) -> None:
    setup(client, settings)
    write(settings, [document(KINDS[name], SOME[name][0]) for name in ("event", "transition", "audit")])
    for target in targets(settings).values():
        for index in behind(client, target):
            mapping = client.indices.get_mapping(index=index)[index]["mappings"]
            assert mapping["dynamic"] == "strict"
            found: dict[str, dict[str, Any]] = {}
            templates._fields(mapping, "", found)
            wanted = {path: one["type"] for path, one in mapped_fields(target).items()}
            assert {path: one["type"] for path, one in found.items()} == wanted


def test_nothing_is_written_past_the_alias(client: Elasticsearch, settings: ElasticsearchOutput) -> None:
    setup(client, settings)
    with pytest.raises(BadRequestError, match="strict"):
        client.index(index=settings.name("alerts"), document={"surprise": 1})


def test_a_changed_mapping_takes_all_documents_along_and_keeps_their_versions(
    client: Elasticsearch, settings: ElasticsearchOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup(client, settings)
    write(settings, alerts(2500))
    client.indices.refresh(index=settings.name("alerts"))
    before = {hit["_id"]: hit["_source"] for hit in scan(client, settings.name("alerts"))}
    more = {name: {"type": "keyword"} for name in ("status", "highest", "runbook")}
    numbers = {name: {"type": "long"} for name in ("count", "late", "reopened", "spells", "total")}
    rest = {
        "expires": {"type": "date"},
        "flapping": {"type": "boolean"},
        "history": {"type": "object", "enabled": False},
    }
    changed(monkeypatch, "alerts", {**more, **numbers, **rest})
    assert [one.target.name for one in standing(client, settings) if one.state == "outdated"] == [
        settings.name("alerts")
    ]
    (moved,) = migrate(client, settings)
    assert (moved.documents, moved.new) == (2500, f"{settings.name('alerts')}-000002")
    assert not client.indices.exists(index=moved.old)
    assert {hit["_id"]: hit["_source"] for hit in scan(client, settings.name("alerts"))} == before
    assert {one.state for one in standing(client, settings)} == {"ready"}
    assert client.get(index=settings.name("alerts"), id="f7")["_version"] == 3
    write(settings, alerts(1))  # the new one is written to by the same name
    assert migrate(client, settings) == []


def test_documents_that_do_not_fit_leave_everything_as_it_was(
    client: Elasticsearch, settings: ElasticsearchOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup(client, settings)
    write(settings, alerts(3))
    changed(monkeypatch, "alerts", {"status": {"type": "long"}})
    with pytest.raises(ConfigError, match=r"alerts-000001: a document does not fit into the new mapping"):
        migrate(client, settings)
    write(settings, alerts(4))
    client.indices.refresh(index=settings.name("alerts"))
    assert client.count(index=settings.name("alerts"))["count"] == 4
    assert behind(client, targets(settings)["alerts"]) == [f"{settings.name('alerts')}-000001"]


def test_what_an_interrupted_migration_left_is_cleared_away(
    client: Elasticsearch, settings: ElasticsearchOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup(client, settings)
    write(settings, alerts(3))
    target = targets(settings)["placements"]
    setting_up.make(client, target, f"{target.name}-000002", alias=False)
    client.indices.put_settings(index=f"{target.name}-000001", settings={"index.blocks.write": True})
    changed(monkeypatch, "state", {"more": {"type": "keyword"}})
    assert [one.documents for one in migrate(client, settings)][:2] == [3, 0]
    assert behind(client, target) == [f"{target.name}-000002"]
