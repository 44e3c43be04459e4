"""A store is read in parts of any size, and each part ends where the next begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from agents.embedded.rows import Input
from agents.embedded.store import Store
from agents.index import feed
from agents.index.documents import Document, document
from agents.index.kinds import KINDS
from agents.index.lanes import Batch, Lanes
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import make_source
from tests.agents.index.records import SOME

SMALL = [{**SOME["event"][0], "id": f"e-{number}"} for number in range(7)]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A store with seven events and, among them, a payload that is none."""
    store = Store(str(tmp_path / "s.db"))
    payloads = [orjson.dumps(one) for one in SMALL]
    payloads.insert(3, b"what?")
    store.append([Input(seq, "raw", 5, "native", "", value) for seq, value in enumerate(payloads, 1)])
    store.close()
    feed.attach(store.path)
    return store.path


def lanes(path: str, size: int = 1 << 20) -> Lanes:
    return Lanes(path, Normaliser({"native": make_source("native")}), size)


def parts(path: str, most: int, size: int = 1 << 20) -> Iterator[Batch]:
    with closing(lanes(path, size)) as made:
        after, end = 0, made.events_end()
        while after < end:
            batch = made.events(after, end, most)
            yield batch
            after = batch.position


def all_of(path: str) -> list[Document]:
    (batch,) = parts(path, 100)
    return batch.documents


@pytest.mark.parametrize("most", range(1, 10))
def test_parts_of_so_many_rows_hold_the_same_as_all_at_once(path: str, most: int) -> None:
    found = list(parts(path, most))
    assert [one for batch in found for one in batch.documents] == all_of(path)
    assert [batch.rows for batch in found[:-1]] == [most] * (len(found) - 1)
    assert sum(batch.rows for batch in found) == 8


def test_parts_of_so_many_bytes_hold_the_same_as_all_at_once(path: str) -> None:
    sizes = [len(one.body or b"") for one in all_of(path)]
    found = list(parts(path, 100, 2 * max(sizes)))
    assert [one for batch in found for one in batch.documents] == all_of(path)
    assert max(len(batch.documents) for batch in found) <= 3
    assert len(list(parts(path, 100, 1))) == len(SMALL)  # what gives no document comes with the next that does


def test_an_event_is_the_same_document_as_by_its_json(path: str) -> None:
    assert all_of(path) == [document(KINDS["event"], {**one, "source": "native", "received": 5}) for one in SMALL]
