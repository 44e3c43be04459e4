"""Whatever arrives, every payload ends as events, as samples or as refusals with a reason, and nothing raises."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from agents.stream.wire import Samples, pack_samples, unpack_samples
from pipeline.sources.common import REASONS
from pipeline.sources.mapped import Mapped
from pipeline.sources.mapping import parse_mapping
from pipeline.sources.normalise import Normaliser, dead_letter
from pipeline.sources.prometheus import WriteRequest, unpacked
from pipeline.sources.registry import SOURCES, make_source
from schemas.event import Event, RawRecord
from tests.pipeline.sources.samples import METRICS, SAMPLES, raw

JSON_MAPPING = {
    "format": "json",
    "time": {"value": "{at}", "format": "epoch-s"},
    "ends_at": {"value": "{until}", "format": "iso"},
    "resource": "{host.name}",
    "check": "{what}",
    "kind": {"value": "{state}", "table": {"up": "resolution", "down": "problem"}},
    "severity": {"value": "{level}"},
    "labels": {"site": "{host.site}"},
    "value": "{reading}",
}
CSV_MAPPING = {
    "format": "csv",
    "columns": ["when", "host", "what"],
    "time": {"value": "{when}", "format": "%Y-%m-%d %H:%M:%S", "timezone": "Europe/Berlin"},
    "resource": "{host}",
    "check": "{what}",
    "severity": "major",
}
RECORD = {
    "at": 17,
    "until": "2024-05-01T10:00:00Z",
    "host": {"name": "a"},
    "what": "x",
    "state": "down",
    "level": "high",
}
EXTRA = {
    "any-json": [raw("any-json", RECORD), raw("any-json", [RECORD, RECORD])],
    "any-csv": [raw("any-csv", "2024-05-01 10:00:00,a,b"), raw("any-csv", '2024-05-01 10:00:00,"a,\n""b""",c\nx,y,z')],
}
ALL = {**SAMPLES, **EXTRA}
NORMALISER = Normaliser(
    {name: make_source(name) for name in SOURCES}
    | {
        "any-json": Mapped(parse_mapping(JSON_MAPPING, "any-json")),
        "any-csv": Mapped(parse_mapping(CSV_MAPPING, "any-csv")),
    }
)
ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        2**63,
        2**64 - 1,
        -(2**63),
        1e308,
        -1e308,
        5e-324,
        0.1,
        "",
        " ",
        "0",
        "-1",
        "1e400",
        "NaN",
    ),
    *(
        "\x00",
        "\ufeff",
        "\u2028",
        "x" * 1025,
        "9" * 400,
        "9" * 5000,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ),
    *("٣", "²", "{", "}", "[", "{EVENT.ID}", "1.2.3", "1" + ".1" * 500, "::", "a::b.c", "<1>", "2024-02-30T00:00:00Z"),
    *(
        [],
        {},
        [[]],
        {"": ""},
        [None],
        {"a": {"b": {}}},
        "summary " * 2000,
        "\U0001f525",
        "10:00:00",
        "2024.05.01",
        "6",
        "5",
    ),
]
NOT_JSON = {"any-csv", "influx", "prometheus", "syslog"}
JUNK = [
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"NaN",
    b"1e999",
    b"\\ud800",
    b"\n",
    b'"',
    b"[" * 2000,
    b"9" * 5000,
    b"{",
    b"<",
]


