"""SNMP traps as snmptrapd, Telegraf and Logstash decode them."""

import pytest

from pipeline.sources.snmp_oids import TRAPS
from pipeline.sources.snmptrap import Snmptrap
from schemas.base import BadRecord, ConfigError
from schemas.event import Event, EventKind
from schemas.severity import Severity
from tests.pipeline.sources.samples import LOGSTASH, NOW, START, TRAP_TEXT, raw, telegraf

GENERIC = "1.3.6.1.6.3.1.1.5"


def one(payload: object, options: dict[str, str] | None = None, *, received: int = NOW) -> Event:
    (event,) = Snmptrap(options=options or {}).decode(raw("snmptrap", payload, received=received)).events
    return event


def plain(oid: str, **changes: object) -> dict[str, object]:
    return {"host": "sw-01", "oid": oid, "time": "2024-05-01T10:00:00Z", **changes}


def test_the_text_of_snmptrapd_is_read() -> None:
    event = one(TRAP_TEXT)
    assert (event.kind, event.resource, event.check) == (EventKind.PROBLEM, "sw-01.example.net", "link")
    assert event.component == "GigabitEthernet0/3"
    assert event.time == NOW
    assert event.labels["address"] == "192.0.2.5"
    assert event.labels["ifIndex"] == "3"


def test_numbers_and_names_mean_the_same() -> None:
    numeric = (
        TRAP_TEXT.replace("SNMPv2-MIB::sysUpTime.0", ".1.3.6.1.2.1.1.3.0")
        .replace("SNMPv2-MIB::snmpTrapOID.0 IF-MIB::linkDown", f".1.3.6.1.6.3.1.1.4.1.0 .{GENERIC}.3")
        .replace("IF-MIB::ifDescr", "iso.3.6.1.2.1.2.2.1.2")
    )
    assert one(numeric).fingerprint == one(TRAP_TEXT).fingerprint
    assert one(numeric).labels["oid"] == one(TRAP_TEXT).labels["oid"] == f"{GENERIC}.3"


def test_an_unresolved_sender_is_known_by_its_address() -> None:
    assert one(TRAP_TEXT.replace("sw-01.example.net", "<UNKNOWN>")).resource == "192.0.2.5"


def test_an_inform_sent_again_is_one_event_and_the_next_fault_another() -> None:
    assert one(TRAP_TEXT).id == one(TRAP_TEXT, received=NOW + 1000).id
    assert one(TRAP_TEXT).id != one(TRAP_TEXT.replace("55.66", "56.66")).id


def test_link_up_finds_link_down() -> None:
    variables = {"ifIndex.3": 3, "ifName.3": "Gi0/3"}
    down = one(telegraf("linkDown", f".{GENERIC}.3", **variables))
    up = one(telegraf("linkUp", f".{GENERIC}.4", **variables))
    assert (down.kind, up.kind) == (EventKind.PROBLEM, EventKind.RESOLUTION)
    assert (down.time, down.resource, down.component) == (START, "192.0.2.5", "Gi0/3")
    assert down.fingerprint == up.fingerprint


@pytest.mark.parametrize("admin", ["2", "down", "down(2)", 2])
def test_a_port_that_was_switched_off_is_no_fault(admin: object) -> None:
    event = one(telegraf("linkDown", f".{GENERIC}.3", **{"ifIndex.3": 3, "ifAdminStatus.3": admin}))
    assert (event.kind, event.severity) == (EventKind.INFORMATION, Severity.INFO)


@pytest.mark.parametrize(
    ("arc", "check", "kind", "ends"),
    [
        (1, "restart", EventKind.PROBLEM, True),
        (2, "restart", EventKind.INFORMATION, False),
        (3, "link", EventKind.PROBLEM, False),
        (4, "link", EventKind.RESOLUTION, False),
        (5, "authentication", EventKind.PROBLEM, True),
        (6, "egp-neighbor", EventKind.PROBLEM, True),
    ],
)
def test_generic_traps_of_both_versions(arc: int, check: str, kind: EventKind, ends: bool) -> None:
    second = one(plain(f"{GENERIC}.{arc}"))
    first = one({"agent_addr": "sw-01", "enterprise": "1.3.6.1.4.1.9", "generic_trap": arc - 1, "specific_trap": 0})
    for event in (first, second):
        assert (event.check, event.kind) == (check, kind)
        assert event.ends_at == (event.time + 900_000 if ends else None)
    assert first.fingerprint == second.fingerprint


def test_an_enterprise_trap_of_version_1_is_found_in_the_map() -> None:
    event = one(LOGSTASH)
    assert (event.resource, event.check, event.severity) == ("192.0.2.7", "ups-on-battery", Severity.CRITICAL)
    assert event.time == START
    restored = one(
        {**LOGSTASH, "message": str(LOGSTASH["message"]).replace('"specific_trap": 5', '"specific_trap": 9')}
    )
    assert (restored.kind, restored.fingerprint) == (EventKind.RESOLUTION, event.fingerprint)


