"""Native events, CloudEvents and what people say."""

import base64
import json

import pytest

from pipeline.sources.base import Decoded
from pipeline.sources.registry import make_source
from schemas.base import BadRecord
from schemas.event import Event, EventKind, fingerprint
from schemas.severity import Severity
from tests.pipeline.sources.samples import NOW, START, cloud_event, native, raw, said


def decode(name: str, payload: object, options: dict[str, str] | None = None, *, received: int = NOW) -> Decoded:
    return make_source(name, options=options or {}).decode(raw(name, payload, received=received))


def one(name: str, payload: object, options: dict[str, str] | None = None, *, received: int = NOW) -> Event:
    (event,) = decode(name, payload, options, received=received).events
    return event


def test_a_native_event_is_taken_as_it_is() -> None:
    payload = native(tenant="site-b", labels={"floor": "2"}, ends_at="2024-05-01T10:10:00Z")
    event = one("native", payload, {"tenants": "site-a, site-b"})
    assert (event.id, event.tenant, event.time, event.ends_at) == ("fire-7", "site-b", START, START + 600_000)
    assert event.fingerprint == fingerprint("site-b", "room-2", "", "smoke")
    assert event.received == NOW


def test_a_sender_speaks_for_its_own_tenant_alone() -> None:
    with pytest.raises(BadRecord, match="may not name tenant 'site-b'"):
        decode("native", native(tenant="site-b"))
    assert one("native", native(tenant="default")).tenant == "default"
    assert one("native", native(tenant="site-b"), {"tenants": "*"}).tenant == "site-b"


def test_the_year_9999_is_no_time_and_no_end() -> None:
    assert one("native", native(ends_at="9999-12-31T00:00:00Z")).ends_at is None
    with pytest.raises(BadRecord, match="bad-time"):
        decode("native", native(time="9999-12-31T00:00:00Z"))


def test_a_native_event_written_by_us_comes_back_the_same() -> None:
    event = one("native", native())
    assert one("native", event.model_dump_json()) == event


def test_a_native_event_may_leave_out_its_id_and_time() -> None:
    short = {"kind": "information", "resource": "a", "check": "b", "severity": "info"}
    event = one("native", short)
    assert event.time == NOW
    assert event.id != one("native", short, received=NOW + 1).id
    timed = {**short, "time": "2024-05-01T10:00:00Z"}
    assert one("native", timed).id == one("native", timed, received=NOW + 1).id


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "noise"}, "bad-value"),
        ({"severity": "purple"}, "bad-severity"),
        ({"severity": "info"}, "bad-severity"),
        ({"resource": ""}, "missing-field"),
        ({"resource": None}, "bad-value"),
        ({"time": -1}, "bad-time"),
        ({"time": "2024-05-01T10:00:00"}, "bad-time"),
        ({"ends_at": 1e30}, "bad-time"),
        ({"colour": "red"}, "bad-value"),
        ({"component": "x" * 1025}, "too-long"),
    ],
)
def test_a_wrong_native_event_is_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        one("native", native(**change))
    assert refused.value.reason == reason


def test_a_summary_too_long_for_a_person_is_cut() -> None:
    assert len(one("native", native(summary="x" * 9000)).summary) == 8192


def test_a_cloud_event_in_our_words() -> None:
    event = one("cloudevents", cloud_event())
    assert (event.resource, event.check, event.kind) == ("job-nightly", "com.example.job", EventKind.PROBLEM)
    assert (event.severity, event.time, event.summary) == (Severity.MAJOR, START, "The nightly job failed")
    assert event.labels == {
        "queue": "batch",
        "ce_source": "/clusters/one/scheduler",
        "ce_type": "com.example.job.failed",
    }


