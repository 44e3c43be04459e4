"""Documents of records, and records of documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from agents.index.kinds import KINDS, Keeps, Kind
from schemas.severity import RANK

Json = dict[str, Any]

MOST_ID = 512
"""Bytes of an id that Elasticsearch takes."""
_WORD = re.compile(r"[^\W_]+")
SEARCHED = 8192
"""Characters of a document that a search over its text sees."""


class Document(NamedTuple):
    """One document on its way: what it holds as JSON, None where it is to be deleted. A history has no `version`."""

    kind: str
    id: str
    version: int | None
    body: bytes | None


def document(kind: Kind, record: Json, version: int | None = None) -> Document:
    """The document of a record in its JSON form; `version` where the record has none of its own."""
    source: Json = {}
    nodes: dict[str, Json] = {"": source}
    for name, steps, nothing, above, last in _plan(kind.name):
        value = record.get(name) if steps is None else _get(record, name)
        if value is not None and value != nothing:
            node = nodes.get(above)
            (_node(nodes, above) if node is None else node)[last] = value
    _node(nodes, "event")["dataset"] = f"tocsin.{kind.target}"
    if (derive := DERIVED.get(kind.name)) is not None:
        for path, value in derive(record):
            if value is not None:
                above, _, last = path.rpartition(".")
                _node(nodes, above)[last] = value
    if kind.keeps is Keeps.LAST and version is None:
        version = record["version"]
    return Document(kind.name, identity(kind, record), version, orjson.dumps(source))


def record(kind: Kind, source: Mapping[str, Any]) -> Json:
    """The record of a document, in its JSON form."""
    found: Json = {}
    defaults = _defaults(kind.model)
    for name, path in kind.fields.items():
        value = _get(source, path)
        _set(found, name, value if value is not None else defaults.get(name))
    return found


def identity(kind: Kind, record: Json) -> str:
    """The id of a document: the same record has the same one wherever and whenever it is made."""
    made = IDENTITIES[kind.name](record)
    return made if len(made.encode("utf-8", "replace")) <= MOST_ID else _hash(made.encode("utf-8", "surrogatepass"))


def key_identity(kind: str, name: str) -> str:
    """The id of the document of a record of reference data, by the name that is its key there."""
    if kind == "relation":
        source, _, target = name.partition("\x1f")
        return identity(KINDS[kind], {"source": source, "target": target})
    return identity(KINDS[kind], {"id": name})


def _hash(value: bytes) -> str:
    return blake2b(value, digest_size=15).hexdigest()


def _transition(record: Json) -> str:
    # It has no id: what says the same in all its fields is the same.
    return f"{record['fingerprint']}.{_hash(orjson.dumps(record, option=orjson.OPT_SORT_KEYS))}"


IDENTITIES: dict[str, Callable[[Json], str]] = {
    "event": lambda record: f"{record['source']}:{record['id']}",
    "transition": _transition,
    "incident-version": lambda record: f"{record['id']}.{record['version']}",
    "service-level": lambda record: str(record["id"]),
    "audit": lambda record: str(record["id"]),
    "alert": lambda record: str(record["fingerprint"]),
    "placement": lambda record: str(record["alert"]),
    "incident": lambda record: str(record["id"]),
    "member": lambda record: f"{record['incident']}.{record['alert']}.{record['start']}",
    "ledger": lambda record: str(record["id"]),
    "dead": lambda record: str(record["id"]),
    "item": lambda record: str(record["id"]),
    "relation": lambda record: f"{record['source']}|{record['target']}",
    "change": lambda record: str(record["id"]),
}


def members(incident: Json) -> Iterator[Json]:
    """The members of an incident as records of their own."""
    for member in incident["members"]:
        yield {**member, "incident": incident["id"]}


def text_of(name: str, record: Json) -> str:
    """What a search over the text of a record of a kind looks at; "" for kinds that are not searched."""
    found = SEARCH[name](record) if name in SEARCH else ()
    return " ".join(dict.fromkeys(word for text in found for word in words(text)))[:SEARCHED]


def words(text: str) -> list[str]:
    """The words of a text: the same for every store, whatever it takes for a word itself."""
    return _WORD.findall(text.lower())


def _incident_words(record: Json) -> Iterator[str]:
    yield from (record["title"], *record["notes"], *record["services"], record["assignee"], record["group"])
    for member in record["members"]:
        yield from (member["resource"], member["component"], member["check"], member["summary"])


def _alert_words(record: Json) -> Iterator[str]:
    yield from (record["summary"], record["resource"], record["component"], record["check"], record["source"])
    yield from record["labels"].values()


SEARCH: dict[str, Callable[[Json], Iterable[str]]] = {"incident": _incident_words, "alert": _alert_words}
"""The kinds whose text is searched, and their words."""


# --- what is derived ---

Derived = Iterator[tuple[str, Any]]


def _rank(record: Json) -> Derived:
    yield "event.severity", RANK.get(record.get("severity") or "")


def _spell(record: Json) -> Derived:
    yield from _rank(record)
    yield "tocsin.search", text_of("alert", record) or None
    if record["ended"] is not None:
        yield "event.duration", (record["ended"] - record["first"]) * 1_000_000


def _incident(record: Json) -> Derived:
    yield from _version(record)
    yield "tocsin.search", text_of("incident", record) or None
    yield "tocsin.item.id", record["items"] or None
    kinds = sorted({(m["resource"], m["component"], m["check"]) for m in record["members"]})
    yield "tocsin.incident.signature", _hash(orjson.dumps(kinds))
    moment = datetime.fromtimestamp(record["started"] / 1000, UTC)
    yield "tocsin.incident.hour", moment.hour
    yield "tocsin.incident.weekday", moment.isoweekday()
    if record["candidates"]:
        first = record["candidates"][0]
        yield "tocsin.incident.root", first["item"]
        yield "tocsin.incident.root_check", first["check"] or None
        yield "tocsin.incident.root_odds", first["odds"]


def _version(record: Json) -> Derived:
    yield from _rank(record)
    if record["resolved"] is not None:
        yield "event.duration", max(record["resolved"] - record["started"], 0) * 1_000_000


def _relation(record: Json) -> Derived:
    yield "tocsin.item.id", [record["source"], record["target"]]


def _audit(record: Json) -> Derived:
    yield "event.outcome", "success" if record["ok"] else "failure"


DERIVED: dict[str, Callable[[Json], Derived]] = {
    "event": _rank,
    "transition": _rank,
    "member": _rank,
    "alert": _spell,
    "incident": _incident,
    "incident-version": _version,
    "audit": _audit,
    "relation": _relation,
}


# --- paths ---

_NOTHING: tuple[object, ...] = ("", [], {})
"""What is left out of documents where it is the default: it says nothing that one would look for."""


@cache
def _defaults(model: type[BaseModel]) -> Mapping[str, Any]:
    """The defaults of a model's fields in their JSON form."""
    return {
        name: to_jsonable_python(field.get_default(call_default_factory=True, validated_data={}))
        for name, field in model.model_fields.items()
        if field.default is not PydanticUndefined or field.default_factory is not None
    }


