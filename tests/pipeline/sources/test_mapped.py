"""Any JSON or CSV, described by a mapping file."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.sources.base import Decoded
from pipeline.sources.mapped import Mapped
from pipeline.sources.mapping import parse_mapping
from schemas.base import BadRecord, ConfigError
from schemas.event import Event, EventKind, Signal
from schemas.severity import Severity
from tests.pipeline.sources.samples import NOW, START, raw

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "mappings"
CSV: dict[str, Any] = {
    "format": "csv",
    "columns": ["when", "device", "code", "state", "level"],
    "time": {"value": "{when}", "format": "epoch-s"},
    "resource": "dev-{device}",
    "component": "{code}",
    "check": "alarm",
    "kind": {"value": "{state}", "table": {"on": "problem", "off": "resolution", 1: "information"}},
    "severity": {"value": "{level}", "table": {"A": "critical", "B": "minor", "C": "info"}},
    "labels": {"code": "{code}", "site": "north"},
    "summary": "{code} is {state} ({{{level}}})",
}
JSON: dict[str, Any] = {
    "format": "json",
    "records": "data.items",
    "time": {"value": "{at}", "format": "iso", "timezone": "Europe/Berlin"},
    "resource": "{host.name}",
    "check": "{type}",
    "severity": {"value": "{prio}"},
    "value": "{reading}",
    "unit": "ms",
    "id": "{key}",
    "clear_key": "{key}",
    "url": "http://example.net/{key}",
}


def decode(mapping: dict[str, Any], payload: object, *, received: int = NOW) -> Decoded:
    return Mapped(parse_mapping(mapping, "test.yaml")).decode(raw("mine", payload, received=received))


def one(mapping: dict[str, Any], payload: object, *, received: int = NOW) -> Event:
    decoded = decode(mapping, payload, received=received)
    assert not decoded.refused
    (event,) = decoded.events
    return event


def example(name: str) -> dict[str, Any]:
    given: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    return given


def test_a_line_becomes_an_event() -> None:
    event = one(CSV, "1714557600,7,LOS,on,A\n")
    assert (event.resource, event.component, event.check) == ("dev-7", "LOS", "alarm")
    assert (event.kind, event.severity, event.time) == (EventKind.PROBLEM, Severity.CRITICAL, START)
    assert event.labels == {"code": "LOS", "site": "north"}
    assert event.summary == "LOS is on ({A})"
    assert event.source == "mine"


def test_a_line_that_says_it_is_over_finds_its_problem() -> None:
    on, off = one(CSV, "1714557600,7,LOS,on,A"), one(CSV, "1714557700,7,LOS,off,A")
    assert off.kind is EventKind.RESOLUTION
    assert on.fingerprint == off.fingerprint
    assert on.id != off.id


def test_a_problem_that_is_only_informative_is_none() -> None:
    assert one(CSV, "1714557600,7,LOS,on,C").kind is EventKind.INFORMATION


@pytest.mark.parametrize("header", ["when,device,code,state,level", "\ufeffwhen,device,code,state,level\r\n"])
def test_a_header_line_is_skipped_and_not_dead(header: str) -> None:
    assert decode(CSV, header) == Decoded()


def test_quotes_and_delimiters_in_cells_are_understood() -> None:
    event = one({**CSV, "delimiter": ";"}, '1714557600;"7;8";"a ""b""\nc";on;A')
    assert event.resource == "dev-7;8"
    assert event.component == 'a "b"\nc'


def test_the_good_lines_of_a_file_are_kept() -> None:
    lines = ["when,device,code,state,level", "1714557600,7,LOS,on,A", "x,7,LOS,on,A", "", "1,2", '1,"a"b,c,on,A']
    decoded = decode(CSV, "\n".join([*lines, "1714557601,8,LOS,on,Z", "1714557601,9,LOS,on,B"]) + "\n")
    assert [event.resource for event in decoded.events] == ["dev-7", "dev-9"]
    assert [(refused.error.reason, refused.payload) for refused in decoded.refused] == [
        ("bad-time", b"x,7,LOS,on,A\n"),
        ("bad-value", b"1,2\n"),
        ("not-csv", b'1,"a"b,c,on,A\n'),
        ("bad-severity", b"1714557601,8,LOS,on,Z\n"),
    ]


def test_the_same_line_is_the_same_event() -> None:
    line = "1714557600,7,LOS,on,A"
    assert one(CSV, line).id == one(CSV, line + "\r\n", received=NOW + 9).id
    timeless = {key: value for key, value in CSV.items() if key != "time"}
    assert one(timeless, line).id != one(timeless, line, received=NOW + 9).id
    assert one(timeless, line).time == NOW


def test_json_is_read_by_its_paths() -> None:
    item = {
        "at": "2024-05-01T12:00:00",
        "host": {"name": "a"},
        "type": "slow",
        "prio": "High",
        "reading": 1.5,
        "key": 9,
    }
    event = one(JSON, {"data": {"items": [item]}})
    assert (event.resource, event.check, event.severity, event.time) == ("a", "slow", Severity.MAJOR, START)
    assert (event.value, event.unit, event.clear_key, event.url) == (1.5, "ms", "9", "http://example.net/9")
    changed = one(JSON, {"data": {"items": [{**item, "reading": 2}]}})
    assert changed.id == event.id


def test_a_refused_record_can_be_sent_again_alone() -> None:
    item = {"at": "2024-05-01T12:00:00", "type": "slow", "prio": "low", "key": "k"}
    (refused,) = decode(JSON, {"data": {"items": [item]}}).refused
    assert refused.error.reason == "missing-field"
    (again,) = decode(JSON, refused.payload).refused
    assert (again.payload, again.error.reason) == (refused.payload, refused.error.reason)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("1714557600", "epoch-s"),
        ("1714557600.0", "epoch-s"),
        ("1714557600000", "epoch-ms"),
        ("1714557600000000", "epoch-us"),
        ("1714557600000000000", "epoch-ns"),
        ("2024-05-01T10:00:00Z", "iso"),
        ("2024-05-01 10:00", "iso"),
        ("01.05.2024 10:00:00", "%d.%m.%Y %H:%M:%S"),
        ("01.05.2024 12:00 +0200", "%d.%m.%Y %H:%M %z"),
    ],
)
def test_times_in_every_form(written: str, form: str) -> None:
    assert one({**CSV, "time": {"value": "{when}", "format": form}}, f"{written},7,LOS,on,A").time == START


def test_numbers_may_count_from_a_moment() -> None:
    time = {"value": "{when}", "format": "epoch-s", "base": "2024-05-01T12:00:00+02:00"}
    assert one({**CSV, "time": time}, "1.5,7,LOS,on,A").time == START + 1500
    time["base"] = yaml.safe_load("2024-05-01T10:00:00Z")
    assert one({**CSV, "time": time}, "0,7,LOS,on,A").time == START


def test_a_problem_may_end_by_itself() -> None:
    assert one({**CSV, "ends_after": "5m"}, "1714557600,7,LOS,on,A").ends_at == START + 300_000
    ends = {"value": "{level}", "format": "epoch-s"}
    mapping = {**CSV, "ends_at": ends, "severity": "major"}
    assert one(mapping, "1714557600,7,LOS,on,1714557660").ends_at == START + 60_000
    assert one(mapping, "1714557600,7,LOS,on,0").ends_at == START
    assert one(mapping, "1714557600,7,LOS,off,1714557660").ends_at is None


def test_rows_can_be_skipped() -> None:
    mapping = {**CSV, "skip": [{"value": "{code}", "equals": ["TEST"]}, {"value": "{device}", "differs": ["7", 8]}]}
    assert decode(mapping, "1714557600,7,TEST,on,A") == Decoded()
    assert decode(mapping, "1714557600,9,LOS,on,A") == Decoded()
    assert one(mapping, "1714557600,8,LOS,on,A").resource == "dev-8"


def test_the_fingerprint_can_be_made_of_other_fields() -> None:
    mapping = {**CSV, "fingerprint": ["resource", "label.code"]}
    one_check = one({**mapping, "check": "a"}, "1714557600,7,LOS,on,A").fingerprint
    assert one({**mapping, "check": "b"}, "1714557600,7,LOS,on,A").fingerprint == one_check
    assert one(mapping, "1714557600,7,LOF,on,A").fingerprint != one_check


def test_the_example_of_telecom_alarms() -> None:
    event = one(example("telecom-alarms"), "11,55,10,40")
    assert (event.resource, event.check, event.kind) == ("dev-55", "alarm-11", EventKind.PROBLEM)
    assert (event.time, event.ends_at) == (1_704_067_210_000, 1_704_067_240_000)
    assert decode(example("telecom-alarms"), "alarm_id,device_id,start_timestamp,end_timestamp") == Decoded()
    assert Mapped(parse_mapping(example("telecom-alarms"), "")).sort_by_time


def test_the_example_of_intrusion_alerts_takes_nothing_from_what_is_known_afterwards() -> None:
    line = "2.0,AMiner: New event type.,192.0.2.1,mail,A-All-Evt,{},{}"
    event = one(example("intrusion-alerts"), line.format("false_positive", "-"))
    assert event == one(example("intrusion-alerts"), line.format("attack", "scan.1"))
    assert (event.resource, event.check, event.signal) == ("mail", "AMiner: New event type.", Signal.ANOMALY)
    assert event.labels == {"ip": "192.0.2.1", "short": "A-All-Evt"}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "empty"),
        (b"\xff,1", "not-utf8"),
        ("1,2", "bad-value"),
        ("noon,7,LOS,on,A", "bad-time"),
        ("-1,7,LOS,on,A", "bad-time"),
        ("99999999999999,7,LOS,on,A", "bad-time"),
        ("1714557600,7,LOS,maybe,A", "bad-value"),
        ("1714557600,7,LOS,on,Q", "bad-severity"),
        (f"1714557600,{'x' * 1025},LOS,on,A", "too-long"),
    ],
)
def test_what_is_wrong_with_a_line_is_named(payload: object, reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        decode(CSV, payload)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, r"colour: unknown key; .*known: .*columns"),
        ({"time": {"value": "{when}", "zone": "UTC"}}, r"time\.zone: unknown key; .*known: base, format"),
        ({"time": {"value": "{when}", "format": "unix"}}, r"time.*format must be iso, epoch-s"),
        ({"time": {"value": "{when}", "format": "%Q"}}, r"time.*%Q"),
        ({"time": {"value": "{when}", "base": "2024-01-01"}}, r"base.*offset"),
        ({"time": {"value": "{when}", "timezone": "Mars"}}, r"'Mars' is no time zone"),
        ({"resource": "{host}"}, r"resource: 'host' is no column; allowed: when, device, code, state, level"),
        ({"resource": "{device"}, r"resource: '\{device'"),
        ({"resource": "{}"}, r"resource: '\{\}': a template holds names in braces"),
        ({"labels": {"x": "{y}"}}, r"labels\.x: 'y' is no column"),
        ({"severity": "purple"}, r"severity"),
        ({"columns": []}, r"columns are needed with format csv"),
        ({"columns": ["a", "a"]}, r"columns must differ"),
        ({"fingerprint": ["code"]}, r"fingerprint: 'code' is unknown; allowed: tenant, .*label\.code"),
        ({"equal_rows": "twice"}, r"equal_rows: must be one of 'one', 'apart'"),
        ({"skip": [{"value": "{code}"}]}, r"needs either equals or differs"),
        ({"format": "xml"}, r"format: must be one of 'json', 'csv'"),
    ],
)
def test_a_wrong_mapping_stops_the_start_and_names_the_key(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)^test\.yaml: .*{message}"):
        parse_mapping({**CSV, **change}, "test.yaml")


def test_a_mapping_needs_keys() -> None:
    with pytest.raises(ConfigError, match="mine: needs keys with values"):
        parse_mapping([1], "mine")  # type: ignore[arg-type]


def test_an_end_that_is_no_later_than_the_beginning_says_nothing_so_the_usual_length_holds() -> None:
    columns = {**CSV, "columns": ["when", "device", "code", "state", "level", "end"]}
    ends = {**columns, "ends_at": {"value": "{end}", "format": "epoch-s"}, "ends_after": "5m"}
    assert one(ends, "1714557600,7,LOS,on,A,1714557600").ends_at == START + 300_000
    assert one(ends, "1714557600,7,LOS,on,A,1714557660").ends_at == START + 60_000
    del ends["ends_after"]
    assert one(ends, "1714557600,7,LOS,on,A,1714557600").ends_at == START


@pytest.mark.parametrize("own", ["", "{code}"])
def test_equal_rows_are_one_event_or_told_apart_by_where_they_came_from(own: str) -> None:
    rows = "1714557600,7,LOS,on,A\n1714557600,7,LOS,on,A\n"
    together = decode({**CSV, "id": own}, rows).events
    assert len({event.id for event in together}) == 1
    apart = Mapped(parse_mapping({**CSV, "id": own, "equal_rows": "apart"}, "test.yaml"))
    place = raw("mine", rows).model_copy(update={"origin": "a.csv:1"})
    elsewhere = place.model_copy(update={"origin": "a.csv:3"})
    found = [event.id for one_of in (place, elsewhere) for event in apart.decode(one_of).events]
    assert len(set(found)) == 4
    assert [event.id for event in apart.decode(place).events] == found[:2]
