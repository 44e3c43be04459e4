"""Reference data is read from the files people have; what is wrong is told by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.reference_files import load, load_all
from schemas.base import ConfigError
from schemas.reference import ConfigurationItem, Relation


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("items.csv", "id,kind\nweb,host\ndb,database\n"),
        ("items.csv", "\ufeffid;kind\r\nweb;host\r\ndb;database\r\n"),
        ("items.yaml", "items:\n- {id: web, kind: host}\n- {id: db, kind: database}\n"),
        ("items.json", '{"items": [{"id": "web", "kind": "host"}, {"id": "db", "kind": "database"}]}'),
    ],
)
def test_the_same_items_from_each_format(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert load(tmp_path / name) == [
        ConfigurationItem(id="web", name="web", kind="host"),
        ConfigurationItem(id="db", name="db", kind="database"),
    ]


def test_several_files_make_one_list(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,kind\nweb,host\n")
    (tmp_path / "b.csv").write_text("source,target\nweb,db\n")
    records = load_all([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert records == [ConfigurationItem(id="web", name="web", kind="host"), Relation(source="web", target="db")]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "", "a.csv: is empty; the first line names the columns"),
        ("a.csv", "id,kind\n\nweb,host\ndb,\n", "a.csv:4: kind: required, and missing"),
        ("a.csv", 'id,kind\nweb,"host\n', "a.csv:2: is not CSV: unexpected end of data"),
        ("a.yaml", "items:\n- id: web\n  kind: host\n- id: db\n", "a.yaml:4: items[1].kind: required, and missing"),
        ("a.json", '{"items": [\n{"id": "db"}]}', "a.json:2: items[0].kind: required, and missing"),
        ("a.toml", "", "a.toml: its name must end in one of .yaml, .yml, .json, .csv"),
    ],
)
def test_the_message_names_file_line_and_key(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name)
    assert str(caught.value).replace(str(tmp_path / name), name) == said


def test_a_column_wrong_in_each_line_does_not_flood(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,kind,criticality\n" + "".join(f"i{n},host,high\n" for n in range(100)))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "a.csv")
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 80 more"
