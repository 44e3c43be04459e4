"""Messages of Zabbix: problems, recoveries and updates."""

import pytest

from pipeline.sources.zabbix import SEVERITIES, Zabbix
from schemas.base import BadRecord, ConfigError
from schemas.event import Event, EventKind
from schemas.severity import Severity
from tests.pipeline.sources.samples import NOW, START, ZABBIX_ACKNOWLEDGE, ZABBIX_RECOVERY, raw, zabbix


def one(payload: object, **options: str) -> Event:
    (event,) = Zabbix(options=options).decode(raw("zabbix", payload)).events
    return event


def test_a_problem_is_about_its_host_and_trigger() -> None:
    event = one(zabbix())
    assert event.kind is EventKind.PROBLEM
    assert event.time == START
    assert (event.resource, event.component, event.severity) == ("db-01", "/var", Severity.MAJOR)
    assert event.check == "Free disk space is low on volume /var"
    assert event.summary == "Free disk space is less than 10% on volume /var"
    assert event.labels["scope"] == "capacity"
    assert "event_recovery_id" not in event.labels


def test_a_recovery_finds_its_problem() -> None:
    problem, recovery = one(zabbix()), one(ZABBIX_RECOVERY)
    assert recovery.kind is EventKind.RESOLUTION
    assert recovery.time == START + 240_000
    assert recovery.fingerprint == problem.fingerprint
    assert recovery.clear_key == problem.clear_key == "zabbix:8120"
    assert recovery.id != problem.id


def test_a_recovery_of_another_problem_of_the_same_trigger_is_told_apart() -> None:
    other = one({**ZABBIX_RECOVERY, "event_id": "8121"})
    assert other.fingerprint == one(zabbix()).fingerprint
    assert other.clear_key != one(zabbix()).clear_key


def test_an_acknowledgement_is_told_and_changes_no_state() -> None:
    event = one(ZABBIX_ACKNOWLEDGE)
    assert event.kind is EventKind.INFORMATION
    assert event.time == START + 120_000
    assert event.labels["event_update_message"] == "on it"
    assert event.clear_key is None


def test_a_changed_severity_reaches_the_alert() -> None:
    event = one(
        {**ZABBIX_ACKNOWLEDGE, "event_update_action": "changed severity from High to Disaster", "event_nseverity": "5"}
    )
    assert (event.kind, event.severity) == (EventKind.PROBLEM, Severity.CRITICAL)
    assert event.fingerprint == one(zabbix()).fingerprint


def test_macros_may_keep_their_own_names() -> None:
    dotted = {key.upper().replace("_", ".", 1): value for key, value in zabbix().items()}
    assert "EVENT.ID" in dotted
    assert one(dotted) == one(zabbix())


def test_a_name_with_changing_values_is_one_alert() -> None:
    assert one(zabbix(event_name="9 % free")).fingerprint == one(zabbix(event_name="8 % free")).fingerprint
    without = {key: value for key, value in zabbix().items() if key != "trigger_id"}
    assert one(without).fingerprint != one({**without, "trigger_name": "other"}).fingerprint


@pytest.mark.parametrize(("word", "severity"), SEVERITIES.items())
def test_every_severity_has_its_place(word: str, severity: Severity) -> None:
    event = one({key: v for key, v in zabbix(event_severity=word.title()).items() if key != "event_nseverity"})
    assert event.severity is severity
    assert event.kind is (EventKind.INFORMATION if severity is Severity.INFO else EventKind.PROBLEM)


def test_times_are_in_the_zone_of_the_option() -> None:
    assert one(zabbix(), timezone="Europe/Berlin").time == START - 7_200_000


@pytest.mark.parametrize("name", ["Mars", "Europe", "../UTC", ""])
def test_an_unknown_time_zone_stops_the_start(name: str) -> None:
    with pytest.raises(ConfigError, match="is no time zone; allowed: IANA names"):
        Zabbix(options={"timezone": name})


def test_a_timestamp_goes_before_date_and_time() -> None:
    assert one(zabbix(event_timestamp="1714557601"), timezone="Europe/Berlin").time == START + 1000


def test_a_recovery_that_does_not_say_when_is_now_and_keeps_its_id() -> None:
    payload = zabbix(event_value="0")
    assert one(payload).time == NOW
    later = Zabbix().decode(raw("zabbix", payload, received=NOW + 5)).events[0]
    assert later.id == one(payload).id


def test_tags_may_be_json() -> None:
    event = one(zabbix(event_tags='[{"tag": "interface", "value": "eth0"}, {"tag": "x", "value": ""}]'))
    assert event.component == "eth0"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_id": "{EVENT.ID}"}, "missing-field"),
        ({"event_value": "2"}, "bad-value"),
        ({"event_nseverity": "6"}, "bad-severity"),
        ({"event_date": "yesterday"}, "bad-time"),
        ({"event_date": "2024.13.01"}, "bad-time"),
        ({"event_date": ""}, "missing-field"),
        ({"host_name": "*UNKNOWN*", "host_ip": ""}, "missing-field"),
        ({"event_tags": "[{]"}, "bad-value"),
        ({"host_name": "h" * 1025}, "too-long"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        one(zabbix(**change))
    assert refused.value.reason == reason
