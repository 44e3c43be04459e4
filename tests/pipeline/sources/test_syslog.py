"""Syslog of both standards, and the messages that are known by heart."""

import pytest

from pipeline.sources.syslog import Syslog
from schemas.base import BadRecord
from schemas.event import Event, EventKind
from schemas.severity import Severity
from tests.pipeline.sources.samples import LINK_DOWN, LINK_UP, MODERN, NOW, START, raw

NEW_YEAR = 1_704_067_260_000  # 2024-01-01T00:01:00Z

PAIRS = [
    (LINK_DOWN, LINK_UP, "link", "GigabitEthernet0/1"),
    (
        "<189>71: sw-01: 000071: *May  1 10:00:00.123 UTC: %LINEPROTO-5-UPDOWN: Line protocol on Interface Vlan10, "
        "changed state to down",
        "<189>72: sw-01: 000072: *May  1 10:00:09.123 UTC: %LINEPROTO-5-UPDOWN: Line protocol on Interface Vlan10, "
        "changed state to up",
        "line-protocol",
        "Vlan10",
    ),
    (
        "<189>May  1 10:00:00 r1 9: %BGP-5-ADJCHANGE: neighbor 192.0.2.1 Down BGP Notification sent",
        "<189>May  1 10:00:00 r1 9: %BGP-5-ADJCHANGE: neighbor 192.0.2.1 Up",
        "bgp-neighbor",
        "192.0.2.1",
    ),
    (
        "<189>May  1 10:00:00 r1 9: %OSPF-5-ADJCHG: Process 1, Nbr 192.0.2.2 on Gi0/1 from FULL to DOWN, Neighbor Down",
        "<189>May  1 10:00:00 r1 9: %OSPF-5-ADJCHG: Process 1, Nbr 192.0.2.2 on Gi0/1 from LOADING to FULL, Done",
        "ospf-neighbor",
        "192.0.2.2",
    ),
    (
        "<28>May  1 10:00:00 r2 rpd[14]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer 192.0.2.3 (External AS 65) changed "
        "state from Established to Idle (event HoldTime)",
        "<28>May  1 10:00:00 r2 rpd[14]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer 192.0.2.3 (External AS 65) changed "
        "state from OpenConfirm to Established (event RecvKeepAlive)",
        "bgp-neighbor",
        "192.0.2.3",
    ),
    (
        "<28>1 2024-05-01T10:00:00Z r2 mib2d 44 SNMP_TRAP_LINK_DOWN - ifIndex 526, ifAdminStatus up(1), "
        "ifOperStatus down(2), ifName ge-0/0/1",
        "<28>1 2024-05-01T10:00:05Z r2 mib2d 44 SNMP_TRAP_LINK_UP - ifIndex 526, ifAdminStatus up(1), "
        "ifOperStatus up(1), ifName ge-0/0/1",
        "link",
        "ge-0/0/1",
    ),
    (
        "<4>May  1 10:00:00 db-01 kernel: [12.3] igb 0000:01:00.0 eth0: igb: eth0 NIC Link is Down",
        "<6>May  1 10:00:00 db-01 kernel: [15.3] igb 0000:01:00.0 eth0: igb: eth0 NIC Link is Up 1000 Mbps Full Duplex",
        "link",
        "eth0",
    ),
    (
        "<27>1 2024-05-01T10:00:00.5Z web-01 systemd 1 - - nginx.service: Failed with result 'exit-code'.",
        "<30>1 2024-05-01T10:00:09.5Z web-01 systemd 1 - - Started nginx.service - A web server.",
        "service",
        "nginx.service",
    ),
    (
        "<185>May  1 10:00:00 sw 1: %PLATFORM_ENV-1-PWR: Power supply 2 is faulty",
        "<185>May  1 10:00:00 sw 1: %PLATFORM_ENV-1-PWR: Power supply 2 is ok",
        "power-supply",
        "2",
    ),
    (
        "<24>May  1 10:00:00 ups upsmon[7]: UPS ups1@localhost on battery",
        "<24>May  1 10:00:00 ups upsmon[7]: UPS ups1@localhost on line power",
        "ups-power",
        "ups1@localhost",
    ),
    (
        "<27>May  1 10:00:00 st multipathd[9]: sdc: mark as failed",
        "<29>May  1 10:00:00 st multipathd[9]: sdc: reinstated",
        "storage-path",
        "sdc",
    ),
    (
        "<30>May  1 10:00:00 rr bgpd[3]: %ADJCHANGE: neighbor 192.0.2.9(r9) in vrf default Down BGP Notification",
        "<30>May  1 10:00:00 rr bgpd[3]: %ADJCHANGE: neighbor 192.0.2.9(r9) in vrf default Up",
        "bgp-neighbor",
        "192.0.2.9",
    ),
    (
        "<129>May  1 10:00:00 lb haproxy[5]: Server app/app1 is DOWN, reason: Layer4 timeout, 1 active left",
        "<133>May  1 10:00:00 lb haproxy[5]: Server app/app1 is UP, reason: Layer4 check passed, 2 active online",
        "backend",
        "app/app1",
    ),
    (
        "<24>May  1 10:00:00 fs mdadm[5]: Fail event detected on md device /dev/md0, component device /dev/sdb1",
        "<24>May  1 10:00:00 fs mdadm[5]: SpareActive event detected on md device /dev/md0, component device /dev/sdb1",
        "raid",
        "/dev/md0",
    ),
]


