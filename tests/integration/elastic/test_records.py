"""One suite for every store of records: what holds for SQLite holds for Elasticsearch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from agents.embedded.store import Store
from agents.index.elastic_records import ElasticRecords
from agents.index.records import STORED, Records
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import setup
from agents.index.sqlite_records import SqliteRecords
from schemas.base import ConfigError
from tests.agents.index.records import SOME


@pytest.fixture(params=["sqlite", "elasticsearch"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    if request.param == "sqlite":
        path = str(tmp_path / "s.db")
        store = Store(path)
        made = SqliteRecords(path, store)
        yield made
        made.close()
        store.close()
        return
    client: Elasticsearch = request.getfixturevalue("client")
    settings = ElasticsearchOutput(
        type="elasticsearch", nodes=(request.getfixturevalue("url"),), prefix=request.getfixturevalue("prefix")
    )
    setup(client, settings)
    yield ElasticRecords(client, settings)


def incident(name: str, **more: Any) -> dict[str, Any]:
    return {**SOME["incident"][0], "id": name, "members": [], **more}


def ids(found: object) -> list[str]:
    assert hasattr(found, "__iter__")
    return [one["id"] for one in found]


@pytest.mark.parametrize("kind", STORED)
def test_a_record_comes_back_as_it_was_put(records: Records, kind: str) -> None:
    records.put(kind, SOME[kind])
    names = {"alert": ["f1"], "placement": ["f1", "f2"], "incident": ["INC-1"], "ledger": ["l"], "dead": ["d"]}[kind]
    assert [records.get(kind, name) for name in names] == SOME[kind][-len(names) :]
    assert list(records.scan(kind)) == SOME[kind][-len(names) :]
    assert records.get(kind, "another") is None
    assert records.get(kind, names[0][:-1]) is None


def test_the_higher_version_stays(records: Records) -> None:
    records.put("incident", [incident("a", version=5, title="five")])
    records.put("incident", [incident("a", version=4, title="four")])
    found = records.get("incident", "a")
    assert found is not None
    assert (found["version"], found["title"]) == (5, "five")
    records.put("incident", [incident("a", version=6, title="six")])
    assert [one["title"] for one in records.scan("incident")] == ["six"]


def test_scanning_goes_by_the_ids_and_takes_only_what_was_asked_for(records: Records) -> None:
    records.put(
        "incident", [incident(f"i{n:04}", priority=1 + n % 2, services=["mail", f"s{n % 3}"]) for n in range(2500)]
    )
    assert ids(records.scan("incident")) == [f"i{n:04}" for n in range(2500)]
    some = ids(records.scan("incident", {"priority": 2, "services": "s0"}))
    assert some == [f"i{n:04}" for n in range(2500) if n % 2 == 1 and n % 3 == 0]
    assert ids(records.scan("incident", {"priority": "2", "services": "s0"})) == some  # as a person writes it
    assert ids(records.scan("incident", {"assignee": "None"})) == []


def test_counting_by_a_field(records: Records) -> None:
    records.put(
        "incident",
        [
            incident("a", status="new", priority=1, services=["mail", "web"], group="net"),
            incident("b", status="closed", priority=1, services=["mail"], group=""),
            incident("c", status="new", priority=3, services=[]),
        ],
    )
    assert records.count_by("incident", "status") == {"new": 2, "closed": 1}
    assert records.count_by("incident", "priority", {"status": "new"}) == {"1": 1, "3": 1}
    assert records.count_by("incident", "services") == {"mail": 2, "web": 1}
    assert records.count_by("incident", "group") == {"net": 1}
    records.put("alert", SOME["alert"][:1])
    assert records.count_by("alert", "flapping") == {"false": 1}


def test_all_words_are_found_wherever_they_stand(records: Records) -> None:
    members = SOME["incident"][0]["members"]
    records.put(
        "incident",
        [
            incident("a", title="disk full on db-1.example.com", members=members[:1], notes=["Über alles"]),
            incident("b", title="disk slow", members=[], notes=[]),
        ],
    )
    assert sorted(ids(records.search("incident", "disk"))) == ["a", "b"]
    assert ids(records.search("incident", "FULL disk")) == ["a"]
    assert ids(records.search("incident", "db-1")) == ["a"]
    assert ids(records.search("incident", "example disk über")) == ["a"]
    assert ids(records.search("incident", 'disk "slow" OR')) == []
    assert ids(records.search("incident", "db1")) == ["a"]  # a member's
    assert records.search("incident", " * ") == []
    assert ids(records.search("incident", "disk", {"status": "new"})) == []
    assert len(records.search("incident", "disk", most=1)) == 1


def test_what_changes_is_found_by_its_new_words_only(records: Records) -> None:
    records.put("alert", [{**SOME["alert"][0], "summary": "disk full"}])
    assert len(records.search("alert", "disk full")) == 1
    records.put("alert", [{**SOME["alert"][0], "version": 9, "summary": "fan broken"}])
    assert records.search("alert", "full") == []
    assert [one["version"] for one in records.search("alert", "fan oslo")] == [9]


def test_what_there_is_not_is_refused_with_what_there_is(records: Records) -> None:
    with pytest.raises(ConfigError, match="incident has no field 'colour'; it has acknowledged_by"):
        records.count_by("incident", "colour")
    with pytest.raises(ConfigError, match="the text of ledger is not searched"):
        records.search("ledger", "x")
    with pytest.raises(ConfigError, match="no field 'colour'"):
        list(records.scan("incident", {"colour": "red"}))


def test_a_store_that_is_only_read_takes_nothing(tmp_path: Path) -> None:
    Store(str(tmp_path / "s.db")).close()
    with pytest.raises(ConfigError, match="nobody else"):
        SqliteRecords(str(tmp_path / "s.db")).put("incident", [])
