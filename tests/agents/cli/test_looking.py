"""incidents, alerts, why and dead: found by the first characters of an id, told to a person and to a machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.cli.conftest import Tocsin


def test_incidents_that_are_not_over_are_listed(tocsin: Tocsin) -> None:
    shown = tocsin("incidents")
    assert shown.exit_code == 0, shown.output
    assert "room-2-north" in shown.stdout
    assert "2 incidents" in shown.stdout


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ([], 2),
        (["--all"], 2),
        (["--status", "closed"], 0),
        (["--status", "new"], 2),
        (["--priority", "2"], 2),
        (["--priority", "5"], 0),
        (["--service", "mail"], 0),
        (["--limit", "1"], 1),
    ],
)
def test_incidents_are_filtered(tocsin: Tocsin, options: list[str], number: int) -> None:
    assert len(json.loads(tocsin("incidents", "--json", *options).stdout)) == number


def test_one_incident_is_shown_by_the_start_of_its_id(tocsin: Tocsin) -> None:
    name = json.loads(tocsin("incidents", "--json").stdout)[0]["id"]
    for start in (name, name[:8], name.removeprefix("INC-")[:6], name.lower()):
        assert json.loads(tocsin("incidents", start, "--json").stdout)["id"] == name
    assert f"tocsin why {name}" in tocsin("incidents", name).stdout


def test_a_start_of_several_ids_is_refused_with_what_there_is(tocsin: Tocsin) -> None:
    shown = tocsin("incidents", "INC-")
    assert shown.exit_code == 1
    assert shown.stderr.startswith("Error: 2 incidents begin with 'INC-': INC-")


def test_an_id_that_is_not_there_tells_how_to_find_one(tocsin: Tocsin) -> None:
    assert "list them with `tocsin incidents --all`" in tocsin("incidents", "zzz").stderr
    assert "list them with `tocsin alerts --all`" in tocsin("alerts", "zzz").stderr
    assert "see `tocsin incidents`" in tocsin("why", "zzz").stderr
    assert "list them with `tocsin dead list`" in tocsin("dead", "show", "zzz").stderr


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ([], 2),
        (["--all"], 3),
        (["--severity", "critical"], 2),
        (["--severity", "minor"], 0),
        (["--resource", "south"], 1),
        (["--all", "--suppressed"], 1),
    ],
)
def test_alerts_are_filtered(tocsin: Tocsin, options: list[str], number: int) -> None:
    assert len(json.loads(tocsin("alerts", "--json", *options).stdout)) == number


def test_alerts_of_one_incident(tocsin: Tocsin) -> None:
    incident = json.loads(tocsin("incidents", "--json").stdout)[0]
    (alert,) = json.loads(tocsin("alerts", "--incident", incident["id"], "--json").stdout)
    assert alert["placement"]["incident"] == incident["id"]
    assert alert["fingerprint"][:12] in tocsin("alerts", "--incident", incident["id"]).stdout


def test_why_explains_an_incident_and_an_alert(tocsin: Tocsin) -> None:
    incident = json.loads(tocsin("incidents", "--json").stdout)[0]
    text = tocsin("why", incident["id"]).stdout
    for said in ("What belongs together, and why", "Where it comes from", "kept apart if", "What was held back"):
        assert said in text
    alert = incident["members"][0]["alert"]
    text = tocsin("why", alert[:10]).stdout
    for said in (f"Alert {alert}", "What it went through", f"incident: {incident['id']}"):
        assert said in text
    assert json.loads(tocsin("why", alert, "--json").stdout)["incident"]["id"] == incident["id"]


def test_why_tells_what_held_an_alert_back(tocsin: Tocsin) -> None:
    (alert,) = json.loads(tocsin("alerts", "--all", "--suppressed", "--json").stdout)
    assert alert["resource"] == "room-1"
    assert "transient" in tocsin("why", alert["fingerprint"]).stdout


def test_what_is_dead_is_listed_with_its_reason_and_shown_with_its_bytes(tocsin: Tocsin) -> None:
    (letter,) = json.loads(tocsin("dead", "list", "--json").stdout)
    assert letter["reason"] == "not-json"
    assert "not-json" in tocsin("dead", "list").stdout
    assert tocsin("dead", "list", "--reason", "other", "--json").stdout == "[]\n"
    assert '{"at": "2026-05-01T02:30:00Z", "door"' in tocsin("dead", "show", letter["id"][:6]).stdout
    assert tocsin("dead", "show", letter["id"], "--bytes").stdout_bytes == b'{"at": "2026-05-01T02:30:00Z", "door"'


def test_a_mended_payload_is_understood_when_replayed(tocsin: Tocsin, tmp_path: Path) -> None:
    (letter,) = json.loads(tocsin("dead", "list", "--json").stdout)
    again = tocsin("dead", "replay", letter["id"])
    assert again.exit_code == 1
    assert "still not understood: not-json" in again.stderr
    mended = tmp_path / "payload.json"
    mended.write_text('{"at": "2026-05-01T02:30:00Z", "door": "room-5", "state": "forced", "badge": ""}')
    shown = tocsin("dead", "replay", letter["id"], "--edit-file", mended)
    assert (shown.exit_code, shown.stdout) == (0, "understood: 1 events\n"), shown.output
    assert "room-5" in tocsin("incidents").stdout


def test_a_store_that_is_not_there_is_named_and_not_made(tocsin: Tocsin, tmp_path: Path) -> None:
    shown = tocsin("incidents", "--store", tmp_path / "other.db")
    assert shown.exit_code == 1
    assert "there is no store" in shown.stderr
    assert not (tmp_path / "other.db").exists()