def test_flat_fields_of_logstash_are_read() -> None:
    event = one(
        {
            "@timestamp": "2024-05-01T10:00:00Z",
            "host": "192.0.2.5",
            "SNMPv2-MIB::snmpTrapOID.0": "IF-MIB::linkDown",
            "IF-MIB::ifDescr.3": 'STRING: "eth3"',
        }
    )
    assert (event.check, event.component, event.resource) == ("link", "eth3", "192.0.2.5")


def test_a_relay_passes_on_the_address_of_the_device() -> None:
    assert one(plain(f"{GENERIC}.3", varbinds={"1.3.6.1.6.3.18.1.3.0": "198.51.100.4"})).resource == "198.51.100.4"


def test_the_longest_known_beginning_decides() -> None:
    options = {"oid.1.3.6.1.4.1.9999": "vendor problem minor", "oid.1.3.6.1.4.1.9999.2": "door resolution"}
    assert one(plain("1.3.6.1.4.1.9999.1.7"), options).check == "vendor"
    assert one(plain("1.3.6.1.4.1.9999.2.7"), options).check == "door"
    assert one(plain("1.3.6.1.4.1.99991"), options).kind is EventKind.INFORMATION


def test_an_option_can_name_component_and_severity_and_replace_the_map() -> None:
    options = {f"oid.{GENERIC}.3": "port problem critical part=1.3.6.1.2.1.2.2.1.1 ends", "ends_after": "1m"}
    event = one(plain(f"{GENERIC}.3", varbinds=[{"oid": "1.3.6.1.2.1.2.2.1.1.9", "value": 9}]), options)
    assert (event.check, event.component, event.severity) == ("port", "9", Severity.CRITICAL)
    assert event.ends_at == START + 60_000


def test_an_unknown_trap_is_kept_as_information_under_its_own_name() -> None:
    event = one(plain("1.3.6.1.4.1.424242.7", varbinds={"1.3.6.1.4.1.424242.1.0": "hot"}))
    assert (event.kind, event.check) == (EventKind.INFORMATION, "1.3.6.1.4.1.424242.7")
    assert event.labels["1.3.6.1.4.1.424242.1.0"] == "hot"


def test_an_ospf_neighbour_comes_back_by_the_same_trap() -> None:
    oid, address = "1.3.6.1.2.1.14.16.2.2", {"1.3.6.1.2.1.14.10.1.1.192.0.2.1.0": "192.0.2.1"}
    down = one(plain(oid, varbinds={**address, "1.3.6.1.2.1.14.10.1.6.192.0.2.1.0": 1}))
    full = one(plain(oid, varbinds={**address, "1.3.6.1.2.1.14.10.1.6.192.0.2.1.0": 8}))
    assert (down.kind, full.kind) == (EventKind.PROBLEM, EventKind.RESOLUTION)
    assert down.fingerprint == full.fingerprint


def test_a_batch_of_telegraf_keeps_its_good_half() -> None:
    batch = {"metrics": [telegraf("linkUp", f".{GENERIC}.4"), {"name": "snmp_trap", "tags": {}, "fields": {}}, 3]}
    decoded = Snmptrap().decode(raw("snmptrap", batch))
    assert len(decoded.events) == 1
    assert [refused.error.reason for refused in decoded.refused] == ["missing-field", "bad-value"]


def test_every_problem_of_the_map_ends_by_itself_or_has_its_resolution() -> None:
    resolved = {rule.check for rule in TRAPS.values() if rule.kind is EventKind.RESOLUTION} | {"ospf-neighbor"}
    for rule in TRAPS.values():
        if rule.kind is EventKind.PROBLEM:
            assert rule.ends or rule.check in resolved, rule


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("one\ntwo", "missing-field"),
        ({"host": "a"}, "missing-field"),
        ({"oid": "1.3.6"}, "missing-field"),
        (plain("1.3.6", time="noon"), "bad-time"),
        (plain("1.3.6", varbinds=3), "bad-value"),
        ({"name": "snmp_trap", "tags": 5}, "bad-value"),
        ({"message": "{"}, "bad-value"),
    ],
)
def test_what_is_wrong_is_named(payload: object, reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        one(payload)
    assert refused.value.reason == reason


@pytest.mark.parametrize("text", ["", "x", "x trouble", "x problem purple", "x problem info"])
def test_a_wrong_rule_stops_the_start(text: str) -> None:
    with pytest.raises(ConfigError, match=r"source snmptrap: option oid\.1\.2"):
        Snmptrap(options={"oid.1.2": text})
