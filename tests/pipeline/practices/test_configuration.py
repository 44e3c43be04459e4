"""Reference data in the forms people keep it becomes records; what is wrong is told by place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.practices.configuration import Row, loose_ends, parse_document, parse_matcher, parse_rows, parse_time
from schemas.reference import Calendar, Change, ConfigurationItem, Relation, RelationKind, Silence


def test_a_document_holds_all_kinds() -> None:
    parsed = parse_document(
        {
            "relations": [{"source": "web", "target": "db"}],
            "items": [{"id": "web", "kind": "host"}, {"id": "db", "kind": "database", "name": "Orders"}],
            "changes": [{"id": "c", "items": ["db"], "starts": "2026-05-01T22:00:00Z", "ends": 1_777_700_000_000}],
            "silences": [{"id": "s", "matchers": ["host=web"], "starts": 0, "ends": 1}],
            "inhibitions": [
                {"id": "i", "source": ["severity=critical"], "target": ["severity=minor"], "equal": ["host"]}
            ],
            "rules": [{"id": "r", "matchers": ["app=shop"], "within": "2m"}],
            "calendars": [{"id": "office", "weekdays": [0, 1, 2, 3, 4], "opens": "08:00", "closes": "17:00"}],
        }
    )
    assert parsed.faults == []
    kinds = [type(record).__name__ for record in parsed.records]
    assert kinds[:3] == ["ConfigurationItem", "ConfigurationItem", "Relation"]
    assert kinds[3:] == ["Change", "Silence", "InhibitionRule", "CorrelationRule", "Calendar"]
    web, orders = parsed.records[:2]
    assert isinstance(web, ConfigurationItem)
    assert isinstance(orders, ConfigurationItem)
    assert (web.name, orders.name) == ("web", "Orders")
    change = next(record for record in parsed.records if isinstance(record, Change))
    assert change.starts == 1_777_672_800_000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "needs keys with lists; known: items, relations, changes, silences, inhibitions, rules, calendars"),
        ({"item": []}, "item: unknown key; did you mean 'items'? known: "),
        ({"items": {}}, "items: needs a list"),
        ({"items": [{"id": "a"}]}, "items[0].kind: required, and missing"),
        ({"items": [{"id": "a", "kind": "host", "citicality": 1}]}, "items[0].citicality: unknown key; did you mean "),
        (
            {"items": [{"id": "a", "kind": "host", "criticality": 9}]},
            "items[0].criticality: must be 5 or less; found 9",
        ),
        ({"items": [{"id": "a", "kind": "x"}, {"id": "a", "kind": "y"}]}, "items[1].id: 'a' is already [0]"),
        ({"relations": [{"source": "a", "target": "a"}]}, "relations[0]: a relation needs two different items"),
        ({"relations": [{"source": "a", "target": "b", "kind": "needs"}]}, "relations[0].kind: must be one of "),
        ({"changes": [{"id": "c", "items": ["a"], "starts": "soon", "ends": 1}]}, "changes[0].starts: a time is like "),
        ({"calendars": [{"id": "c", "opens": "9"}]}, "calendars[0].opens: must match "),
        ({"rules": [{"id": "r", "matchers": ["a=~("]}]}, "rules[0].matchers[0]: not a regular expression: "),
    ],
)
def test_what_is_wrong_is_told_by_its_key(data: object, said: str) -> None:
    (fault,) = parse_document(data).faults
    assert str(fault).startswith(said)


def test_the_good_records_are_told_beside_the_faults() -> None:
    parsed = parse_document({"items": [{"id": "a", "kind": "host"}, {"id": "b"}]})
    assert [record.id for record in parsed.records if isinstance(record, ConfigurationItem)] == ["a"]
    assert len(parsed.faults) == 1


@pytest.mark.parametrize(
    ("text", "matcher"),
    [
        ("a=b", ("a", "=", "b")),
        ("a = b c ", ("a", "=", "b c")),
        ('a="x=\\"y\\""', ("a", "=", 'x="y"')),
        ("a!=", ("a", "!=", "")),
        ("a=~^web[0-9]+$", ("a", "=~", "^web[0-9]+$")),
        ('a!~"\\d+"', ("a", "!~", "\\d+")),
    ],
)
def test_matchers_are_read_as_people_write_them(text: str, matcher: tuple[str, str, str]) -> None:
    label, op, value = matcher
    assert parse_matcher(text) == {"label": label, "op": op, "value": value}


@given(st.datetimes(timezones=st.timezones()))
def test_a_time_is_the_same_moment_in_any_zone(moment: object) -> None:
    from datetime import UTC, datetime

    assert isinstance(moment, datetime)
    millis = parse_time(moment.isoformat())
    assert isinstance(millis, int)
    assert abs(datetime.fromtimestamp(millis / 1000, UTC) - moment).total_seconds() < 0.002


ITEMS = ["id", "name", "kind", "addresses", "criticality", "labels.rack"]


def test_rows_of_items() -> None:
    parsed = parse_rows(ITEMS, [Row(2, ["web", "", "host", "10.0.0.1; web.example", "1", "r7"]), Row(3, [""])])
    assert parsed.faults == []
    assert parsed.records == [
        ConfigurationItem(
            id="web",
            name="web",
            kind="host",
            addresses=("10.0.0.1", "web.example"),
            criticality=1,
            labels={"rack": "r7"},
        )
    ]


def test_rows_of_relations() -> None:
    parsed = parse_rows(["source", "target", "kind", "group"], [Row(2, ["web", "ups1", "powered_by", "power"])])
    assert parsed.records == [Relation(source="web", target="ups1", kind=RelationKind.POWERED_BY, group="power")]


@pytest.mark.parametrize(
    ("header", "cells", "said"),
    [
        (["name"], ["x"], ((1,), "the header needs id and kind (items), or source and target (relations)")),
        (["id", "kind", "onwer"], ["a", "b", "c"], ((1, "onwer"), "unknown column; did you mean 'owner'? known: ")),
        (["id", "kind"], ["a"], ((2,), "has 1 cells; the header has 2")),
        (["id", "kind"], ["a", ""], ((2, "kind"), "required, and missing")),
        (["id", "kind", "criticality"], ["a", "b", "x"], ((2, "criticality"), "needs a whole number; found 'x'")),
    ],
)
def test_a_row_that_is_wrong_is_told_by_line_and_column(
    header: list[str], cells: list[str], said: tuple[tuple[str | int, ...], str]
) -> None:
    (fault,) = parse_rows(header, [Row(2, cells)]).faults
    assert fault.path == said[0]
    assert fault.text.startswith(said[1])


def test_an_item_given_twice_is_told() -> None:
    parsed = parse_rows(["id", "kind"], [Row(2, ["a", "host"]), Row(3, ["a", "host"])])
    assert [fault.path for fault in parsed.faults] == [(3, "id")]


def test_what_is_not_declared_is_told() -> None:
    records = [
        ConfigurationItem(id="a", name="a", kind="host"),
        Relation(source="a", target="b"),
        Change(id="c", items=("x",), starts=0, ends=1),
        Silence.model_validate({"id": "s", "matchers": [{"label": "l", "value": "v"}], "starts": 0, "ends": 1}),
        Calendar(id="always"),
    ]
    assert loose_ends(records) == [
        "relation a -> b names item 'b', which is not declared",
        "change c names item 'x', which is not declared",
    ]
