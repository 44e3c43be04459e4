"""The host: what each input becomes is in the store, once, however often and wherever it is interrupted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from agents import recording
from agents.embedded.host import Host
from agents.embedded.rows import Cursor, Input
from agents.embedded.store import Store
from agents.simulate import simulate
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import SOURCES, make_source
from schemas.base import Record
from schemas.event import DeadLetter, RawRecord

LINES = 3000
RESULTS = {"state": "tab, key", "records": "kind, id", "history": "seq, n", "dead": "seq, id"}
BROKEN = [
    RawRecord(source="nagios", received=1_772_409_600_000, payload=b"{cut short", origin="here"),
    RawRecord(source="zabbix", received=1_772_409_600_001, payload=b"\xff\xfe\x00", origin="there"),
    RawRecord(source="nobody", received=1_772_409_600_002, payload=b"from a source that is not there", origin="x"),
]


@pytest.fixture(scope="module")
def day() -> tuple[list[RawRecord], list[Record]]:
    one = simulate(1)
    raws = [line.raw for line in one.lines[:LINES]]
    return raws, [*one.centre.items.values(), *one.centre.relations, *one.changes]


@contextmanager
def opened(path: Path, every: int = 250) -> Iterator[Host]:
    with closing(Store(str(path))) as store:
        yield Host(Flow(FlowSettings()), Normaliser({name: make_source(name) for name in SOURCES}), store, every)


def results(path: Path, *tables: str) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as db:
        return {
            table: db.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
            for table, order in RESULTS.items()
            if not tables or table in tables
        }


@pytest.fixture(scope="module")
def replayed(day: tuple[list[RawRecord], list[Record]], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recording of the first lines of the day, and the store after it."""
    folder = tmp_path_factory.mktemp("host")
    recorded, store = folder / "day.ndjson.gz", folder / "store.db"
    raws, records = day
    recording.write(recorded, raws)
    with opened(store) as host:
        host.refer(records, 0)
        host.replay("day", recording.read(str(recorded)))
    return recorded, store


def test_a_replay_leaves_alerts_incidents_and_no_backlog(replayed: tuple[Path, Path]) -> None:
    with opened(replayed[1]) as host:
        counts = host.store.read.counts()
        assert counts["alert"] > 100
        assert counts["incident"] >= 1
        assert counts["placement"] == sum(1 for _ in host.store.read.records("placement"))
        assert host.backlog() == 0


def test_each_input_became_events_or_a_dead_letter(replayed: tuple[Path, Path]) -> None:
    recorded, store = replayed
    normaliser = Normaliser({name: make_source(name) for name in SOURCES})
    decoded = [normaliser.normalise(raw) for raw in recording.read(str(recorded))]
    assert len(decoded) == LINES
    assert all(one.events or one.refused for one in decoded)
    with opened(store) as host:
        totals = host.flow.counters()
        assert totals["events"] == sum(len(one.events) for one in decoded)
        assert sum(count for name, count in totals.items() if name.startswith("source ")) == totals["events"]
        assert host.store.read.counts()["dead"] == sum(len(one.refused) for one in decoded) > 0


def test_one_event_or_dead_letter_for_each_payload_that_tells_one_thing(
    day: tuple[list[RawRecord], list[Record]], tmp_path: Path
) -> None:
    normaliser = Normaliser({name: make_source(name) for name in SOURCES})
    raws = {raw.payload: raw for raw in day[0]}.values()
    decoded = [(raw, normaliser.normalise(raw)) for raw in raws]
    single = [raw for raw, one in decoded if len(one.events) + len(one.refused) == 1]
    with opened(tmp_path / "store.db") as host:
        done = host.replay("single", single)
    assert done.inputs == len(single) > LINES // 2
    assert done.counters["events"] + done.records["dead"] == len(single)


def test_a_second_replay_changes_nothing(replayed: tuple[Path, Path]) -> None:
    recorded, store = replayed
    before = results(store)
    with opened(store) as host:
        done = host.replay("day", recording.read(str(recorded)))
    assert done.inputs == LINES
    assert all(before.values())
    assert results(store) == before


def test_the_same_reference_data_again_is_no_input(
    day: tuple[list[RawRecord], list[Record]], replayed: tuple[Path, Path]
) -> None:
    with opened(replayed[1]) as host:
        last = host.store.last_input()
        host.refer(day[1], 5)
        assert host.store.last_input() == last


@pytest.mark.parametrize("every", [100, 1000])
def test_a_host_that_is_left_and_taken_up_ends_the_same(
    day: tuple[list[RawRecord], list[Record]], replayed: tuple[Path, Path], tmp_path: Path, every: int
) -> None:
    store = tmp_path / "store.db"
    for lines in (700, 1800, LINES):
        with opened(store, every) as host:
            host.refer(day[1], 0)
            raws = day[0][host.store.cursor("taken") : lines]
            for at in range(0, len(raws), every):
                host.receive(raws[at : at + every])
                if at:  # what waits when it is left is handled by the next one
                    host.pump()
            host.store.set_cursors(Cursor("taken", lines))
    with opened(store, every) as host:
        host.finish("taken")
    assert results(store) == results(replayed[1])


def test_an_end_that_was_kept_and_not_handled_is_handled(
    day: tuple[list[RawRecord], list[Record]],
    replayed: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded, done = replayed
    store = tmp_path / "store.db"
    with opened(store) as host:
        host.refer(day[1], 0)
        handle = host.handle

        def crash(one: Input, *more: Any) -> Any:
            if one.kind == "tick":
                raise KeyboardInterrupt
            return handle(one, *more)

        monkeypatch.setattr(host, "handle", crash)
        with pytest.raises(KeyboardInterrupt):
            host.replay("day", recording.read(str(recorded)))
    assert results(store) != results(done)
    with opened(store) as host:
        host.replay("day", recording.read(str(recorded)))
    assert results(store) == results(done)


def test_a_dead_letter_keeps_its_reason_and_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "broken.ndjson"
    recording.write(path, BROKEN)
    with path.open("ab") as out:
        out.write(b"no record \xfe at all\n")
    with opened(tmp_path / "store.db") as host:
        done = host.replay("broken", recording.read(str(path)))
        letters = [DeadLetter.model_validate_json(letter) for letter in host.store.read.dead()]
    assert done.records["dead"] == done.inputs == 4
    assert "events" not in done.counters
    assert all(letter.reason and letter.detail for letter in letters)
    assert [letter.raw.payload for letter in letters] == [*(raw.payload for raw in BROKEN), b"no record \xfe at all"]
    reasons = [row[2] for row in results(tmp_path / "store.db", "dead")["dead"]]
    assert reasons == [letter.reason for letter in letters]
