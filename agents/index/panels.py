"""Dashboards as they are written down in deploy/kibana: what each panel draws, and the query that this is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from agents.deployed import deployed
from agents.reading import read_document
from schemas.base import ConfigError, Record

TOP = 10
SPLIT_TOP = 10
"""Parts that a drawing is split into."""
MEASURES = ("average", "max", "min", "sum", "unique")
Value = Literal["count"] | dict[str, str]


class By(Record):
    """What a panel groups by: the most frequent values of a field, or time."""

    terms: str = ""
    time: str = ""
    top: int = TOP
    order: Literal["count", "name"] = "count"

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.terms) == bool(self.time):
            raise ValueError("either terms or time")
        return self


class Panel(Record):
    """One panel. `where` names the values that fields may have, `known` fields that must be there, `without` not."""

    id: str
    title: str
    draw: Literal["metric", "bar", "line", "table", "list"]
    source: str = Field(alias="from")
    size: tuple[int, int]
    where: dict[str, tuple[str | int, ...]] = Field(default_factory=dict)
    known: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    by: tuple[By, ...] = ()
    split: str = ""
    values: tuple[Value, ...] = ()
    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()

    def groups(self) -> list[By]:
        """All it groups by, what a drawing is split into included."""
        return [*self.by, *([By(terms=self.split, top=SPLIT_TOP)] if self.split else [])]

    def fields(self) -> set[str]:
        """Every field that it uses."""
        measured = {field for value in self.values if isinstance(value, dict) for field in value.values()}
        grouped = {one.terms or one.time for one in self.groups()}
        return {*self.where, *self.known, *self.without, *self.columns, *self.sort[:1], *measured, *grouped}

    def kql(self) -> str:
        """Its filter as Kibana's query language has it."""
        some = [f"{field}: ({' or '.join(_quoted(value) for value in values)})" for field, values in self.where.items()]
        return " and ".join(
            [*some, *(f"{field}: *" for field in self.known), *(f"not {field}: *" for field in self.without)]
        )

    def query(self) -> dict[str, Any]:
        """Its filter as Elasticsearch has it."""
        terms = [{"terms": {field: list(values)}} for field, values in self.where.items()]
        known, unknown = ([{"exists": {"field": field}} for field in some] for some in (self.known, self.without))
        return {"bool": {"filter": [*terms, *known], "must_not": unknown}}

    def aggregations(self, interval: str) -> dict[str, Any]:
        """What it counts and measures, nested as it groups: `by` in `by`, values as v0, v1, ..."""
        made: dict[str, Any] = {
            f"v{n}": measure for n, value in enumerate(self.values) if (measure := _measure(value)) is not None
        }
        for one in reversed(self.groups()):
            grouped: dict[str, Any]
            if one.time:
                grouped = {"date_histogram": {"field": one.time, "fixed_interval": interval, "min_doc_count": 1}}
            else:
                order = {"_key": "asc"} if one.order == "name" else {"_count": "desc"}
                grouped = {"terms": {"field": one.terms, "size": one.top, "order": order}}
            made = {"by": {**grouped, **({"aggs": made} if made else {})}}
        return made


class Dashboard(Record):
    """One dashboard: its panels fill rows of 48 columns in their order."""

    id: str
    title: str
    about: str
    range: str
    panels: tuple[Panel, ...]


def dashboards() -> list[Dashboard]:
    """All dashboards, in the order of their files. Raises ConfigError for one that can't be understood."""
    return [_dashboard(path) for path in sorted(deployed("kibana", "dashboards").glob("*.yaml"))]


def _dashboard(path: Path) -> Dashboard:
    data = read_document(path).data
    name = path.stem.partition("-")[2]
    try:
        return Dashboard.model_validate({"id": name, **(data if isinstance(data, Mapping) else {})})
    except ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error


def panels() -> Iterator[tuple[Dashboard, Panel]]:
    """Every panel, with its dashboard."""
    for one in dashboards():
        for panel in one.panels:
            yield one, panel


def _measure(value: Value) -> dict[str, Any] | None:
    if value == "count":
        return None
    ((name, field),) = value.items()
    return {{"average": "avg", "unique": "cardinality"}.get(name, name): {"field": field}}


def _quoted(value: str | int) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