def one(payload: str | bytes, *, received: int = NOW, origin: str = "", **options: str) -> Event:
    (event,) = Syslog(options=options).decode(raw("syslog", payload, received=received, origin=origin)).events
    return event


@pytest.mark.parametrize(("down", "up", "check", "component"), PAIRS, ids=[pair[0][:60] for pair in PAIRS])
def test_a_known_message_and_its_end_find_each_other(down: str, up: str, check: str, component: str) -> None:
    problem, resolution = one(down), one(up)
    assert (problem.kind, resolution.kind) == (EventKind.PROBLEM, EventKind.RESOLUTION)
    assert (problem.check, problem.component) == (check, component)
    assert problem.fingerprint == resolution.fingerprint
    assert problem.ends_at is None
    assert problem.severity is not Severity.INFO


def test_a_known_message_that_nobody_takes_back_ends_by_itself() -> None:
    event = one("<3>May  1 10:00:00 db-01 kernel: blk_update_request: I/O error, dev sdb, sector 1234")
    assert (event.check, event.component, event.ends_at) == ("disk-error", "sdb", START + 600_000)


def test_rfc5424_is_read_with_its_structured_data() -> None:
    event = one(MODERN)
    assert event.time == START + 3
    assert (event.resource, event.check, event.kind) == ("app-01.example.net", "billing", EventKind.INFORMATION)
    assert event.labels["order@32473.shop"] == 'one "best"'
    assert event.labels["facility"] == "local4"
    assert event.summary == "An order was taken"


@pytest.mark.parametrize(
    ("number", "kind", "severity"),
    [
        (0, EventKind.PROBLEM, Severity.CRITICAL),
        (1, EventKind.PROBLEM, Severity.CRITICAL),
        (2, EventKind.PROBLEM, Severity.CRITICAL),
        (3, EventKind.PROBLEM, Severity.MAJOR),
        (4, EventKind.INFORMATION, Severity.WARNING),
        (5, EventKind.INFORMATION, Severity.INFO),
        (7, EventKind.INFORMATION, Severity.INFO),
    ],
)
def test_an_unknown_message_is_judged_by_its_severity(number: int, kind: EventKind, severity: Severity) -> None:
    event = one(f"<{8 + number}>May  1 10:00:00 h app[1]: something", ends_after="1m")
    assert (event.kind, event.severity) == (kind, severity)
    assert event.ends_at == (START + 60_000 if kind is EventKind.PROBLEM else None)
    assert event.check == "app"


