"""The members of incidents as documents of their own: only those that changed are written, those that left deleted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import orjson
from elasticsearch import Elasticsearch

from agents.index.documents import Document, document, members
from agents.index.kinds import KINDS
from agents.index.known import scan
from agents.index.settings import ElasticsearchOutput

INCIDENT, MEMBER = KINDS["incident"], KINDS["member"]
MOST = 1000
"""Incidents whose members are remembered."""

Rows = dict[str, int]
"""Members of one incident by their ids, each with a hash of what it says."""


class Members:
    """Remembers what was written of the newest incidents; of others it asks the index."""

    def __init__(self, client: Elasticsearch, settings: ElasticsearchOutput) -> None:
        self._client = client
        self._name = settings.name(MEMBER.target)
        self._known: OrderedDict[str, Rows] = OrderedDict()

    def of(self, documents: Sequence[Document]) -> list[Document]:
        """What is to be written and deleted for the incidents among some documents. Raises what the client raises."""
        incidents = [one for one in documents if one.kind == INCIDENT.name]
        unknown = [one.id for one in incidents if one.id not in self._known]
        if unknown:
            self._ask(unknown)
        found: list[Document] = []
        for one in incidents:
            found += self._changed(one)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return found

    def _ask(self, incidents: Sequence[str]) -> None:
        """What the index has of incidents that are not remembered; what it says there is not looked at."""
        self._client.indices.refresh(index=self._name)
        rows: dict[str, Rows] = {incident: {} for incident in incidents}
        query = {"terms": {"tocsin.incident.id": list(rows)}}
        for hit in scan(self._client, self._name, query, source=["tocsin.incident.id"]):
            rows[hit["_source"]["tocsin"]["incident"]["id"]][hit["_id"]] = 0
        self._known.update(rows)

    def _changed(self, incident: Document) -> list[Document]:
        old = self._known.get(incident.id, {})
        new: Rows = {}
        found: list[Document] = []
        for row in rows_of(incident):
            new[row.id] = hash(row.body)
            if old.get(row.id) != new[row.id]:
                found.append(row)
        found += [Document(MEMBER.name, gone, incident.version, None) for gone in old if gone not in new]
        self._known[incident.id] = new
        self._known.move_to_end(incident.id)
        return found


def rows_of(incident: Document) -> list[Document]:
    """The members of an incident as documents; none of any other document.

    What a row says does not change with the version of the incident: one that stays the same is not written again.
    """
    if incident.kind != INCIDENT.name or incident.body is None:
        return []
    held = orjson.loads(incident.body)["tocsin"]["incident"].get("members", [])
    rows = members({"id": incident.id, "members": held})
    return [document(MEMBER, row, incident.version) for row in rows]
