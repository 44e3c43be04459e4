"""The records in Elasticsearch, as the indexer wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from agents.index import bulk
from agents.index.bulk import Fate
from agents.index.documents import Json, document, record, words
from agents.index.kinds import KINDS
from agents.index.known import scan
from agents.index.records import SEARCHED, Where, as_text, check, version_of
from agents.index.settings import ElasticsearchOutput
from schemas.base import BadRecord, ConfigError

MOST_VALUES = 10_000


class ElasticRecords:
    """Reads and writes the indices of one installation. What was put is seen at once by those that ask here."""

    def __init__(self, client: Elasticsearch, settings: ElasticsearchOutput) -> None:
        self._client, self._settings = client, settings

    def put(self, kind: str, records: Sequence[Json]) -> None:
        """See `Records.put`. Raises BadRecord for one that does not fit."""
        lines = [bulk.line(self._settings, document(KINDS[kind], one, version_of(kind, one))) for one in records]
        for found in bulk.post(self._client, lines) if lines else ():
            if found.fate not in (Fate.WRITTEN, Fate.REPEATED):
                raise BadRecord(found.reason, found.detail)

    def get(self, kind: str, name: str) -> Json | None:
        """See `Records.get`."""
        if not name:
            return None
        try:
            return record(KINDS[kind], self._client.get(index=self._name(kind), id=name)["_source"])
        except NotFoundError:
            return None

    def search(self, kind: str, text: str, where: Where | None = None, most: int = 20) -> list[Json]:
        """See `Records.search`."""
        if kind not in SEARCHED:
            raise ConfigError(f"the text of {kind} is not searched; that of {', '.join(SEARCHED)} is")
        asked = words(text)
        if not asked:
            return []
        match = {"match": {"tocsin.search": {"query": " ".join(asked), "operator": "and"}}}
        self._refresh(kind)
        answer = self._client.search(index=self._name(kind), query=self._query(kind, where, match), size=most)
        return [record(KINDS[kind], hit["_source"]) for hit in answer["hits"]["hits"]]

    def scan(self, kind: str, where: Where | None = None) -> Iterator[Json]:
        """See `Records.scan`."""
        self._refresh(kind)
        path = ID_FIELDS[kind]
        hits = scan(self._client, self._name(kind), self._query(kind, where), sort=[{path: "asc"}])
        return (record(KINDS[kind], hit["_source"]) for hit in hits)

    def count_by(self, kind: str, field: str, where: Where | None = None) -> dict[str, int]:
        """See `Records.count_by`. Values beyond the 10,000 most frequent are left out."""
        self._refresh(kind)
        counted = {"terms": {"field": self._path(kind, field), "size": MOST_VALUES}}
        answer = self._client.search(
            index=self._name(kind), query=self._query(kind, where), size=0, aggregations={"by": counted}
        )
        buckets = answer["aggregations"]["by"]["buckets"]
        return {str(one.get("key_as_string", as_text(one["key"]))): one["doc_count"] for one in buckets}

    def _refresh(self, kind: str) -> None:
        self._client.indices.refresh(index=self._name(kind))

    def _name(self, kind: str) -> str:
        return self._settings.name(KINDS[kind].target)

    def _query(self, kind: str, where: Where | None, *more: dict[str, Any]) -> dict[str, Any]:
        terms = [{"term": {self._path(kind, name): value}} for name, value in (where or {}).items()]
        return {"bool": {"filter": terms, "must": list(more)}}

    def _path(self, kind: str, field: str) -> str:
        check(kind, field)
        path = KINDS[kind].fields[field]
        return f"{path}.keyword" if path == "message" else path


ID_FIELDS: dict[str, str] = {
    "alert": "tocsin.alert.id",
    "placement": "tocsin.alert.id",
    "incident": "tocsin.incident.id",
    "ledger": "event.id",
    "dead": "event.id",
}
"""The field by which the records of a kind are in order."""
