"""Reads reference data (items, relations, changes, silences, rules, calendars) from decoded JSON, YAML or CSV. Pure.

People write times as 2026-05-01T22:00:00+02:00, spans as 90s or 1h30m, and matchers as `service=~"mail.*"`; all of that
becomes milliseconds and matchers here, so that the records themselves know one form only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError

from pipeline.settings import parse_duration
from schemas.base import Record
from schemas.faults import Fault, Path, faults, unknown
from schemas.reference import (
    Calendar,
    Change,
    ConfigurationItem,
    CorrelationRule,
    InhibitionRule,
    Reference,
    Relation,
    Silence,
)

SECTIONS: dict[str, type[Reference]] = {
    "items": ConfigurationItem,
    "relations": Relation,
    "changes": Change,
    "silences": Silence,
    "inhibitions": InhibitionRule,
    "rules": CorrelationRule,
    "calendars": Calendar,
}
"""What a reference file may hold, in the order in which it is put into force."""

_MATCHER = re.compile(r'\s*([^\s=!~"]+)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|(.*?))\s*', re.DOTALL)
_SEVERAL = re.compile(r"\s*[;|]\s*")


class Parsed(NamedTuple):
    """The records that could be read, in the order of the document, and what is wrong with the rest."""

    records: list[Reference]
    faults: list[Fault]


def parse_time(value: object) -> object:
    """Turn an ISO 8601 time with its zone into milliseconds; leave the rest to pydantic. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"a time is like 2026-05-01T22:00:00Z, or milliseconds since 1970; found {value!r}") from error
    if moment.tzinfo is None:
        raise ValueError(f"a time needs its zone, like {value}Z or {value}+01:00")
    return round((moment - datetime.fromtimestamp(0, UTC)).total_seconds() * 1000)


def parse_matcher(value: object) -> object:
    """Turn `label=value`, with =, !=, =~ or !~, into a matcher; leave the rest. Raises ValueError."""
    if not isinstance(value, str):
        return value
    found = _MATCHER.fullmatch(value)
    if found is None:
        raise ValueError(f'a matcher is like service="mail" or host=~"web.*"; found {value!r}')
    label, op, quoted, bare = found.groups()
    text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None and op in ("=", "!=") else quoted
    return {"label": label, "op": op, "value": bare if text is None else text}


_READERS: dict[str, Callable[[object], object]] = {
    "starts": parse_time,
    "ends": parse_time,
    "within": parse_duration,
    "hold": parse_duration,
    "own": parse_duration,
    "resolve": parse_duration,
}
_MATCHERS = ("matchers", "source", "target")


def humane(data: object, at: Path = ()) -> tuple[object, list[Fault]]:
    """One record as a person wrote it, made ready for its model; with what could not be read."""
    if not isinstance(data, Mapping):
        return data, []
    ready: dict[object, object] = dict(data)
    wrong: list[Fault] = []
    for key, value in data.items():
        if key in _MATCHERS and isinstance(value, list):
            ready[key], faulty = _all(parse_matcher, value, (*at, key))
            wrong += faulty
        elif key in _READERS:
            (ready[key],), faulty = _all(_READERS[key], [value], (*at, key), single=True)
            wrong += faulty
    return ready, wrong


def _all(
    read: Callable[[object], object], values: Sequence[object], at: Path, *, single: bool = False
) -> tuple[list[object], list[Fault]]:
    ready: list[object] = []
    wrong: list[Fault] = []
    for index, value in enumerate(values):
        try:
            ready.append(read(value))
        except ValueError as error:
            ready.append(value)
            wrong.append(Fault(at if single else (*at, index), str(error)))
    return ready, wrong


def parse_document(data: object) -> Parsed:
    """Read {"items": [...], "relations": [...], ...}; what is wrong carries the path inside the document."""
    if not isinstance(data, Mapping):
        return Parsed([], [Fault((), f"needs keys with lists; {unknown('', list(SECTIONS))}")])
    wrong = [
        Fault((str(key),), f"unknown key; {unknown(str(key), list(SECTIONS))}") for key in data if key not in SECTIONS
    ]
    records: list[Reference] = []
    for section, model in SECTIONS.items():
        entries = data.get(section)
        if entries is None:
            continue
        if not isinstance(entries, list):
            wrong.append(Fault((section,), "needs a list"))
            continue
        for index, entry in enumerate(entries):
            record, faulty = parse_record(entry, model, (section, index))
            wrong += faulty
            records += record
    return Parsed(records, wrong + _twice(data))