def walk(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from walk(item, (*path, number))


def swapped(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The same JSON value with another one at `path`."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = swapped(value[path[0]], path[1:], new)
    return copy


def structural(rng: random.Random, payload: bytes) -> bytes:
    """A valid JSON payload with one to three values swapped for odd ones, or left out."""
    value = orjson.loads(payload)
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(list(walk(value)))
        if path and isinstance(path[-1], str) and rng.random() < 0.2:
            value = without(value, path)
        else:
            value = swapped(value, path, rng.choice(ODD))
    return orjson.dumps(value)


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """The same JSON value without the key at the end of `path`."""
    if len(path) == 1:
        return {key: item for key, item in value.items() if key != path[0]}
    return swapped(value, path[:1], without(value[path[0]], path[1:]))


def bytewise(rng: random.Random, payload: bytes) -> bytes:
    """A payload cut, flipped, doubled or stuffed with junk."""
    at = rng.randrange(len(payload) + 1)
    match rng.randrange(6):
        case 0:
            return payload[:at]
        case 1:
            return payload[at:]
        case 2:
            flipped = bytearray(payload)
            for _ in range(rng.randint(1, 4)):
                flipped[rng.randrange(len(flipped))] = rng.randrange(256)
            return bytes(flipped)
        case 3:
            return payload[:at] + rng.choice(JUNK) + payload[at:]
        case 4:
            end = min(len(payload), at + rng.randint(1, 20))
            return payload[:at] + payload[end:]
        case _:
            return payload[:at] + payload[max(0, at - rng.randint(1, 40)) :]


def mutant(rng: random.Random, name: str) -> RawRecord:
    sample = rng.choice(ALL[name])
    payload = sample.payload
    if payload[:1] in b"{[" and rng.random() < 0.6:
        payload = structural(rng, payload)
    else:
        for _ in range(rng.randint(1, 3)):
            payload = bytewise(rng, payload) or b"?"
    return sample.model_copy(update={"payload": payload, "origin": rng.choice(["", "192.0.2.1"])})


def verdict(payload: RawRecord) -> list[str]:
    """How a payload ended; fails where it ended in no known way."""
    decoded = NORMALISER.normalise(payload)
    assert decoded.events or decoded.samples or decoded.refused or empty(payload), payload
    for refused in decoded.refused:
        assert refused.error.reason in REASONS, (payload, refused)
        letter = dead_letter(payload, refused)
        assert letter.model_validate_json(letter.model_dump_json()) == letter
    for event in decoded.events:
        # What is accepted is valid, though not all of it was asked, and must survive the wire.
        assert list(event.__dict__) == list(Event.model_fields)
        assert Event.model_validate(event.__dict__) == event
        assert type(event).model_validate_json(event.model_dump_json()) == event
    if decoded.samples:
        pack = Samples("raw.x/0", 0, 0, decoded.samples)
        assert repr(unpack_samples(pack_samples(pack))) == repr(pack)  # NaN is not equal to itself
    ended = ["event"] * len(decoded.events) + ["sample"] * len(decoded.samples)
    return ended + [refused.error.reason for refused in decoded.refused]


def empty(payload: RawRecord) -> bool:
    """Whether a payload is a known no-op: a batch of nothing, blank lines, a value that the monitor does not know."""
    if payload.source == "any-csv":
        return b"\n" in payload.payload
    if payload.source == "nagios":
        return b"=U" in payload.payload
    if payload.source in METRICS:
        return nothing_measured(payload)
    value = orjson.loads(payload.payload)
    return value == [] or (isinstance(value, dict) and (value.get("alerts") == [] or value.get("metrics") == []))


def nothing_measured(payload: RawRecord) -> bool:
    """Whether a payload of metrics has no number in it, or only such as are left out."""
    if payload.source == "influx":
        return all(line.strip()[:1] in ("", "#") or '"' in line for line in payload.payload.decode().split("\n"))
    if payload.source == "prometheus":
        request = WriteRequest.FromString(unpacked(payload.payload))
        return all(not one.samples or any(label.name == "le" for label in one.labels) for one in request.timeseries)
    if payload.payload.lstrip()[:1] in (b"{", b"["):
        return no_points(orjson.loads(payload.payload))
    return no_points(MessageToDict(ExportMetricsServiceRequest.FromString(payload.payload)))


def no_points(request: Any) -> bool:
    """Whether no point of a request says anything."""
    points = [
        (kind, point)
        for group in request["resourceMetrics"]
        for scope in group.get("scopeMetrics", [])
        for metric in scope.get("metrics", [])
        for kind, data in metric.items()
        if isinstance(data, dict)
        for point in data.get("dataPoints", [])
    ]
    return all(point.get("flags", 0) & 1 for _, point in points)


def rounds(seed: int, count: int) -> Counter[tuple[str, str]]:
    """Try `count` mutants of the samples of all sources in turn; counts by source and outcome."""
    rng = random.Random(seed)
    names = sorted(ALL)
    outcomes: Counter[tuple[str, str]] = Counter()
    for number in range(count):
        name = names[number % len(names)]
        outcomes.update((name, ended) for ended in verdict(mutant(rng, name)))
    return outcomes


def check_spread(outcomes: Counter[tuple[str, str]]) -> None:
    """A fuzzer that only ever breaks, or never breaks anything, would prove nothing."""
    for name in ALL:
        assert outcomes[name, "event" if name not in METRICS else "sample"]
        assert sum(count for (source, ended), count in outcomes.items() if source == name and ended in REASONS)


def test_mutants_of_every_sample_end_well() -> None:
    check_spread(rounds(seed=1, count=5_000))


@pytest.mark.slow
def test_a_hundred_thousand_mutants_end_well() -> None:
    outcomes = rounds(seed=2, count=110_000)
    check_spread(outcomes)
    assert {ended for _, ended in outcomes} >= REASONS - {"unknown-source"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([x for x in ODD if x != ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(name=st.sampled_from(sorted(ALL)), payload=st.binary(max_size=200))
def test_any_bytes_end_well(name: str, payload: bytes) -> None:
    NORMALISER.normalise(RawRecord(source=name, received=0, payload=payload))
    verdict(RawRecord(source=name, received=253_402_300_799_999, payload=b"<13>" + payload))


@given(data=st.data(), name=st.sampled_from(sorted(name for name in ALL if name not in NOT_JSON)))
def test_any_json_in_any_place_ends_well(data: st.DataObject, name: str) -> None:
    samples = [sample for sample in ALL[name] if sample.payload[:1] in b"{["]
    sample = data.draw(st.sampled_from(samples))
    value = orjson.loads(sample.payload)
    path = data.draw(st.sampled_from(list(walk(value))))
    try:
        payload = orjson.dumps(swapped(value, path, data.draw(json_values)))
    except (orjson.JSONEncodeError, TypeError):
        # Integers beyond 64 bits and lone surrogates do not exist in JSON as it is written here.
        payload = b'{"x":' + b"9" * 30 + b"}"
    verdict(sample.model_copy(update={"payload": payload}))


@given(text=st.text(max_size=300), priority=st.integers(0, 191))
def test_any_text_after_a_priority_is_a_syslog_message_or_refused(text: str, priority: int) -> None:
    payload = f"<{priority}>{text}".encode("utf-8", "ignore")
    (ended,) = verdict(RawRecord(source="syslog", received=5, payload=payload, origin="192.0.2.1"))
    assert ended == "event" or ended in REASONS
