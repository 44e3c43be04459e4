"""Samples as Influx, Prometheus, OpenTelemetry and a CSV tell them."""

import math
import struct

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.base import Decoded
from pipeline.sources.mapped import Mapped
from pipeline.sources.mapping import parse_mapping
from pipeline.sources.registry import make_source
from schemas.base import BadRecord, ConfigError
from schemas.event import MetricSample
from tests.pipeline.sources.samples import (
    EXPORTED,
    GAUGE,
    LINES,
    NOW,
    PACKED,
    START,
    SUM,
    WRITTEN,
    exported,
    point,
    raw,
    written,
)


def decode(name: str, payload: object, **options: str) -> Decoded:
    return make_source(name, options=options).decode(raw(name, payload))


def by_metric(name: str, payload: object, **options: str) -> dict[str, MetricSample]:
    return {sample.metric: sample for sample in decode(name, payload, **options).samples}


# -- Influx ------------------------------------------------------------------------------------------------------------


def test_each_number_of_a_line_is_a_sample_and_a_text_is_none() -> None:
    found = by_metric("influx", LINES)
    assert {name: sample.value for name, sample in found.items()} == {
        "cpu_usage_idle": 91.5,
        "cpu_usage_user": 4.0,
        "net_bytes_recv": 1234567.0,
        "http check_up": 1.0,
        "http check": 0.25,
    }
    idle, check = found["cpu_usage_idle"], found["http check"]
    assert (idle.resource, idle.component, idle.time) == ("web-01", "cpu-total", START)
    assert (check.component, check.time) == ("/a b,c", NOW)


def test_the_unit_of_times_is_an_option() -> None:
    (sample,) = decode("influx", "load,host=a load1=3 1714557600", precision="s").samples
    assert sample.time == START
    with pytest.raises(ConfigError, match="option precision: 'week' is unknown; allowed: s, ms, us, ns"):
        make_source("influx", options={"precision": "week"})


def test_a_text_may_hold_line_feeds() -> None:
    payload = 'log,host=a text="one\ntwo",lines=2 1714557600000000000\nlog,host=a lines=3 1714557600000000000\n'
    decoded = decode("influx", payload)
    assert [sample.value for sample in decoded.samples] == [2.0, 3.0]
    assert not decoded.refused


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("load,host=a", "missing-field"),
        (",host=a load1=3", "missing-field"),
        ("load load1=3", "missing-field"),
        ("load,host=a load1=three", "bad-value"),
        ("load,host=a load1=3 yesterday", "bad-value"),
        ("load,host=a load1=3 -5", "bad-time"),
        ("load,host=a load1=3,", "bad-value"),
    ],
)
def test_a_line_that_is_none_is_refused_alone(line: str, reason: str) -> None:
    decoded = decode("influx", f"load,host=a load1=1 1714557600000000000\n{line}\nload,host=b load1=2")
    assert [sample.resource for sample in decoded.samples] == ["a", "b"]
    (refused,) = decoded.refused
    assert (refused.error.reason, refused.payload) == (reason, f"{line}\n".encode())


names = st.lists(
    st.sampled_from(("a", "Z", "_9", ".-", "#", ":/", "\\ ", "\\,", "\\=", "\\n")), min_size=1, max_size=4
).map("".join)
tags = st.lists(st.tuples(names, names).map("=".join), max_size=3).map(lambda some: ["host=a", *some])
numbers = st.sampled_from(("1", "-2.5", "3i", "4u", "1e3", ".5", "t", "F", "true", "x", "", "1=2"))
fields = st.lists(st.tuples(names, numbers).map("=".join), min_size=1, max_size=3)


@given(names, tags, fields, st.sampled_from(("", " 1714557600000000000", " 17", " -5", " soon")))
def test_a_line_says_the_same_however_many_blanks_it_has(
    measurement: str, tags: list[str], fields: list[str], stamp: str
) -> None:
    head, body = ",".join((measurement, *tags)), ",".join(fields)
    narrow, wide = (decode("influx", f"{head}{gap}{body}{stamp.replace(' ', gap)}") for gap in (" ", "  "))
    assert narrow.samples == wide.samples
    assert [one.error.reason for one in narrow.refused] == [one.error.reason for one in wide.refused]


# -- Prometheus --------------------------------------------------------------------------------------------------------


def test_what_prometheus_writes_is_read() -> None:
    found = decode("prometheus", WRITTEN).samples
    assert [(one.metric, one.value, one.time, one.counter) for one in found] == [
        ("node_filesystem_avail_bytes", 5e9, START, False),
        ("node_filesystem_avail_bytes", 4.9e9, START + 15_000, False),
        ("http_requests_total", 17.0, START, True),
    ]
    assert (found[0].resource, found[0].component) == ("db-01", "/var")
    assert found[0].labels == {"instance": "db-01:9100", "job": "node", "mountpoint": "/var"}


def test_metadata_say_what_only_counts_up() -> None:
    series = ({"__name__": "node_cpu_seconds", "instance": "a"}, [(1.0, START)])
    assert not decode("prometheus", written(series)).samples[0].counter
    assert decode("prometheus", written(series, counters=("node_cpu_seconds",))).samples[0].counter


def test_the_end_of_a_series_is_no_value_but_another_nan_is() -> None:
    (stale,) = struct.unpack("<d", (0x7FF0000000000002).to_bytes(8, "little"))
    labels = {"__name__": "up", "instance": "a"}
    decoded = decode("prometheus", written((labels, [(1.0, START), (stale, START + 1), (math.nan, START + 2)])))
    assert [sample.time for sample in decoded.samples] == [START, START + 2]