def parse_record(data: object, model: type[Reference], at: Path = ()) -> tuple[list[Reference], list[Fault]]:
    """One record of one kind: itself in a list, or what is wrong with it, its path below `at`."""
    if model is ConfigurationItem and isinstance(data, Mapping):
        data = {"name": data.get("id"), **data}
    ready, wrong = humane(data, at) if model not in (ConfigurationItem, Relation) else (data, [])
    if wrong:
        return [], wrong
    try:
        return [model.model_validate(ready)], []
    except ValidationError as error:
        return [], [Fault((*at, *fault.path), fault.text) for fault in faults(error, model, ready)]


def _twice(data: Mapping[object, object]) -> list[Fault]:
    """Ids that a section gives to two records."""
    wrong: list[Fault] = []
    for section, entries in data.items():
        first: dict[object, int] = {}
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            name = entry.get("id") if isinstance(entry, Mapping) else None
            if not isinstance(name, str):
                continue
            if first.setdefault(name, index) != index:
                wrong.append(Fault((str(section), index, "id"), f"{name!r} is already [{first[name]}]; ids are unique"))
    return wrong


# --- CSV ---

_LISTS = ("addresses", "aliases")


class Row(NamedTuple):
    """One line of a CSV file after its header."""

    line: int
    cells: Sequence[str]


def parse_rows(header: Sequence[str], rows: Iterable[Row]) -> Parsed:
    """Read items or relations; the header tells which. The path of a fault is (line, column).

    Items: id, kind and any of the other fields; addresses and aliases separated by ; or |; labels in columns named
    labels.NAME. Relations: source, target, and kind or group.
    """
    names = [name.strip() for name in header]
    model = _kind_of_rows(names)
    if model is None:
        return Parsed([], [Fault((1,), "the header needs id and kind (items), or source and target (relations)")])
    known = [name for name in model.model_fields if name != "labels"]
    wrong = [
        Fault((1, name or "(empty)"), f"unknown column; {unknown(name, known)}, labels.NAME")
        for name in names
        if name not in known and not (model is ConfigurationItem and name.startswith("labels."))
    ]
    records: list[Reference] = []
    seen: dict[str, int] = {}
    for row in rows if not wrong else ():
        if not any(cell.strip() for cell in row.cells):
            continue
        if len(row.cells) != len(names):
            wrong.append(Fault((row.line,), f"has {len(row.cells)} cells; the header has {len(names)}"))
            continue
        record, faulty = parse_record(_entry(names, row.cells), model)
        wrong += [Fault((row.line, *fault.path), fault.text) for fault in faulty]
        for item in record:
            if isinstance(item, ConfigurationItem) and seen.setdefault(item.id, row.line) != row.line:
                wrong.append(Fault((row.line, "id"), f"{item.id!r} is already on line {seen[item.id]}; ids are unique"))
        records += record
    return Parsed(records, wrong)


def _kind_of_rows(names: Sequence[str]) -> type[Reference] | None:
    if "source" in names and "target" in names:
        return Relation
    return ConfigurationItem if "id" in names and "kind" in names else None


def _entry(names: Sequence[str], cells: Sequence[str]) -> dict[str, object]:
    entry: dict[str, object] = {}
    labels: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=True):
        value = cell.strip()
        if not value:
            continue
        if name.startswith("labels."):
            labels[name.removeprefix("labels.")] = value
        else:
            entry[name] = [part for part in _SEVERAL.split(value) if part] if name in _LISTS else value
    return {**entry, "labels": labels} if labels else entry


# --- what does not fit together ---


def loose_ends(records: Iterable[Record]) -> list[str]:
    """Sentences on what names an item that is not declared: allowed (things come and go), and worth a look."""
    known: set[str] = set()
    asked: list[tuple[str, str]] = []
    for record in records:
        if isinstance(record, ConfigurationItem):
            known.add(record.id)
        elif isinstance(record, Relation):
            asked += [(f"relation {record.source} -> {record.target}", end) for end in (record.source, record.target)]
        elif isinstance(record, Change):
            asked += [(f"change {record.id}", item) for item in record.items]
    return [f"{who} names item {item!r}, which is not declared" for who, item in asked if item not in known]
