"""Notifications of Nagios and Icinga, and their performance data."""

import pytest

from pipeline.sources.nagios import TYPES, Nagios
from schemas.base import BadRecord
from schemas.event import Event, EventKind
from schemas.severity import Severity
from tests.pipeline.sources.samples import NAGIOS_HOST, NOW, START, nagios, raw


def one(payload: object) -> Event:
    (event,) = Nagios().decode(raw("nagios", payload)).events
    return event


def test_a_service_problem_names_host_and_service() -> None:
    event = one(nagios())
    assert event.kind is EventKind.PROBLEM
    assert (event.resource, event.check, event.severity) == ("web-01", "HTTP", Severity.CRITICAL)
    assert event.time == START
    assert event.summary == "HTTP CRITICAL: 503 Service Unavailable"
    assert event.labels["hostaddress"] == "192.0.2.21"


def test_a_recovery_finds_its_problem() -> None:
    recovery = one(nagios(NAGIOS_NOTIFICATIONTYPE="RECOVERY", NAGIOS_SERVICESTATE="OK", NAGIOS_TIMET="1714557660"))
    assert recovery.kind is EventKind.RESOLUTION
    assert recovery.time == START + 60_000
    assert recovery.fingerprint == one(nagios()).fingerprint


def test_a_host_is_another_alert_than_its_services() -> None:
    event = one(NAGIOS_HOST)
    assert (event.check, event.severity) == ("host", Severity.CRITICAL)
    assert event.fingerprint != one(nagios()).fingerprint
    assert one({**NAGIOS_HOST, "HOSTSTATE": "UNREACHABLE"}).severity is Severity.MAJOR


@pytest.mark.parametrize("name", [name for name, kind in TYPES.items() if kind is EventKind.INFORMATION])
def test_acknowledgements_flapping_and_downtimes_are_told_and_change_no_state(name: str) -> None:
    event = one(nagios(NAGIOS_NOTIFICATIONTYPE=name))
    assert event.kind is EventKind.INFORMATION
    assert event.labels["notification"] == name.lower()


@pytest.mark.parametrize(
    ("state", "severity"),
    [("CRITICAL", Severity.CRITICAL), ("UNKNOWN", Severity.MINOR), ("WARNING", Severity.WARNING)],
)
def test_a_service_state_is_a_severity(state: str, severity: Severity) -> None:
    assert one(nagios(NAGIOS_SERVICESTATE=state)).severity is severity


def test_prefixes_of_macros_do_not_matter() -> None:
    for prefix in ("", "ICINGA_", "icinga_"):
        assert one({key.replace("NAGIOS_", prefix): value for key, value in nagios().items()}) == one(nagios())


def test_the_first_notification_begins_when_the_state_changed() -> None:
    changed = {"NAGIOS_SERVICENOTIFICATIONNUMBER": "1", "NAGIOS_LASTSERVICESTATECHANGE": "1714557480"}
    assert one(nagios(**changed)).time == START - 120_000
    assert one(nagios(**changed | {"NAGIOS_SERVICENOTIFICATIONNUMBER": "2"})).time == START


def test_a_later_notification_of_the_same_state_is_another_event() -> None:
    assert one(nagios()).id != one(nagios(NAGIOS_TIMET="1714561200")).id


def test_performance_data_become_samples() -> None:
    decoded = Nagios().decode(
        raw(
            "nagios", nagios(NAGIOS_SERVICEPERFDATA="time=0.25s;1;2;0;10 'used ''x'' %'=71.5%;80;90 idle=U n=-3 e=1e3c")
        )
    )
    assert [(s.metric, s.value, s.unit) for s in decoded.samples] == [
        ("time", 0.25, "s"),
        ("used 'x' %", 71.5, "%"),
        ("n", -3.0, ""),
        ("e", 1000.0, "c"),
    ]
    assert {(s.resource, s.component, s.time) for s in decoded.samples} == {("web-01", "HTTP", START)}
    assert len(decoded.events) == 1


def test_performance_data_may_come_without_a_notification() -> None:
    decoded = Nagios().decode(
        raw("nagios", {"HOSTNAME": "web-01", "HOSTPERFDATA": "rta=0.8ms;3000;5000;0 pl=0%", "TIMET": "1714557600"})
    )
    assert not decoded.events
    assert [(sample.metric, sample.value) for sample in decoded.samples] == [("rta", 0.8), ("pl", 0.0)]


def test_broken_performance_data_cost_only_themselves_and_can_be_sent_again() -> None:
    payload = nagios(NAGIOS_SERVICEPERFDATA="time=0.25s broken size=3B")
    decoded = Nagios().decode(raw("nagios", payload))
    assert len(decoded.events) == len(decoded.samples) == 1
    (refused,) = decoded.refused
    assert refused.error.reason == "bad-value"
    mended = Nagios().decode(raw("nagios", refused.payload.replace(b"broken ", b"")))
    assert [(s.metric, s.component, s.time) for s in mended.samples] == [("size", "HTTP", START)]


def test_without_a_time_it_is_now() -> None:
    payload = {key: value for key, value in nagios().items() if key != "NAGIOS_TIMET"}
    assert one(payload).time == NOW


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"NAGIOS_NOTIFICATIONTYPE": "SHOUT"}, "unsupported"),
        ({"NAGIOS_NOTIFICATIONTYPE": "$NOTIFICATIONTYPE$"}, "missing-field"),
        ({"NAGIOS_SERVICESTATE": "DOWN"}, "bad-severity"),
        ({"NAGIOS_SERVICESTATE": "OK"}, "bad-value"),
        ({"NAGIOS_NOTIFICATIONTYPE": "RECOVERY"}, "bad-value"),
        ({"NAGIOS_TIMET": "noon"}, "bad-time"),
        ({"NAGIOS_TIMET": "-5"}, "bad-time"),
        ({"NAGIOS_HOSTNAME": ""}, "missing-field"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        one(nagios(**change))
    assert refused.value.reason == reason
