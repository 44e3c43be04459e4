"""Records are found by their words and counted by their fields, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.cli.main import cli
from tests.agents.cli.doors import make_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_store(tmp_path)


def tocsin(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def test_incidents_and_alerts_are_found_by_all_of_some_words(store: Path) -> None:
    (found,) = json.loads(tocsin("search", "room-2-north", "--json").stdout)
    assert found["members"][0]["resource"] == "room-2-north"
    assert found["id"] in tocsin("search", "NORTH", "room").stdout
    assert json.loads(tocsin("search", "room-2-north", "south", "--json").stdout) == []
    alerts = json.loads(tocsin("search", "room", "--kind", "alert", "--where", "severity=critical", "--json").stdout)
    assert {one["resource"] for one in alerts} == {"room-2-north", "room-9-south"}
    assert len(json.loads(tocsin("search", "room", "--kind", "alert", "--limit", "1", "--json").stdout)) == 1


def test_records_are_counted_by_what_they_have(store: Path) -> None:
    assert json.loads(tocsin("count", "dead", "reason", "--json").stdout) == {"not-json": 1}
    assert json.loads(tocsin("count", "alert", "severity", "--where", "status=open", "--json").stdout) == {
        "critical": 2
    }
    assert json.loads(tocsin("count", "alert", "flapping", "--where", "flapping=true", "--json").stdout) == {}


def test_what_cannot_be_asked_is_told(store: Path) -> None:
    assert "incident has no field 'colour'; it has" in tocsin("count", "incident", "colour").stderr
    assert "--where status: not like FIELD=VALUE" in tocsin("search", "door", "--where", "status").stderr
    assert "there is no store none.db" in tocsin("search", "door", "--store", "none.db").stderr
    nobody = tocsin("search", "door", "--elasticsearch", "--url", "http://127.0.0.1:9")
    assert "no Elasticsearch answers at http://127.0.0.1:9" in nobody.stderr
