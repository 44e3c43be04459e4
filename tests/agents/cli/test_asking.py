"""Commands do what they say, refusals name the reason, and both are in the audit trail."""

from __future__ import annotations

import json

import pytest

from tests.agents.cli.conftest import Tocsin


def first(tocsin: Tocsin) -> str:
    return str(json.loads(tocsin("incidents", "--json").stdout)[0]["id"])


def incident(tocsin: Tocsin, name: str) -> dict[str, object]:
    found = json.loads(tocsin("incidents", name, "--json").stdout)
    assert isinstance(found, dict)
    return found


def test_acknowledging_gives_the_incident_to_who_asked(tocsin: Tocsin) -> None:
    name = first(tocsin)
    shown = tocsin("ack", name[:9], "--by", "kim", "--note", "on it")
    assert shown.exit_code == 0, shown.output
    after = incident(tocsin, name)
    assert (after["status"], after["acknowledged_by"], after["notes"]) == ("assigned", "kim", ["kim: on it"])


def test_the_whole_life_of_an_incident(tocsin: Tocsin) -> None:
    name = first(tocsin)
    for arguments, status in (
        (["assign", name, "--to", "kim", "--group", "security"], "assigned"),
        (["pend", name], "pending"),
        (["resume", name], "assigned"),
        (["note", name, "the lock was changed"], "assigned"),
        (["resolve", name, "--note", "done"], "resolved"),
        (["reopen", name], "assigned"),
        (["resolve", name], "resolved"),
        (["close", name], "closed"),
    ):
        shown = tocsin(*arguments)
        assert shown.exit_code == 0, (arguments, shown.output)
        assert incident(tocsin, name)["status"] == status, arguments
    assert incident(tocsin, name)["group"] == "security"


def test_merging_and_splitting(tocsin: Tocsin) -> None:
    one, two = (entry["id"] for entry in json.loads(tocsin("incidents", "--json").stdout))
    assert tocsin("merge", one, two).exit_code == 0
    (whole,) = json.loads(tocsin("incidents", "--json").stdout)
    assert whole["alerts"] == 2
    shown = tocsin("split", whole["id"], whole["members"][0]["alert"][:10])
    assert shown.exit_code == 0, shown.output
    assert len(json.loads(tocsin("incidents", "--json").stdout)) == 2


def test_a_refusal_names_its_reason_and_is_in_the_trail(tocsin: Tocsin) -> None:
    name = first(tocsin)
    shown = tocsin("resume", name, "--by", "kim")
    assert shown.exit_code == 1
    assert "refused (wrong-state)" in shown.stderr
    assert "kim: resume, refused (wrong-state)" in tocsin("why", name).stdout


def test_a_role_that_may_not_is_refused(tocsin: Tocsin) -> None:
    shown = tocsin("ack", first(tocsin), "--role", "viewer")
    assert shown.exit_code == 1
    assert "refused (not-allowed)" in shown.stderr


def test_a_machine_gets_the_reply(tocsin: Tocsin) -> None:
    reply = json.loads(tocsin("ack", first(tocsin), "--json").stdout)
    assert (reply["ok"], reply["reason"]) == (True, "done")


def test_a_silence_is_added_listed_and_expired(tocsin: Tocsin) -> None:
    shown = tocsin("silence", "add", "site=lab", 'check=~"cpu.*"', "--for", "2h", "--comment", "rebuilt", "--by", "kim")
    assert shown.exit_code == 0, shown.output
    (silence,) = json.loads(tocsin("silence", "list", "--json").stdout)
    assert silence["ends"] - silence["starts"] == 7_200_000
    assert (silence["author"], silence["comment"]) == ("kim", "rebuilt")
    assert 'site="lab" check=~"cpu.*"' in tocsin("silence", "list").stdout
    assert tocsin("silence", "expire", silence["id"]).exit_code == 0
    assert tocsin("silence", "list", "--json").stdout == "[]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["silence", "add", "a=b"],
        ["silence", "add", "a=b", "--for", "2h", "--until", "2026-05-01T00:00:00Z"],
        ["silence", "add", "a=b", "--for", "soon"],
        ["silence", "add", "a", "--for", "2h"],
        ["silence", "add", "a=~(", "--for", "2h"],
        ["silence", "add", "a=b", "--until", "2026-05-01T00:00:00"],
        ["silence", "add"],
        ["assign", "INC-1"],
        ["ack"],
        ["ack", "INC-1", "--role", "king"],
    ],
)
def test_wrong_use_is_exit_code_2(tocsin: Tocsin, arguments: list[str]) -> None:
    shown = tocsin(*arguments)
    assert shown.exit_code == 2, shown.output
    assert shown.stderr.startswith("Usage: ")


def test_a_host_that_is_not_there_is_told(tocsin: Tocsin) -> None:
    shown = tocsin("ack", "INC-1", "--url", "http://127.0.0.1:9")
    assert shown.exit_code == 1
    assert "cannot be reached" in shown.stderr
    assert "is a host running there?" in shown.stderr
