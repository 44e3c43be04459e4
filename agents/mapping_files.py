"""Reads mapping files: how any JSON or CSV of a monitor that nobody else has becomes events."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from agents.reading import read_document
from pipeline.sources.mapping import SourceMapping
from schemas.faults import faults


def load(path: str | Path) -> SourceMapping:
    """The mapping of a YAML or JSON file. Raises ConfigError: a line for each thing that is wrong, by its place."""
    document = read_document(Path(path), "yaml", "json")
    try:
        return SourceMapping.model_validate(document.data)
    except ValidationError as error:
        raise document.complain(faults(error, SourceMapping, document.data)) from None
