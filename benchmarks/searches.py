"""How long searches take on much: `python -m benchmarks.searches --events 5000000 --incidents 100000`.

A recorded day is written again and again under other names and times into a node of its own, 90 days of it. Then every
panel of every dashboard is asked for what Kibana would ask, and the records for what a console asks, each many times
with other ids; nothing is answered from the cache of whole answers. With `--folder` what was written is kept, and used
by the next run.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from time import perf_counter
from typing import NamedTuple

from elasticsearch import Elasticsearch

from agents.index.client import connect
from agents.index.elastic_records import ElasticRecords
from agents.index.panels import Dashboard, Panel, panels
from agents.index.settings import ElasticsearchOutput
from agents.local.elasticsearch import Node
from benchmarks.day import arguments, print_json
from benchmarks.much import NEWEST, Much, much
from schemas.base import DAY, HOUR

SPANS = {"now-7d": (7, 2 * HOUR), "now-30d": (30, 12 * HOUR), "now-90d": (90, DAY)}
"""The days of a dashboard, and the interval that Kibana takes for so many."""
Ask = Callable[[Random], object]


class Timed(NamedTuple):
    """One search: milliseconds of each try, in order."""

    name: str
    millis: list[float]

    def at(self, share: float) -> float:
        """A quantile."""
        ordered = sorted(self.millis)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def main(given: list[str] | None = None) -> int:
    """Write, search and print; 1 where the slowest twentieth takes 200 ms or more."""
    options = arguments(
        "Search much.", given, events="5000000", incidents="100000", rounds="20", folder="", heap="2g", seed="1"
    )
    with ExitStack() as stack:
        folder = options.folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-searches-"))
        node = stack.enter_context(Node(Path(folder) / "node", heap=options.heap))
        settings = ElasticsearchOutput(type="elasticsearch", nodes=(node.url,), timeout=120_000)
        client = stack.enter_context(connect(settings))
        held = much(client, settings, int(options.seed), int(options.events), int(options.incidents))
        for name, (documents, size) in held.sizes.items():
            print(f"{name:<18} {documents:>10,} documents {size / 1e6:>9,.1f} MB", flush=True)
        timed = [_timed(name, ask, int(options.rounds)) for name, ask in _asks(client, settings, held)]
    print(f"\n{'search':<44} {'median':>8} {'p95':>8} {'most':>8} ms")
    for one in sorted(timed, key=lambda found: -found.at(0.95)):
        print(f"{one.name:<44} {one.at(0.5):>8.1f} {one.at(0.95):>8.1f} {max(one.millis):>8.1f}")
    every = Timed("all of them", [one for some in timed for one in some.millis])
    print(f"{every.name:<44} {every.at(0.5):>8.1f} {every.at(0.95):>8.1f} {max(every.millis):>8.1f}")
    if options.json:
        slow = {one.name: one.at(0.95) for one in timed if one.at(0.95) >= 200}
        print_json({"searches": len(timed), "median": every.at(0.5), "p95": every.at(0.95), "p95_over_200": slow})
    return 1 if every.at(0.95) >= 200 else 0


def _timed(name: str, ask: Ask, rounds: int) -> Timed:
    """Two tries to warm up, then the rounds."""
    random = Random(name)
    millis = []
    for number in range(rounds + 2):
        begun = perf_counter()
        ask(random)
        if number >= 2:
            millis.append((perf_counter() - begun) * 1000)
    return Timed(name, millis)


def _asks(client: Elasticsearch, settings: ElasticsearchOutput, held: Much) -> Iterator[tuple[str, Ask]]:
    for dashboard, panel in panels():
        yield f"{dashboard.id}: {panel.id}", _panel(client, settings, dashboard, panel, held)
    yield from _console(ElasticRecords(client, settings), client, settings, held)


# --- what Kibana asks ---


def _panel(client: Elasticsearch, settings: ElasticsearchOutput, dashboard: Dashboard, panel: Panel, held: Much) -> Ask:
    days, interval = SPANS[dashboard.range]
    aggregations = panel.aggregations(f"{interval}ms") or None
    sort = [{panel.sort[0]: {"order": panel.sort[1]}}] if panel.sort else None

    def ask(random: Random) -> object:
        found = panel.query()
        if panel.source not in ("items", "relations"):
            end = NEWEST + random.randrange(HOUR)  # another moment is another question
            found["bool"]["filter"].append({"range": {"@timestamp": {"gte": end - days * DAY, "lte": end}}})
        if dashboard.id == "investigation":
            found["bool"]["filter"].append({"term": {"tocsin.incident.id": random.choice(held.incidents)}})
        elif dashboard.id == "surroundings":
            found["bool"]["filter"].append({"term": {"tocsin.item.id": random.choice(held.items)}})
        return client.search(
            index=settings.name(panel.source),
            query=found,
            aggregations=aggregations,
            size=500 if panel.draw == "list" else 0,
            sort=sort,
            track_total_hits=panel.draw == "list" or 10_000,
            request_cache=False if panel.draw != "list" else None,
        )

    return ask


# --- what a console asks ---


def _console(
    records: ElasticRecords, client: Elasticsearch, settings: ElasticsearchOutput, held: Much
) -> Iterator[tuple[str, Ask]]:
    def of(target: str, field: str, names: list[str], most: int = 100) -> Ask:
        def ask(random: Random) -> object:
            query = {"term": {field: random.choice(names)}}
            sort = [{"@timestamp": {"order": "desc"}}]
            return client.search(index=settings.name(target), query=query, sort=sort, size=most)

        return ask

    def newest_open(_: Random) -> object:
        where = {"terms": {"tocsin.incident.status": ["new", "assigned", "pending"]}}
        sort = [{"tocsin.incident.priority": {"order": "asc"}}, {"@timestamp": {"order": "desc"}}]
        return client.search(index=settings.name("incidents"), query=where, sort=sort, size=50, from_=50)

    yield "console: open incidents, second page", newest_open
    yield "console: an incident by its id", lambda random: records.get("incident", random.choice(held.incidents))
    yield "console: members of an incident", of("members", "tocsin.incident.id", held.incidents)
    yield "console: versions of an incident", of("incident-history", "tocsin.incident.id", held.incidents)
    yield "console: events of an alert", of("events", "tocsin.alert.id", held.alerts)
    yield "console: events of a thing", of("events", "host.name", held.hosts)
    yield "console: transitions of an alert", of("transitions", "tocsin.alert.id", held.alerts)
    yield (
        "console: incidents by words",
        lambda random: records.search("incident", " ".join(random.choice(held.words) for _ in range(2))),
    )
    yield "console: incidents of a thing by name", lambda random: records.search("incident", random.choice(held.hosts))
    yield "console: alerts by words", lambda random: records.search("alert", random.choice(held.words))
    yield "console: incidents by status", lambda _: records.count_by("incident", "status")
    yield "console: incidents by service", lambda _: records.count_by("incident", "services")


if __name__ == "__main__":
    sys.exit(main())
