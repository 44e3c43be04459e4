"""Much of everything in Elasticsearch: a recorded day, written again and again under other names, over 90 days."""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import orjson
from elasticsearch import Elasticsearch

from agents.embedded.host import Host
from agents.embedded.store import Store
from agents.index import bulk, feed
from agents.index.bulk import Fate, Line
from agents.index.documents import Document, document, words
from agents.index.kinds import KINDS
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import setup, standing
from agents.simulate import simulate
from benchmarks.day import make_normaliser
from benchmarks.documents import documents_of
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from schemas.base import DAY
from schemas.command import Action, AuditEntry, Role

DAYS = 90
NEWEST = 1_800_000_000_000
"""The end of the last day."""
SITES = 10
"""Data centres with names of their own."""
BULK = 2000
Source = dict[str, Any]
Documents = list[tuple[Document, Source]]
Day = dict[str, Documents]
PER_INCIDENT = ("incident", "incident-version", "member")
TIMES = ("@timestamp", "event.start", "event.end", "event.created", "tocsin.incident.opened", "tocsin.incident.changed")


class Much(NamedTuple):
    """What there is: some ids, names and words to ask for; per target its documents and bytes."""

    sizes: dict[str, tuple[int, int]]
    incidents: list[str]
    alerts: list[str]
    items: list[str]
    hosts: list[str]
    words: list[str]


def day_of_documents(seed: int) -> list[Document]:
    """All documents of a recorded day, and somebody who acknowledged each incident."""
    day = simulate(seed)
    with tempfile.TemporaryDirectory(prefix="tocsin-day-") as folder:
        path = Path(folder) / "s.db"
        host = Host(Flow(FlowSettings()), make_normaliser(), Store(str(path)), 2000)
        host.refer((*day.centre.items.values(), *day.centre.relations, *day.changes), 1)
        host.replay("day", (line.raw for line in day.lines))
        host.store.close()
        feed.attach(path)
        found = documents_of(path)
    return [*found, *(_act(one) for one in found if one.kind == "incident")]


def _act(incident: Document) -> Document:
    """What somebody did about an incident: nobody does on a simulated day."""
    time = orjson.loads(incident.body or b"")["@timestamp"]
    target, role = incident.id, Role.OPERATOR
    entry = AuditEntry(
        id=target,
        time=time,
        by="ann",
        role=role,
        action=Action.ACKNOWLEDGE,
        target=target,
        ok=True,
        reason="done",
        text="",
    )
    return document(KINDS["audit"], orjson.loads(entry.model_dump_json()))


