"""What holds for every source in the registry, and for mapped ones."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from pipeline.sources.base import Source
from pipeline.sources.common import REASONS
from pipeline.sources.mapped import Mapped
from pipeline.sources.mapping import parse_mapping
from pipeline.sources.normalise import Normaliser, dead_letter
from pipeline.sources.registry import SOURCES, make_source
from schemas.base import ConfigError
from schemas.event import Event, EventKind, MetricSample, RawRecord
from schemas.severity import Severity
from tests.pipeline.sources.samples import METRICS, SAMPLES, raw

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "mappings"
MAPPED = {
    "telecom-alarms": ["11,55,0,30", "12,260,23,23\r\n"],
    "intrusion-alerts": [
        "2.0,AMiner: New event type.,192.0.2.1,mail,A-All-Evt,false_positive,-",
        '3.5,"Web: GET, refused",192.0.2.2,web,W-Acc-400,attack,scan',
    ],
}
ALL = {**SAMPLES, **{name: [raw(name, line) for line in lines] for name, lines in MAPPED.items()}}
CASES = [(name, number) for name, payloads in ALL.items() for number in range(len(payloads))]
BROKEN = [b"", b" \n", b"\x00", b"{", b"[]]", b"null", b"42", b'"x"', b"[1]", b"\xff\xfe\x00", b"{}", b'{"alerts": 3}']


def source(name: str) -> Source:
    if name in SOURCES:
        return make_source(name)
    given = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    return Mapped(parse_mapping(given, f"{name}.yaml"))


def test_each_source_in_the_registry_has_samples() -> None:
    assert set(SAMPLES) == set(SOURCES)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_what_the_monitor_sends_is_understood_wholly(name: str, number: int) -> None:
    decoded = source(name).decode(ALL[name][number])
    assert not decoded.refused
    assert bool(decoded.events) != (name in METRICS)
    assert decoded.samples or name not in METRICS
    said: list[Event | MetricSample] = [*decoded.events, *decoded.samples]
    for one in said:
        assert one.source == name
        assert one.tenant == "default"
        assert one.received == ALL[name][number].received
    for event in decoded.events:
        assert not (event.kind is EventKind.PROBLEM and event.severity is Severity.INFO)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_the_same_delivery_gives_the_same_events(name: str, number: int) -> None:
    one, other = source(name).decode(ALL[name][number]), source(name).decode(ALL[name][number])
    assert one == other
    assert [event.model_dump_json() for event in one.events] == [event.model_dump_json() for event in other.events]
    assert [sample.model_dump_json() for sample in one.samples] == [s.model_dump_json() for s in other.samples]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_delivery_repeated_later_is_known_by_its_id(name: str, number: int) -> None:
    first = ALL[name][number]
    again = first.model_copy(update={"received": first.received + 1000})
    assert [e.id for e in source(name).decode(first).events] == [e.id for e in source(name).decode(again).events]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_events_and_samples_cannot_be_changed(name: str, number: int) -> None:
    decoded = source(name).decode(ALL[name][number])
    with pytest.raises(ValidationError):
        setattr((*decoded.events, *decoded.samples)[0], "labels", {})  # noqa: B010 - the type checker would not let it pass


@pytest.mark.parametrize("name", SOURCES)
def test_tenants_do_not_meet(name: str) -> None:
    for payload in ALL[name]:
        ours = make_source(name, tenant="ours").decode(payload).events
        theirs = make_source(name, tenant="theirs").decode(payload).events
        if name in METRICS:
            samples = make_source(name, tenant="ours").decode(payload).samples
            assert {sample.tenant for sample in samples} == {"ours"}
            continue
        assert {event.tenant for event in ours} == {"ours"}
        assert not {event.fingerprint for event in ours} & {event.fingerprint for event in theirs}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("payload", BROKEN)
def test_a_broken_payload_is_refused_with_a_known_reason(name: str, payload: bytes) -> None:
    broken = RawRecord(source=name, received=1, payload=payload)
    decoded = Normaliser({name: source(name)}).normalise(broken)
    assert not decoded.events
    assert not decoded.samples
    assert decoded.refused
    for refused in decoded.refused:
        assert refused.error.reason in REASONS
        assert re.fullmatch(r"[a-z0-9-]+", refused.error.reason)
        assert refused.error.detail


@pytest.mark.parametrize("name", SOURCES)
def test_an_unknown_option_stops_the_start_and_names_the_allowed_ones(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"source {name}: unknown option 'colour'; allowed: "):
        make_source(name, options={"colour": "red"})


def test_an_unknown_source_stops_the_start_and_names_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match="unknown source 'nagois'; allowed: alertmanager, cloudevents, influx, nagios"
    ):
        make_source("nagois")


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in {"syslog", "nagios"}])
def test_a_refused_part_of_a_batch_can_be_sent_again_alone(name: str) -> None:
    batch = b'{"version": "4", "alerts": [{"x": 1}]}' if name == "alertmanager" else b'[{"x": 1}]'
    normaliser = Normaliser({name: source(name)})
    (refused,) = normaliser.normalise(RawRecord(source=name, received=1, payload=batch)).refused
    (again,) = normaliser.normalise(RawRecord(source=name, received=1, payload=refused.payload)).refused
    assert again.error.reason == refused.error.reason


def test_a_payload_of_an_unknown_source_is_kept_as_a_dead_letter() -> None:
    payload = RawRecord(source="nobody", received=7, payload=b"\xff", origin="192.0.2.1")
    (refused,) = Normaliser({}).normalise(payload).refused
    letter = dead_letter(payload, refused)
    assert letter.reason == "unknown-source"
    assert letter.raw == payload
    assert letter == dead_letter(payload, refused)
    assert letter.id != dead_letter(payload.model_copy(update={"received": 8}), refused).id


def test_a_dead_letter_of_a_part_holds_the_part() -> None:
    payload = raw("native", b'[{"x": 1}, 5]')
    first, second = Normaliser({"native": source("native")}).normalise(payload).refused
    assert dead_letter(payload, first).raw.payload == b'{"x":1}'
    assert dead_letter(payload, second).raw.payload == b"5"
    assert dead_letter(payload, first).id != dead_letter(payload, second).id
