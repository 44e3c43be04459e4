"""What a record is as JSON does not depend on who writes it."""

from __future__ import annotations

import tracemalloc

import orjson
from hypothesis import given
from hypothesis import strategies as st

from agents.simulate import simulate
from benchmarks.day import make_flow, make_normaliser
from pipeline.state import Table
from schemas.alert import Alert, LedgerEntry, Placement
from schemas.base import Record
from schemas.event import DeadLetter, MetricSample, RawRecord
from schemas.incident import Incident, ServiceLevelNotice

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def same(record: Record) -> bool:
    """Whether the two ways of writing it say the same, in the same order of fields."""
    return list(orjson.loads(record.to_json()).items()) == list(orjson.loads(record.model_dump_json()).items())


def test_all_that_a_day_makes() -> None:
    day = simulate(1)
    flow, normaliser = make_flow(day), make_normaliser()
    records: list[Record] = [*day.centre.items.values(), *day.centre.relations, *day.changes]
    for line in day.lines[:15_000]:
        for event in normaliser.normalise(line.raw).events:
            records += [event, *flow.event(event)]
    records += [*flow.alert_step.export(), *flow.scope_step.export()]
    assert {type(record) for record in records} >= {Alert, Incident, LedgerEntry, Placement, ServiceLevelNotice}
    assert all(map(same, records))


@given(texts, texts, st.binary(max_size=50))
def test_bytes_of_a_dead_letter(reason: str, source: str, payload: bytes) -> None:
    letter = DeadLetter(id="1", reason=reason, raw=RawRecord(source=source, received=0, payload=payload))
    assert same(letter)
    assert DeadLetter.model_validate_json(letter.to_json()) == letter


@given(texts, st.floats(), st.dictionaries(texts, texts, max_size=3))
def test_any_number_and_any_text(name: str, value: float, labels: dict[str, str]) -> None:
    assert same(
        MetricSample(time=0, received=0, source="s", resource=name, metric=name, value=value, labels=labels),
    )


def test_what_is_written_takes_no_more_room_than_it_has_bytes() -> None:
    sample = MetricSample(time=0, received=0, source="s", resource="r", metric="m", value=1.0)
    table: Table[list[int]] = Table("t", lambda value: value, lambda _, value: value)
    table["a"] = [1, 2, 3]
    tracemalloc.start()
    kept = [made for _ in range(1000) for made in (sample.to_json(), table.entry("a").value or b"")]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < sum(map(len, kept)) + 200 * len(kept)
