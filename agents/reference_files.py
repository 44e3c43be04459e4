"""Reads files of reference data: items, relations, changes, silences, rules and calendars, as CSV, JSON or YAML."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from agents.reading import form_of, read_document, read_text
from pipeline.practices.configuration import Parsed, Row, parse_document, parse_rows
from schemas.base import ConfigError
from schemas.faults import Fault
from schemas.reference import Reference

MOST_FAULTS = 20
"""So many are told of one file; a wrong column would otherwise be told for each of its lines."""


def load(path: str | Path) -> list[Reference]:
    """The records of one file, in its order, items first. Raises ConfigError that names each line and key at fault."""
    path = Path(path)
    if form_of(path, "csv", "json", "yaml") == "csv":
        parsed = _rows(path)
        if parsed.faults:
            raise ConfigError(_few([_row_place(path, fault) for fault in parsed.faults]))
        return parsed.records
    document = read_document(path, "json", "yaml")
    parsed = parse_document(document.data)
    if parsed.faults:
        raise ConfigError(_few(str(document.complain(parsed.faults)).splitlines()))
    return parsed.records


def load_all(paths: Iterable[str | Path]) -> list[Reference]:
    """The records of several files, files in the order given. Raises ConfigError for the first file that is wrong."""
    return [record for path in paths for record in load(path)]


def _rows(path: Path) -> Parsed:
    lines = read_text(path).splitlines(keepends=True)
    if not lines:
        raise ConfigError(f"{path}: is empty; the first line names the columns")
    reader = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count), strict=True)
    try:
        header = next(reader)
        return parse_rows(header, [Row(reader.line_num, cells) for cells in reader])
    except csv.Error as error:
        raise ConfigError(f"{path}:{reader.line_num}: is not CSV: {error}") from error


def _row_place(path: Path, fault: Fault) -> str:
    line, *column = fault.path
    return f"{path}:{line}: {Fault(tuple(column), fault.text)}"


def _few(lines: list[str]) -> str:
    more = len(lines) - MOST_FAULTS
    return "\n".join(lines if more <= 0 else [*lines[:MOST_FAULTS], f"... and {more} more"])