def _get(value: Mapping[str, Any], path: str) -> Any:
    found: Any = value
    for step in _steps(path):
        if found is None:
            return None
        found = found.get(step)
    return found


def _set(value: Json, path: str, leaf: Any) -> None:
    *above, last = _steps(path)
    for step in above:
        value = value.setdefault(step, {})
    value[last] = leaf


class _Field(NamedTuple):
    """One field of a record on its way into a document; worked out once, for documents are made by the million."""

    name: str
    steps: tuple[str, ...] | None
    """Of a name with dots."""
    nothing: object
    """The value that says nothing that one would look for: it is left out."""
    above: str
    last: str


@cache
def _plan(name: str) -> tuple[_Field, ...]:
    """The fields of a kind."""
    kind = KINDS[name]
    defaults = _defaults(kind.model)
    plan = []
    for field, path in kind.fields.items():
        default = defaults.get(field)
        above, _, last = path.rpartition(".")
        steps = _steps(field) if "." in field else None
        plan.append(_Field(field, steps, default if default in _NOTHING else None, above, last))
    return tuple(plan)


def _node(nodes: dict[str, Json], path: str) -> Json:
    """The object of a path, made with those above it where it is missing."""
    found = nodes.get(path)
    if found is None:
        above, _, last = path.rpartition(".")
        found = nodes[path] = _node(nodes, above)[last] = {}
    return found


@cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def kind_of(name: str) -> Kind:
    """A kind by its name."""
    return KINDS[name]
