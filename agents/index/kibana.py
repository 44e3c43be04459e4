"""Kibana's saved objects of the dashboards: data views, Lens drawings, searches, dashboards; the same bytes every time.

The versions say in which form an object is written, that of Kibana 8.9: newer ones bring it to theirs on import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from agents.deployed import deployed
from agents.index.panels import By, Dashboard, Panel, Value, dashboards
from agents.index.settings import ElasticsearchOutput
from agents.index.templates import mapped_fields, targets
from agents.reading import read_document

Json = dict[str, Any]
WIDTH = 48
CORE = "8.8.0"
VERSIONS = {"index-pattern": "8.0.0", "lens": "8.9.0", "search": "8.0.0", "dashboard": "8.9.0"}
_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"
_LAYER = "indexpattern-datasource-layer-data"


def saved_objects(settings: ElasticsearchOutput) -> bytes:
    """All saved objects as NDJSON, to be imported as a whole."""
    return b"".join(orjson.dumps(one, option=orjson.OPT_SORT_KEYS) + b"\n" for one in objects(settings))


def objects(settings: ElasticsearchOutput) -> Iterator[Json]:
    """Data views first, dashboards last: what is referred to stands before what refers to it."""
    for name, view in views().items():
        yield _object(settings, "index-pattern", name, _view(settings, name, view), [])
    for one in dashboards():
        for panel in one.panels:
            yield _search(settings, one, panel) if panel.draw == "list" else _lens(settings, one, panel)
        yield _dashboard(settings, one)


def views() -> Mapping[str, Mapping[str, str]]:
    """The data views, by what is behind them."""
    data = read_document(deployed("kibana", "views.yaml")).data
    return data if isinstance(data, dict) else {}


def _object(settings: ElasticsearchOutput, kind: str, name: str, attributes: Json, references: list[Json]) -> Json:
    return {
        "id": _id(settings, kind, name),
        "type": kind,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": CORE,
        "typeMigrationVersion": VERSIONS[kind],
        "managed": False,
    }


def _id(settings: ElasticsearchOutput, kind: str, name: str) -> str:
    return f"{settings.prefix}-{'view' if kind == 'index-pattern' else kind}-{name}"


def _refer(settings: ElasticsearchOutput, kind: str, name: str, known_as: str) -> Json:
    return {"id": _id(settings, kind, name), "name": known_as, "type": kind}


def _text(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _view(settings: ElasticsearchOutput, name: str, view: Mapping[str, str]) -> Json:
    duration = {"id": "duration", "params": {"inputFormat": "nanoseconds", "outputFormat": "humanizePrecise"}}
    made = {
        "title": settings.name(name),
        "name": f"{settings.prefix}: {view['title']}",
        "allowNoIndex": True,
        "fieldFormatMap": _text({"event.duration": duration}),
        "fields": "[]",
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "typeMeta": "{}",
    }
    return {**made, "timeFieldName": view["time"]} if view["time"] else made


# --- a list of documents ---


def _search(settings: ElasticsearchOutput, dashboard: Dashboard, panel: Panel) -> Json:
    source = {"filter": [], "indexRefName": _SOURCE, "query": {"language": "kuery", "query": panel.kql()}}
    attributes = {
        "title": f"{dashboard.title}: {panel.title}",
        "description": "",
        "columns": list(panel.columns),
        "sort": [list(panel.sort)],
        "grid": {},
        "hideChart": True,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(source)},
    }
    return _object(
        settings,
        "search",
        f"{dashboard.id}-{panel.id}",
        attributes,
        [_refer(settings, "index-pattern", panel.source, _SOURCE)],
    )


# --- a drawing ---


def _lens(settings: ElasticsearchOutput, dashboard: Dashboard, panel: Panel) -> Json:
    types = {path: one["type"] for path, one in mapped_fields(targets(settings)[panel.source]).items()}
    columns = {f"by{n}": _bucket(one, types) for n, one in enumerate(panel.groups())}
    columns |= {f"v{n}": _metric(value) for n, value in enumerate(panel.values)}
    layer = {"columnOrder": list(columns), "columns": columns, "incompleteColumns": {}, "sampling": 1}
    kind, drawn = _drawn(panel)
    attributes = {
        "title": f"{dashboard.title}: {panel.title}",
        "description": "",
        "visualizationType": kind,
        "state": {
            "adHocDataViews": {},
            "datasourceStates": {"formBased": {"layers": {"data": layer}}},
            "filters": [],
            "internalReferences": [],
            "query": {"language": "kuery", "query": panel.kql()},
            "visualization": drawn,
        },
    }
    return _object(
        settings,
        "lens",
        f"{dashboard.id}-{panel.id}",
        attributes,
        [_refer(settings, "index-pattern", panel.source, _LAYER)],
    )


def _bucket(one: By, types: Mapping[str, str]) -> Json:
    if one.time:
        return {
            "dataType": "date",
            "isBucketed": True,
            "label": one.time,
            "operationType": "date_histogram",
            "params": {"dropPartials": False, "includeEmptyRows": True, "interval": "auto"},
            "scale": "interval",
            "sourceField": one.time,
        }
    by_name = {"type": "alphabetical", "fallback": False}
    params = {
        "missingBucket": False,
        "orderBy": by_name if one.order == "name" else {"columnId": "v0", "type": "column"},
        "orderDirection": "asc" if one.order == "name" else "desc",
        "otherBucket": False,
        "parentFormat": {"id": "terms"},
        "size": one.top,
    }
    return {
        "dataType": "string" if types[one.terms] == "keyword" else "number",
        "isBucketed": True,
        "label": one.terms,
        "operationType": "terms",
        "params": params,
        "scale": "ordinal",
        "sourceField": one.terms,
    }


def _metric(value: Value) -> Json:
    made = {"dataType": "number", "isBucketed": False, "scale": "ratio", "params": {"emptyAsNull": False}}
    if value == "count":
        return {**made, "label": "Count", "operationType": "count", "sourceField": "___records___"}
    ((name, field),) = value.items()
    date = field == "@timestamp" or field.endswith((".start", ".end"))
    operation = "unique_count" if name == "unique" else name
    return {
        **made,
        "dataType": "date" if date else "number",
        "label": f"{name} of {field}",
        "operationType": operation,
        "sourceField": field,
    }


def _drawn(panel: Panel) -> tuple[str, Json]:
    """The kind of a drawing, and how it draws its columns."""
    values = [f"v{n}" for n in range(len(panel.values))]
    if panel.draw == "metric":
        return "lnsMetric", {"layerId": "data", "layerType": "data", "metricAccessor": values[0]}
    if panel.draw == "table":
        names = [*(f"by{n}" for n in range(len(panel.groups()))), *values]
        return "lnsDatatable", {
            "columns": [{"columnId": name} for name in names],
            "layerId": "data",
            "layerType": "data",
        }
    kind = "bar_stacked" if panel.draw == "bar" else "line"
    layer: Json = {
        "accessors": values,
        "layerId": "data",
        "layerType": "data",
        "seriesType": kind,
        "xAccessor": "by0",
    }
    if panel.split:
        layer["splitAccessor"] = f"by{len(panel.by)}"
    legend = {"isVisible": True, "position": "right"}
    return "lnsXY", {"layers": [layer], "legend": legend, "preferredSeriesType": kind, "valueLabels": "hide"}


# --- a dashboard ---


def _dashboard(settings: ElasticsearchOutput, one: Dashboard) -> Json:
    panels, references = [], []
    for n, (panel, place) in enumerate(_placed(one), 1):
        kind = "search" if panel.draw == "list" else "lens"
        panels.append(
            {
                "embeddableConfig": {"enhancements": {}},
                "gridData": {**place, "i": str(n)},
                "panelIndex": str(n),
                "panelRefName": f"panel_{n}",
                "title": panel.title,
                "type": kind,
                "version": VERSIONS["dashboard"],
            }
        )
        references.append(_refer(settings, kind, f"{one.id}-{panel.id}", f"{n}:panel_{n}"))
    attributes = {
        "title": one.title,
        "description": one.about,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": _text({"filter": [], "query": {"language": "kuery", "query": ""}})
        },
        "optionsJSON": _text({"hidePanelTitles": False, "syncColors": True, "syncCursor": True, "useMargins": True}),
        "panelsJSON": _text(panels),
        "timeFrom": one.range,
        "timeRestore": True,
        "timeTo": "now",
        "version": 1,
    }
    return _object(settings, "dashboard", one.id, attributes, references)


def _placed(one: Dashboard) -> Iterator[tuple[Panel, Json]]:
    """Panels in rows: a new row where one does not fit any more."""
    x = y = height = 0
    for panel in one.panels:
        width, high = panel.size
        if x + width > WIDTH:
            x, y, height = 0, y + height, 0
        yield panel, {"x": x, "y": y, "w": width, "h": high}
        x, height = x + width, max(height, high)