def test_a_cloud_event_whose_type_says_it_is_over_finds_its_problem() -> None:
    over = one("cloudevents", cloud_event(id="a89b-2", type="com.example.job.recovered", data=None))
    assert over.kind is EventKind.RESOLUTION
    assert over.fingerprint == one("cloudevents", cloud_event()).fingerprint
    other = cloud_event(type="com.example.job.fine", data=None)
    assert one("cloudevents", other, {"resolved_types": "fine"}).kind is EventKind.RESOLUTION
    assert one("cloudevents", other).kind is EventKind.INFORMATION


def test_source_and_id_of_a_cloud_event_are_its_identity() -> None:
    assert one("cloudevents", cloud_event()).id == one("cloudevents", cloud_event(data={"severity": "low"})).id
    assert one("cloudevents", cloud_event()).id != one("cloudevents", cloud_event(source="/other")).id


def test_fields_of_a_cloud_event_may_lie_elsewhere() -> None:
    given = cloud_event(data={"host": {"name": "h1"}, "prio": "p1", "state": "resolved"}, sensor="fan")
    paths = {"resource": "data.host.name", "severity": "data.prio", "kind": "data.state", "component": "sensor"}
    event = one("cloudevents", given, paths)
    assert (event.resource, event.component, event.severity) == ("h1", "fan", Severity.CRITICAL)
    assert event.kind is EventKind.RESOLUTION


def test_data_of_a_cloud_event_may_be_in_base64() -> None:
    given = cloud_event()
    encoded = base64.b64encode(json.dumps(given.pop("data")).encode()).decode()
    assert one("cloudevents", {**given, "data_base64": encoded}) == one("cloudevents", cloud_event())


def test_a_batch_of_cloud_events_keeps_its_good_half() -> None:
    bad = [
        cloud_event(specversion="0.3"),
        cloud_event(time="now"),
        {"specversion": "1.0"},
        cloud_event(data_base64="?"),
    ]
    decoded = decode("cloudevents", [*bad, cloud_event()])
    assert len(decoded.events) == 1
    reasons = [refused.error.reason for refused in decoded.refused]
    assert reasons == ["unsupported", "bad-time", "missing-field", "bad-value"]


def test_many_callers_are_one_alert() -> None:
    one_caller, other = one("person", said()), one("person", said(who="B. Roth", what="Nothing works"))
    assert one_caller.kind is EventKind.PROBLEM
    assert (one_caller.resource, one_caller.severity, one_caller.time) == ("intranet", Severity.MAJOR, START)
    assert one_caller.labels == {"who": "A. Weber"}
    assert one_caller.fingerprint == other.fingerprint
    assert one_caller.id != other.id


def test_two_requests_never_fold() -> None:
    first, second = one("person", said(kind="request", id="R1")), one("person", said(kind="request", id="R2"))
    assert first.kind is EventKind.REQUEST
    assert first.fingerprint != second.fingerprint
    assert first == one("person", said(kind="request", id="R1"))


def test_a_person_can_say_that_it_is_over() -> None:
    over = one("person", said(kind="resolved", when=1714557660))
    assert (over.kind, over.time) == (EventKind.RESOLUTION, START + 60_000)
    assert over.fingerprint == one("person", said()).fingerprint


def test_urgency_may_be_a_number_or_missing() -> None:
    assert one("person", said(urgency=1)).severity is Severity.CRITICAL
    assert one("person", said(urgency="")).severity is Severity.MINOR
    assert one("person", said(urgency=""), {"default_urgency": "major"}).severity is Severity.MAJOR


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"who": ""}, "missing-field"),
        ({"what": " "}, "missing-field"),
        ({"about": None}, "missing-field"),
        ({"urgency": "soon"}, "bad-severity"),
        ({"kind": "poem"}, "bad-value"),
        ({"when": "yesterday"}, "bad-time"),
        ({"when": 1e300}, "bad-time"),
        ({"labels": ["a"]}, "bad-value"),
    ],
)
def test_a_wrong_report_is_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        one("person", said(**change))
    assert refused.value.reason == reason
