"""One small way to the current records, whatever keeps them: SQLite beside an embedded host, or Elasticsearch.

Records go in and come out in their JSON form, by the names of their own fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from agents.index.documents import Json
from agents.index.kinds import KINDS
from schemas.base import ConfigError

Where = Mapping[str, str | int | bool]
"""Fields with the values they must have, as they are or as text; of a field with several values one must be it."""

STORED = ("alert", "placement", "incident", "ledger", "dead")
"""The kinds that every store keeps."""
SEARCHED = ("alert", "incident")
"""The kinds whose text can be searched."""


class Records(Protocol):
    """What every store of records can do."""

    def put(self, kind: str, records: Sequence[Json]) -> None:
        """Keep records; of one with an id that is there already the higher version stays."""
        ...

    def get(self, kind: str, name: str) -> Json | None:
        """The record of an id."""
        ...

    def search(self, kind: str, text: str, where: Where | None = None, most: int = 20) -> list[Json]:
        """Records in whose text all words stand, the best first. Raises ConfigError for kinds that are not searched."""
        ...

    def scan(self, kind: str, where: Where | None = None) -> Iterator[Json]:
        """All records, in the order of their ids."""
        ...

    def count_by(self, kind: str, field: str, where: Where | None = None) -> dict[str, int]:
        """How many records there are of each value of a field; one with several values counts for each."""
        ...


def check(kind: str, *fields: str) -> None:
    """Raises ConfigError where a kind is not kept or has no such field."""
    if kind not in STORED:
        raise ConfigError(f"records of kind {kind!r} are not kept; those of {', '.join(STORED)} are")
    known = KINDS[kind].fields
    for field in fields:
        if field not in known:
            raise ConfigError(f"{kind} has no field {field!r}; it has {', '.join(sorted(known))}")


def fits(record: Json, where: Where | None) -> bool:
    """Whether a record has the values asked for."""
    return all(
        as_text(value) in {as_text(one) for one in _values(_get(record, name)) if one is not None}
        for name, value in (where or {}).items()
    )


def values_of(record: Json, field: str) -> list[str]:
    """The values of a field, as they are counted; nothing and an empty text are none."""
    return [as_text(value) for value in dict.fromkeys(_values(_get(record, field))) if value not in (None, "")]


def as_text(value: object) -> str:
    """A value as the name of what is counted."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _values(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def version_of(kind: str, record: Json) -> int:
    """The version of a record; a dead letter has that of its time."""
    return int(record["raw"]["received"] if kind == "dead" else record["version"])


def _get(record: Json, field: str) -> object:
    found: object = record
    for step in field.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found
