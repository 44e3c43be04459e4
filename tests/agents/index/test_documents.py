"""A document holds all of its record, in fields that are mapped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from agents.index.documents import MOST_ID, document, identity, members, record
from agents.index.kinds import KINDS, Keeps
from agents.index.settings import ElasticsearchOutput
from agents.index.templates import mapped_fields, targets
from tests.agents.index.records import SOME

SETTINGS = ElasticsearchOutput(type="elasticsearch")
LEFT_OUT = {"incident-version": {"members", "candidates", "items", "runbooks", "runbook", "notes"}}


def fields_of(value: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from fields_of(inner, f"{above}{name}.")
        yield f"{above}{name}"


@pytest.mark.parametrize("name", KINDS)
def test_every_field_of_a_record_has_a_place_in_its_document(name: str) -> None:
    kind = KINDS[name]
    known = {path.partition(".")[0] for path in kind.fields}
    assert set(kind.model.model_fields) - known == LEFT_OUT.get(name, set())
    assert len(set(kind.fields.values())) == len(kind.fields)


@pytest.mark.parametrize("name", KINDS)
def test_every_field_of_a_document_is_mapped(name: str) -> None:
    kind = KINDS[name]
    mapped = mapped_fields(targets(SETTINGS)[kind.target])
    objects = {path for path, one in mapped.items() if one.get("enabled") is False or one["type"] == "flattened"}
    for one in SOME[name]:
        body = orjson.loads(document(kind, one, 1).body or b"")
        leaves = [path for path in fields_of(body) if not any(path.startswith(f"{above}.") for above in objects)]
        parents = {path.rsplit(".", 1)[0] for path in leaves if "." in path}
        parents |= {parent.rsplit(".", 1)[0] for parent in parents if "." in parent}
        assert [path for path in leaves if path not in mapped and path not in parents] == []


@pytest.mark.parametrize("name", [name for name in KINDS if name not in (*LEFT_OUT, "member")])
def test_a_record_comes_back_from_its_document_as_it_was(name: str) -> None:
    kind = KINDS[name]
    for one in SOME[name]:
        back = record(kind, orjson.loads(document(kind, one, 1).body or b""))
        assert kind.model.model_validate(back) == kind.model.model_validate(one)


def test_a_history_is_written_once_and_a_state_by_its_version() -> None:
    for name, kind in KINDS.items():
        made = document(kind, SOME[name][0], None if kind.keeps is Keeps.ALL or "version" in kind.fields else 7)
        assert (made.version is None) == (kind.keeps is Keeps.ALL)


def test_an_id_that_is_too_long_is_shortened_to_one_that_differs_as_it_does() -> None:
    event = SOME["event"][0]
    ids = {identity(KINDS["event"], {**event, "id": letter * 1000}) for letter in "ab"}
    assert len(ids) == 2
    assert all(len(one.encode()) <= MOST_ID for one in ids)


def test_members_are_documents_that_stay_the_same_in_the_next_version() -> None:
    incident = SOME["incident"][0]
    first, second = (
        [document(KINDS["member"], one, version) for one in members({**incident, "version": version})]
        for version in (3, 4)
    )
    assert [one.body for one in first] == [one.body for one in second]
    assert [one.id for one in first] == [one.id for one in second]
    assert {one.version for one in second} == {4}