def test_a_series_without_a_name_is_refused_alone_and_can_be_sent_again() -> None:
    good = {"__name__": "up", "instance": "a"}
    decoded = decode("prometheus", written(({"instance": "a"}, [(1.0, START)]), (good, [(1.0, START)])))
    assert [sample.metric for sample in decoded.samples] == ["up"]
    (refused,) = decoded.refused
    assert refused.error.reason == "missing-field"
    assert decode("prometheus", refused.payload).refused[0].payload == refused.payload


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b"{}", "not-snappy"),
        (b"\xff\xff\xff\xff\x0f", "too-long"),
        (bytes(cramjam.snappy.compress_raw(b"text")), "not-protobuf"),
        (written(), "empty"),
    ],
)
def test_what_is_no_write_request_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        decode("prometheus", payload)
    assert refused.value.reason == reason


# -- OpenTelemetry -----------------------------------------------------------------------------------------------------


def test_json_and_protocol_buffers_say_the_same() -> None:
    assert decode("otlp", EXPORTED).samples == decode("otlp", PACKED).samples


def test_points_of_every_kind_become_samples() -> None:
    found = decode("otlp", EXPORTED).samples
    assert [(one.metric, one.value, one.unit, one.counter) for one in found] == [
        ("system.memory.utilization", 0.5, "1", False),
        ("http.server.requests", 17.0, "", True),
        ("http.server.request.duration.count", 7.0, "", True),
        ("http.server.request.duration.sum", 1.5, "s", True),
        ("gc.pause.count", 7.0, "", True),
        ("gc.pause.sum", 1.5, "s", True),
        ("gc.pause", 0.2, "s", False),
    ]
    assert {(one.resource, one.labels["host.name"]) for one in found} == {("shop", "web-01")}
    assert found[0].labels["state"] == "used"
    assert found[-1].labels["quantile"] == "0.5"
    assert (found[0].time, found[-1].time) == (START, NOW)


def test_a_sum_that_may_fall_or_that_tells_differences_is_no_counter() -> None:
    for change in ({"isMonotonic": False}, {"aggregationTemporality": 1}):
        metric = {**SUM, "sum": {**SUM["sum"], **change}}  # type: ignore[dict-item]
        (sample,) = decode("otlp", exported(metric, service__name="shop")).samples
        assert not sample.counter


def test_a_point_without_a_value_says_nothing() -> None:
    metric = {"name": "a", "gauge": {"dataPoints": [{"flags": 1}]}}
    decoded = decode("otlp", exported(metric, service__name="shop"))
    assert not decoded.samples
    assert not decoded.refused


def test_a_bad_point_is_refused_alone_with_what_is_around_it() -> None:
    bad = {"name": "a", "gauge": {"dataPoints": [point(asDouble="x"), point()]}}
    decoded = decode("otlp", exported(bad, {"name": "b"}, GAUGE, service__name="shop"))
    assert [sample.metric for sample in decoded.samples] == ["a", "system.memory.utilization"]
    assert [refused.error.reason for refused in decoded.refused] == ["bad-value", "unsupported"]
    again = decode("otlp", decoded.refused[0].payload)
    assert not again.samples
    assert [refused.error.reason for refused in again.refused] == ["bad-value"]


def test_a_request_without_a_resource_is_refused() -> None:
    (refused,) = decode("otlp", exported(GAUGE)).refused
    assert refused.error.reason == "missing-field"
    assert "resource_attributes" in refused.error.detail


# -- CSV ---------------------------------------------------------------------------------------------------------------

TABLE = {
    "format": "csv",
    "columns": ["at", "host", "cpu", "memory"],
    "time": {"value": "{at}", "format": "epoch-s"},
    "resource": "{host}",
    "metrics": {"cpu usage": "{cpu}", "memory usage": "{memory}"},
    "unit": "%",
}


def test_columns_of_a_table_are_metrics() -> None:
    source = Mapped(parse_mapping(TABLE, "t"))
    decoded = source.decode(raw("t", "at,host,cpu,memory\n1714557600,a,5,71.5\n1714557660,a,,72\n"))
    assert [(one.metric, one.value, one.time - START) for one in decoded.samples] == [
        ("cpu usage", 5.0, 0),
        ("memory usage", 71.5, 0),
        ("memory usage", 72.0, 60_000),
    ]
    assert {(one.resource, one.unit) for one in decoded.samples} == {("a", "%")}
    assert not decoded.events


def test_a_column_may_name_the_metric() -> None:
    mapping = {**TABLE, "columns": ["host", "what", "number"], "time": None, "metrics": {"{what}": "{number}"}}
    (sample,) = Mapped(parse_mapping(mapping, "t")).decode(raw("t", "a,load1,3")).samples
    assert (sample.metric, sample.value, sample.time) == ("load1", 3.0, NOW)


def test_a_cell_that_is_no_number_is_refused() -> None:
    source = Mapped(parse_mapping(TABLE, "t"))
    (refused,) = source.decode(raw("t", "1714557600,a,5,much\n1714557600,b,5,6\n")).refused
    assert refused.error.reason == "bad-value"


@pytest.mark.parametrize(
    ("change", "told"),
    [({"metrics": {}}, "needs check and severity, or else metrics"), ({"metrics": {"a": "{x}"}}, "'x' is no column")],
)
def test_a_mapping_makes_events_or_samples(change: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_mapping({**TABLE, **change}, "t")