def test_a_time_without_a_year_is_the_nearest_one() -> None:
    assert one("<13>Dec 31 23:59:30 h a: b", received=NEW_YEAR).time == NEW_YEAR - 90_000
    assert one("<13>Jan  1 00:01:00 h a: b", received=NEW_YEAR).time == NEW_YEAR
    assert one("<13>Jan  1 00:01:00 h a: b", received=NEW_YEAR - 90_000).time == NEW_YEAR
    leap = one("<13>Feb 29 12:00:00 h a: b", received=1_740_000_000_000)  # 2025-02-19
    assert leap.time == 1_709_208_000_000  # 2024-02-29T12:00:00Z


def test_a_time_without_a_zone_is_in_that_of_the_option() -> None:
    assert one(LINK_DOWN, timezone="Europe/Berlin").time == START - 7_200_000
    assert one(MODERN, timezone="Europe/Berlin").time == START + 3


def test_a_relay_may_write_iso_times_into_the_old_form() -> None:
    assert one("<30>2024-05-01T12:00:00.5+02:00 h app: x").time == START + 500


def test_a_message_without_time_and_host_gets_them_from_the_transport() -> None:
    event = one("<11>it broke", origin="192.0.2.1")
    assert (event.time, event.resource, event.check, event.summary) == (NOW, "192.0.2.1", "syslog", "it broke")


@pytest.mark.parametrize(
    ("text", "host", "check", "summary"),
    [
        ("su[12]: 'su root' failed", "192.0.2.1", "su", "'su root' failed"),
        ("%SYS-3-CPUHOG: Task ran long", "192.0.2.1", "SYS-CPUHOG", "%SYS-3-CPUHOG: Task ran long"),
        ("sw-01: %SYS-3-CPUHOG: Task ran long", "sw-01", "SYS-CPUHOG", "%SYS-3-CPUHOG: Task ran long"),
        ("sw-01 app: x", "sw-01", "app", "x"),
    ],
)
def test_a_message_may_have_a_time_and_no_host(text: str, host: str, check: str, summary: str) -> None:
    event = one(f"<11>May  1 10:00:00 {text}", origin="192.0.2.1")
    assert (event.resource, event.check, event.summary, event.time) == (host, check, summary, START)


def test_the_same_line_twice_is_one_event_and_a_second_later_another() -> None:
    assert one(LINK_DOWN).id == one(LINK_DOWN + "\n", received=NOW + 5).id
    assert one(LINK_DOWN).id != one(LINK_DOWN.replace("10:00:00", "10:00:01")).id
    assert one("<11>x", origin="a").id != one("<11>x", origin="b").id


def test_old_devices_may_write_latin_1() -> None:
    assert one(b"<11>May  1 10:00:00 h app: Stra\xdfe gesperrt").summary == "Straße gesperrt"


def test_an_administrator_who_shuts_a_port_makes_no_problem() -> None:
    text = "<189>May  1 10:00:00 sw 1: %LINK-5-CHANGED: Interface Gi0/2, changed state to administratively down"
    assert one(text).kind is EventKind.INFORMATION


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "empty"),
        ("\n\0", "empty"),
        ("hello", "missing-field"),
        ("<192>x", "bad-value"),
        ("<07>x", "missing-field"),
        ("<13>x", "missing-field"),
        ("<13>Feb 30 10:00:00 h a: b", "bad-time"),
        ("<13>1 2024-05-01T10:00:00Z h a", "missing-field"),
        ("<13>1 noon h a - - - x", "bad-time"),
        ("<13>1 2024-05-01T10:00:00 h a - - - x", "bad-time"),
        ('<13>1 - h a - - [x y="1" z', "bad-value"),
        ("<13>1 - h a - - x", "bad-value"),
    ],
)
def test_what_is_wrong_is_named(payload: str, reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        one(payload)
    assert refused.value.reason == reason
