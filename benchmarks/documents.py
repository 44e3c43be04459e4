"""Documents of a recorded day as they are indexed."""

from __future__ import annotations

from pathlib import Path

from agents.index.documents import Document
from agents.index.lanes import Lanes, Read
from agents.index.members import rows_of
from benchmarks.day import make_normaliser


def documents_of(store: Path) -> list[Document]:
    """All that a store would have indexed, each document once; the store must have been attached to an output."""
    lanes = Lanes(str(store), make_normaliser())
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
    return [one for one in (*found.values(), *rows) if one.body is not None]