def much(client: Elasticsearch, settings: ElasticsearchOutput, seed: int, events: int, incidents: int) -> Much:
    """Write it where it is not there yet, and say what there is."""
    by_kind: Day = {}
    for one in day_of_documents(seed):
        if one.body is not None:
            by_kind.setdefault(one.kind, []).append((one, orjson.loads(one.body)))
    setup(client, settings)
    for kind, some in by_kind.items():
        print(f"{kind}: {len(some)} a day", file=sys.stderr)
    copies = dict.fromkeys(by_kind, DAYS)
    copies["event"] = -(-events // len(by_kind["event"]))
    copies["incident"] = -(-incidents // len(by_kind["incident"]))
    copies |= {
        "item": SITES,
        "relation": SITES,
        "member": copies["incident"],
        "audit": copies["incident"],
        "incident-version": copies["incident"],
    }
    missing = [
        kind for kind, some in by_kind.items() if not _is_there(client, settings, kind, len(some) * copies[kind])
    ]
    for kind in missing:
        _write(client, settings, kind, by_kind[kind], Span(_first(by_kind), copies[kind]))
    if missing:
        client.options(request_timeout=3600).indices.forcemerge(index=f"{settings.prefix}-*", max_num_segments=5)
    client.indices.refresh(index=f"{settings.prefix}-*")
    sizes = {one.target.name: (one.documents, one.bytes) for one in standing(client, settings)}
    return _held(sizes, by_kind, copies["incident"])


def _is_there(client: Elasticsearch, settings: ElasticsearchOutput, kind: str, wanted: int) -> bool:
    """Whether an earlier run wrote them to the end; else they are gone over again. A day tells some things twice."""
    name = settings.name(KINDS[kind].target)
    return int(client.count(index=name, ignore_unavailable=True)["count"]) > 0.99 * wanted


def _held(sizes: dict[str, tuple[int, int]], by_kind: Day, copies: int) -> Much:
    span = Span(_first(by_kind), copies)
    some = [copied(one, source, n, span) for one, source in by_kind["incident"] for n in range(0, copies, 97)]
    incidents = [orjson.loads(one.body or b"")["tocsin"] for one in some]
    alerts = [
        orjson.loads(copied(one, source, n, Span(span.first, SITES)).body or b"")
        for one, source in by_kind["alert"][::20]
        for n in range(SITES)
    ]
    return Much(
        sizes,
        [one["incident"]["id"] for one in incidents],
        [one["tocsin"]["alert"]["id"] for one in alerts],
        sorted({item for one in incidents for item in one.get("item", {}).get("id", [])}),
        sorted({one["host"]["name"] for one in alerts}),
        sorted({word for one in alerts for word in words(one["message"]) if len(word) > 3 and word.isalpha()}),
    )


def _first(by_kind: Day) -> int:
    return min(int(source["@timestamp"]) for _, source in by_kind["event"])


def _write(client: Elasticsearch, settings: ElasticsearchOutput, kind: str, some: Documents, span: Span) -> None:
    """Write all copies of the documents of a kind, oldest first, two requests at a time."""
    name = settings.name(KINDS[kind].target)
    begun = perf_counter()
    lines = (
        bulk.line(settings, copied(one, source, n, span)._replace(version=None))
        for n in range(span.copies)
        for one, source in some
    )
    total = 0
    with ThreadPoolExecutor(2) as pool:
        sent: list[Future[int]] = []
        while part := list(islice(lines, BULK)):
            sent.append(pool.submit(_post, client, part))
            if len(sent) > 3:
                total += sent.pop(0).result()
        total += sum(one.result() for one in sent)
    seconds = perf_counter() - begun
    print(f"{total:,} {name} in {seconds:,.0f} s, {total / seconds:,.0f}/s", file=sys.stderr, flush=True)


def _post(client: Elasticsearch, part: list[Line]) -> int:
    wrong = [found for found in bulk.post(client, part) if found.fate not in (Fate.WRITTEN, Fate.REPEATED)]
    if wrong:
        raise SystemExit(f"not written: {wrong[0]}")
    return len(part)


class Span(NamedTuple):
    """When a day began, and how many copies are spread over all days."""

    first: int
    copies: int

    def shift(self, number: int) -> int:
        """By how much a copy is later than the day."""
        return NEWEST - DAY - self.first - (self.copies - 1 - number) * (DAYS - 1) * DAY // max(self.copies - 1, 1)


def copied(document: Document, source: Source, number: int, span: Span) -> Document:
    """One document under other names, at another time."""
    made: Source = orjson.loads(orjson.dumps(source))
    shift, mark, site = span.shift(number), f"-{number}", f"-{number % SITES}"
    for path in TIMES:
        _change(made, path, shift)
    for path in ("host.name", "tocsin.item.id", "tocsin.alert.id"):
        _change(made, path, site)
    if document.kind in PER_INCIDENT:
        _change(made, "tocsin.incident.id", mark)
    if "search" in made["tocsin"]:
        made["tocsin"]["search"] += f" site{number % SITES}"
    return document._replace(id=document.id + mark, body=orjson.dumps(made))


def _change(source: Source, path: str, more: int | str) -> None:
    """Add to a value where there is one; to each of several."""
    *above, last = path.split(".")
    found: Any = source
    for step in above:
        found = found.get(step)
        if not isinstance(found, dict):
            return
    if last in found:
        value = found[last]
        found[last] = [one + more for one in value] if isinstance(value, list) else value + more
