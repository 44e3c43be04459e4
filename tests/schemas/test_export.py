"""The exported JSON Schemas are those of the code, and cover every record."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import schemas
from schemas.base import Record
from schemas.export import PUBLIC, document, render

EXPORTED = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def test_every_record_is_exported_or_part_of_one_that_is() -> None:
    covered = {model.__name__ for model in PUBLIC.values()}
    for name, model in PUBLIC.items():
        definitions = document(name, model).get("$defs", {})
        assert isinstance(definitions, dict)
        covered |= set(definitions)
    modules = [importlib.import_module(f"schemas.{module.name}") for module in pkgutil.iter_modules(schemas.__path__)]
    records = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Record) and value is not Record
    }
    assert records - covered == set()


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_files_in_docs_are_what_the_code_says(name: str) -> None:
    text = (EXPORTED / f"{name}.json").read_text(encoding="utf-8")
    assert text == render(name, PUBLIC[name]), "run `tocsin schema --out docs/schemas`"


def test_a_schema_names_the_draft_and_itself() -> None:
    schema = json.loads(render("incident", PUBLIC["incident"]))
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["$id"] == "urn:tocsin:schema:incident"
    assert schema["title"] == "Incident"
    assert schema["additionalProperties"] is False
