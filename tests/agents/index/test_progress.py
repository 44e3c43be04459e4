"""What a store remembers of an output is what has been written, never what has only been read."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.embedded.store import Store
from agents.index import progress
from agents.index.progress import Progress, Range


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "s.db"))


def left(store: Store, lanes: dict[str, int]) -> list[tuple[int, int]]:
    """From where to where another run would read the events."""
    return sorted((one.after, one.upto) for one in Progress(store, "o", lanes).ranges.values() if one.lane == "events")


def live(found: Progress) -> Range:
    return next(one for one in found.ranges.values() if one.upto == progress.OPEN_END)


def test_what_piles_up_while_something_is_written_costs_nothing_of_that(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PILE", 10)
    lanes = {"events": 0}
    made = Progress(store, "o", lanes)
    first = made.read(live(made), 5)  # and it is being written, when much comes in
    second = made.split({"events": 100})
    assert left(store, lanes) == [(0, progress.OPEN_END)]
    store.set_cursors(first)
    assert left(store, lanes) == [(5, progress.OPEN_END)]
    store.set_cursors(*second)
    assert left(store, lanes) == [(5, 100), (100, progress.OPEN_END)]
