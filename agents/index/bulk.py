"""Requests of many documents: how they are made, and what each document was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import orjson
from elasticsearch import Elasticsearch

from agents.index.client import denied, is_block, is_closed, reason_of
from agents.index.documents import Document
from agents.index.kinds import KINDS, Keeps
from agents.index.settings import ElasticsearchOutput

TOO_LARGE = "too-large"
MISSING, NOT_ALLOWED, BLOCKED = "missing", "not-allowed", "cluster_block_exception"
"""Reasons of what may be different later."""
_HEADERS = {"content-type": "application/x-ndjson", "accept": "application/json"}
_OVERHEAD = 2
"""Line ends of a document."""


class Fate(Enum):
    """What became of a document."""

    WRITTEN = "written"
    REPEATED = "repeated"
    LATER = "later"
    REFUSED = "refused"


class Verdict(NamedTuple):
    """What one document was told; `reason` is a short code, `detail` a sentence."""

    fate: Fate
    reason: str = ""
    detail: str = ""


class Refusal(NamedTuple):
    """A document that will never be taken."""

    document: Document
    reason: str
    detail: str


class Line(NamedTuple):
    """A document with the line that says what to do with it."""

    document: Document
    action: bytes

    @property
    def size(self) -> int:
        """Bytes in a request."""
        return len(self.action) + len(self.document.body or b"") + _OVERHEAD


def line(settings: ElasticsearchOutput, document: Document) -> Line:
    """What is to be done with a document: history is made once, current state is put where it is not older."""
    kind = KINDS[document.kind]
    where: dict[str, Any] = {"_index": settings.name(kind.target), "_id": document.id}
    if kind.keeps is Keeps.ALL:
        return Line(document, orjson.dumps({"create": where}))
    if document.version is not None:
        where |= {"version": document.version, "version_type": "external_gte"}
    if document.body is None:
        return Line(document, orjson.dumps({"delete": where}))
    return Line(document, orjson.dumps({"index": {**where, "require_alias": True}}))


def parts(lines: Iterable[Line], documents: int, size: int) -> Iterator[list[Line]]:
    """Lines in requests of so many documents and bytes at most; a larger one goes alone."""
    part: list[Line] = []
    filled = 0
    for one in lines:
        if part and (len(part) == documents or filled + one.size > size):
            yield part
            part, filled = [], 0
        part.append(one)
        filled += one.size
    if part:
        yield part


def post(client: Elasticsearch, part: Sequence[Line]) -> list[Verdict]:
    """Send one request; what each document was told, in order. Raises what the client raises."""
    chunks: list[bytes] = []
    for one in part:
        chunks.append(one.action)
        if one.document.body is not None:
            chunks.append(one.document.body)
    # Not client.bulk(): it looks into every document; these are ready.
    answer = client.perform_request(
        "POST",
        "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by",
        headers=_HEADERS,
        body=b"\n".join(chunks) + b"\n",
    )
    items = answer.body["items"]
    return [verdict(next(iter(item.values()))) for item in items]


def verdict(item: Mapping[str, Any]) -> Verdict:
    """What one item of an answer means."""
    status = int(item["status"])
    if status < 300 or (status == 404 and "error" not in item):  # what was to be deleted is not there
        return Verdict(Fate.WRITTEN)
    error = item.get("error", {})
    if error.get("type") == "version_conflict_engine_exception":
        return Verdict(Fate.REPEATED)
    detail = reason_of({"error": error})
    if status in (401, 403) and not is_block({"error": error}):  # a key may be good for some indices only
        return Verdict(Fate.LATER, NOT_ALLOWED, denied(status, detail))
    if status == 429 or status >= 500 or is_block({"error": error}) or is_closed({"error": error}):
        return Verdict(Fate.LATER, str(error.get("type", status)), detail)
    if error.get("type") == "index_not_found_exception":
        return Verdict(Fate.LATER, MISSING, f"{detail}; run `tocsin index setup`")
    return Verdict(Fate.REFUSED, str(error.get("type", status)), detail)
