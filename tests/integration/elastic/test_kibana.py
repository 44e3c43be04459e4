"""Each panel's query, run on a recorded day, gives what the day's own records give when they are counted by hand."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from elasticsearch import Elasticsearch

from agents.index.documents import Document
from agents.index.kibana import objects, saved_objects, views
from agents.index.kinds import KINDS
from agents.index.lanes import Read
from agents.index.members import rows_of
from agents.index.output import StoreIndexer
from agents.index.panels import By, Dashboard, Panel, dashboards, panels
from agents.index.settings import ElasticsearchOutput
from agents.index.templates import mapped_fields, targets
from agents.simulate import Day as Recorded
from agents.simulate import simulate
from benchmarks.day import make_normaliser
from schemas.base import HOUR, MINUTE
from schemas.command import Action, Command
from schemas.event import RawRecord
from tests.integration.elastic.days import host_at, lanes_of

Source = dict[str, Any]
INTERVAL = 3_600_000
PAST = 12
"""Incidents of the days before; of fewer than ten nothing is learned."""
AGGREGATABLE = {"keyword", "date", "boolean", "byte", "integer", "long", "double", "float"}
NAMES = [pytest.param(one, panel, id=f"{one.id}-{panel.id}") for one, panel in panels()]


class Day(NamedTuple):
    """A cluster with a day in it, and the same documents as the store gives them."""

    settings: ElasticsearchOutput
    documents: dict[str, list[Source]]


@pytest.fixture(scope="module")
def day(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    path = tmp_path_factory.mktemp("day") / "s.db"
    recorded = simulate(4)  # a day whose bad change comes before its worst moment
    host = host_at(path, recorded)
    until = worst_moment(recorded)
    raws = [line.raw for line in recorded.lines if line.raw.received < until]
    raws.insert(bisect(raws, until - 5 * MINUTE, key=lambda raw: raw.received), down(recorded, until - 5 * MINUTE))
    host.receive(before(recorded, raws[0].received))
    host.pump()
    host.receive(raws)
    host.pump()
    new = [one["id"] for one in map(orjson.loads, host.store.read.records("incident")) if one["status"] == "new"]
    assert len(new) > 1, "one is to be assigned, and one is not"
    given: dict[str, str | list[str]] = {"assignee": "ann", "group": "network"}
    at = raws[-1].received
    host.ask(Command(id="c", time=at, action=Action.ASSIGN, by="ann", target=new[0], arguments=given))
    host.pump()
    settings = ElasticsearchOutput(type="elasticsearch", nodes=(url,), prefix=f"k{time.time_ns() % 10**10}")
    made = StoreIndexer(settings, host.store, make_normaliser(), lambda: time.time_ns() // 1_000_000)
    asyncio.run(made.catch_up())
    with Elasticsearch(url, request_timeout=60) as client:
        client.indices.refresh(index=f"{settings.prefix}-*")
    yield Day(settings, everything(path))
    host.store.close()


def worst_moment(recorded: Recorded) -> int:
    """The last moment of the day at which most faults have lasted for ten minutes and go on."""
    spans = [(min(s.start for s in f.symptoms), max(s.end for s in f.symptoms)) for f in recorded.faults]
    moments = [begin + 10 * MINUTE for begin, _ in spans]
    return max(moments, key=lambda at: (sum(begin + 10 * MINUTE <= at < end for begin, end in spans), at))


def down(day: Recorded, at: int, ended: int | None = None) -> RawRecord:
    """A service that no fault reaches reports that it is down: one more incident; or that this is over."""
    reached = {symptom.item for fault in day.faults for symptom in fault.symptoms}
    service = min(set(day.centre.of_kind("service")) - reached)
    alert: Source = {
        "status": "firing" if ended is None else "resolved",
        "labels": {"alertname": "Down", "instance": service, "severity": "critical"},
        "startsAt": datetime.fromtimestamp(at / 1000, UTC).isoformat(),
    }
    if ended is not None:
        alert["endsAt"] = datetime.fromtimestamp(ended / 1000, UTC).isoformat()
    payload = orjson.dumps({"version": "4", "alerts": [alert]})
    return RawRecord(source="alertmanager", received=ended or at, payload=payload, origin="services")


def before(day: Recorded, begin: int) -> Iterator[RawRecord]:
    """The same happened on the days before, and was over soon: so it is known how long such an incident lasts.

    And a disk fills.
    """
    for number in range(PAST, 0, -1):
        at = begin - number * 3 * HOUR
        yield down(day, at)
        for minute in range(20, 180, 5):
            if minute == 20:
                yield down(day, at, at + 20 * MINUTE)
            full = 90 - (begin - at - minute * MINUTE) / HOUR
            line = f"disk,host=backup-1,path=/data used_percent={full:.2f} {(at + minute * MINUTE) * 1_000_000}"
            yield RawRecord(source="influx", received=at + minute * MINUTE, payload=line.encode(), origin="telegraf")


def everything(path: Path) -> dict[str, list[Source]]:
    """All documents of a store, by the target they go to, each once."""
    lanes = lanes_of(path)
    ends = {"changes": lanes.changes_end(), "history": lanes.history_end(), "events": lanes.events_end()}
    found: dict[tuple[str, str], Document] = {}
    for name, end in ends.items():
        read: Read = getattr(lanes, name)
        after = 0
        while after < end:
            batch = read(after, end, 1000)
            after = batch.position
            for one in batch.documents:
                found.setdefault((one.kind, one.id), one)
    lanes.close()
    rows = [row for one in found.values() for row in rows_of(one)]
    by_target: dict[str, list[Source]] = {kind.target: [] for kind in KINDS.values()}
    for one in [*found.values(), *rows]:
        by_target[KINDS[one.kind].target].append(orjson.loads(one.body or b""))
    return by_target


def values(source: Source, path: str) -> list[Any]:
    found: Any = source
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return [] if found is None else found if isinstance(found, list) else [found]


def fits(panel: Panel, source: Source) -> bool:
    asked = all(set(values(source, field)) & set(wanted) for field, wanted in panel.where.items())
    known = all(values(source, field) for field in panel.known)
    return asked and known and not any(values(source, field) for field in panel.without)


def keys(by: By, source: Source) -> set[Any]:
    if by.time:
        return {value // INTERVAL * INTERVAL for value in values(source, by.time)}
    return set(values(source, by.terms))


def truth(groups: list[By], documents: list[Source]) -> dict[Any, list[Source]]:
    """Documents by the first of some groups."""
    found: dict[Any, list[Source]] = {}
    for one in documents:
        for key in keys(groups[0], one):
            found.setdefault(key, []).append(one)
    return found


def agrees(panel: Panel, groups: list[By], found: dict[str, Any], documents: list[Source]) -> None:
    """The buckets and measures of an answer are those of the documents."""
    if not groups:
        for n, value in enumerate(panel.values):
            if isinstance(value, dict):
                ((name, field),) = value.items()
                assert measured(name, [one for source in documents for one in values(source, field)]) == pytest.approx(
                    found[f"v{n}"]["value"]
                )
        return
    wanted = truth(groups, documents)
    buckets = found["by"]["buckets"]
    for bucket in buckets:
        assert bucket["doc_count"] == len(wanted[bucket["key"]]), bucket["key"]
        agrees(panel, groups[1:], bucket, wanted[bucket["key"]])
    if groups[0].time:
        assert {bucket["key"] for bucket in buckets} == set(wanted)
    elif groups[0].order == "count":
        most = sorted((len(some) for some in wanted.values()), reverse=True)[: groups[0].top]
        assert [bucket["doc_count"] for bucket in buckets] == most
    else:
        assert [bucket["key"] for bucket in buckets] == sorted(wanted)[: groups[0].top]


def measured(name: str, found: list[Any]) -> float | None:
    if name == "unique":
        return float(len(set(found)))
    if name == "sum":
        return float(sum(found))
    if not found:
        return None
    if name == "average":
        return float(sum(found)) / len(found)
    return float(max(found) if name == "max" else min(found))


@pytest.mark.slow
@pytest.mark.parametrize(("dashboard", "panel"), NAMES)
def test_a_panel_shows_what_is_true(day: Day, client: Elasticsearch, dashboard: Dashboard, panel: Panel) -> None:
    name = day.settings.name(panel.source)
    documents = [one for one in day.documents[panel.source] if fits(panel, one)]
    assert documents or panel.id in EMPTY, "the day has nothing of it"
    sort = [{panel.sort[0]: {"order": panel.sort[1]}}] if panel.sort else None
    answer = client.search(
        index=name,
        query=panel.query(),
        aggregations=panel.aggregations(f"{INTERVAL}ms") or None,
        size=500 if panel.draw == "list" else 0,
        sort=sort,
        track_total_hits=True,
    ).body
    assert answer["hits"]["total"]["value"] == len(documents)
    assert client.count(index=name, q=lucene(panel))["count"] == len(documents)
    if panel.draw == "list":
        shown = [hit["_source"] for hit in answer["hits"]["hits"]]
        first = [values(one, panel.sort[0])[0] for one in shown]
        assert first == sorted(first, reverse=panel.sort[1] == "desc")
        assert [field for field in panel.columns if not any(values(one, field) for one in documents)] == [
            field for field in panel.columns if field in NEVER.get(panel.id, ())
        ]
    else:
        agrees(panel, panel.groups(), answer.get("aggregations", {}), documents)


def lucene(panel: Panel) -> str:
    """The panel's KQL, which for these filters differs from Lucene's in the words only."""
    return panel.kql().replace(" and ", " AND ").replace(" or ", " OR ").replace("not ", "NOT ") or "*"


EMPTY: set[str] = set()
"""Panels of which a quiet day may have nothing."""
NEVER: dict[str, set[str]] = {
    "facts": {"tocsin.incident.runbooks"},
    "members": {"tocsin.component"},
    "relations": {"tocsin.relation.group"},
    "changes": {"user.name"},
    "clocks": {"tocsin.incident.assignee"},
}
"""Columns of lists that are empty all day."""


def test_every_field_of_a_panel_is_mapped_so_that_it_can_be_counted() -> None:
    settings = ElasticsearchOutput(type="elasticsearch")
    for one, panel in panels():
        mapped = mapped_fields(targets(settings)[panel.source])
        where = f"{one.id}-{panel.id}"
        assert panel.fields() - set(mapped) == set(), where
        shown = set(panel.columns) - set(panel.sort[:1]) - set(panel.where)
        for field in panel.fields() - shown:
            assert mapped[field]["type"] in AGGREGATABLE, (where, field)
            assert mapped[field].get("doc_values", True), (where, field)
        assert panel.source in views(), where
        assert panel.draw == "list" or panel.values, where
        assert panel.draw != "list" or (panel.columns and panel.sort), where


def test_saved_objects_are_whole_and_the_same_every_time() -> None:
    settings = ElasticsearchOutput(type="elasticsearch")
    found = list(objects(settings))
    assert saved_objects(settings) == saved_objects(settings)
    names = [(one["type"], one["id"]) for one in found]
    assert len(set(names)) == len(names) == len(views()) + len(list(panels())) + len(dashboards())
    for n, one in enumerate(found):
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in names[:n]
    (other,) = {one["id"].split("-")[0] for one in objects(settings.model_copy(update={"prefix": "other"}))}
    assert other == "other"


def test_drawings_refer_to_their_columns_and_panels_do_not_overlap() -> None:
    for one in objects(ElasticsearchOutput(type="elasticsearch")):
        attributes = one["attributes"]
        if one["type"] == "lens":
            columns = attributes["state"]["datasourceStates"]["formBased"]["layers"]["data"]["columns"]
            drawn = orjson.dumps(attributes["state"]["visualization"]).decode()
            assert all(f'"{name}"' in drawn for name in columns)
        if one["type"] == "dashboard":
            cells: Counter[tuple[int, int]] = Counter()
            for place in (panel["gridData"] for panel in orjson.loads(attributes["panelsJSON"])):
                assert place["x"] + place["w"] <= 48
                cells.update(
                    (x, y)
                    for x in range(place["x"], place["x"] + place["w"])
                    for y in range(place["y"], place["y"] + place["h"])
                )
            assert max(cells.values()) == 1
