"""check, sources, schema and version: what a person sees, and what a machine gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agents.cli.main import cli
from pipeline.sources.registry import SOURCES
from schemas.export import PUBLIC

ROOT = Path(__file__).resolve().parents[3]


def tocsin(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_check_says_what_a_good_configuration_would_do() -> None:
    shown = tocsin("check", ROOT / "examples/tocsin.yaml")
    assert shown.exit_code == 0, shown.stderr
    for said in ("http://127.0.0.1:9095/v1/events/SOURCE", "syslog on udp", "2 hold times", "6 Relation", "is good"):
        assert said in shown.stdout


def test_check_for_a_machine_gives_the_configuration_as_it_is_understood() -> None:
    shown = tocsin("check", ROOT / "examples/tocsin.yaml", "--json")
    told = json.loads(shown.stdout)
    assert told["ok"] is True
    assert told["config"]["flow"]["time"]["lateness"] == 180_000
    assert told["reference"]["Relation"] == 6
    assert told["warnings"] == []


def test_check_of_a_wrong_one_tells_why_and_fails(tmp_path: Path) -> None:
    (tmp_path / "tocsin.yaml").write_text("stroe: {}\n")
    shown = tocsin("check", tmp_path / "tocsin.yaml")
    assert shown.exit_code == 1
    assert shown.stdout == ""
    assert shown.stderr.startswith(f"Error: {tmp_path}/tocsin.yaml:1: stroe: unknown key; did you mean 'store'?")


def test_check_looks_into_the_reference_files_too(tmp_path: Path) -> None:
    (tmp_path / "tocsin.yaml").write_text("reference: [items.csv]\n")
    (tmp_path / "items.csv").write_text("id,kind\nweb,\n")
    shown = tocsin("check", tmp_path / "tocsin.yaml")
    assert shown.exit_code == 1
    assert "items.csv:2: kind: required, and missing" in shown.stderr


def test_check_notes_relations_to_what_is_not_declared(tmp_path: Path) -> None:
    (tmp_path / "tocsin.yaml").write_text("reference: [relations.csv]\n")
    (tmp_path / "relations.csv").write_text("source,target\n" + "".join(f"a{n},b{n}\n" for n in range(10)))
    shown = tocsin("check", tmp_path / "tocsin.yaml")
    assert shown.exit_code == 0
    assert "note: relation a0 -> b0 names item 'a0', which is not declared" in shown.stdout
    assert "and 10 more like these" in shown.stdout


def test_sources_lists_each_with_its_page() -> None:
    listed = json.loads(tocsin("sources", "--json").stdout)
    assert [entry["name"] for entry in listed] == list(SOURCES)
    assert all(entry["reads"] for entry in listed)
    assert all(entry["page"] in tocsin("sources").stdout for entry in listed)


def test_schema_shows_one() -> None:
    assert json.loads(tocsin("schema", "incident").stdout)["title"] == "Incident"


def test_schema_lists_all_and_gives_all_as_json() -> None:
    assert set(json.loads(tocsin("schema", "--json").stdout)) == {*PUBLIC, "configuration"}
    assert len(tocsin("schema").stdout.splitlines()) == len(PUBLIC) + 1


def test_schema_writes_what_its_check_accepts_and_sees_every_drift(tmp_path: Path) -> None:
    assert tocsin("schema", "--out", tmp_path).exit_code == 0
    assert tocsin("schema", "--check", tmp_path).exit_code == 0
    (tmp_path / "alert.json").write_text("{}")
    (tmp_path / "event.json").unlink()
    (tmp_path / "moon.json").write_text("{}")
    shown = tocsin("schema", "--check", tmp_path)
    assert shown.exit_code == 1
    for said in (
        "alert.json: differs",
        "event.json: is missing",
        "moon.json: there is no such record",
        "tocsin schema --out",
    ):
        assert said in shown.stderr


def test_the_schemas_in_docs_are_what_the_code_says() -> None:
    shown = tocsin("schema", "--check", ROOT / "docs/schemas")
    assert shown.exit_code == 0, shown.stderr


def test_schema_takes_one_thing_at_a_time(tmp_path: Path) -> None:
    assert tocsin("schema", "alert", "--out", tmp_path).exit_code == 2


@pytest.mark.parametrize("as_json", [True, False])
def test_version(*, as_json: bool) -> None:
    shown = tocsin("version", *(["--json"] if as_json else []))
    assert "0.1.0" in shown.stdout
    assert not as_json or json.loads(shown.stdout)["tocsin"] == "0.1.0"
