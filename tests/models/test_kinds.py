"""The kind of fault is read from the names that monitors give their checks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.kinds import HINTS, PRIOR, WORDS, classify

NAGIOS = {
    "PING": "availability",
    "check-host-alive": "availability",
    "Current Load": "performance",
    "check_load": "performance",
    "Swap Usage": "capacity",
    "check_disk": "capacity",
    "Root Partition": "capacity",
    "Total Processes": "capacity",
    "check_mailq": "capacity",
    "Mail Queue": "capacity",
    "SSH": "availability",
    "check_http": "availability",
    "check_ssl_cert": "certificate",
    "check_ntp_time": "configuration",
    "check_ups": "power",
    "check_ide_smart": "hardware",
    "Port 1 Link Status": "network",
}
PROMETHEUS = {
    "TargetDown": "availability",
    "Watchdog": "other",
    "InstanceDown": "availability",
    "NodeFilesystemAlmostOutOfSpace": "capacity",
    "NodeFilesystemFilesFillingUp": "capacity",
    "NodeHighNumberConntrackEntriesUsed": "capacity",
    "NodeMemoryHighUtilization": "capacity",
    "NodeCPUHighUsage": "performance",
    "NodeSystemSaturation": "performance",
    "NodeDiskIOSaturation": "performance",
    "NodeNetworkReceiveErrs": "network",
    "NodeClockSkewDetected": "configuration",
    "NodeRAIDDiskFailure": "hardware",
    "NodeRAIDDegraded": "hardware",
    "KubePodCrashLooping": "availability",
    "KubeNodeNotReady": "availability",
    "KubeDeploymentReplicasMismatch": "availability",
    "KubeDeploymentRolloutStuck": "configuration",
    "KubePersistentVolumeFillingUp": "capacity",
    "KubeAPIErrorBudgetBurn": "errors",
    "KubeJobFailed": "errors",
    "KubeClientCertificateExpiration": "certificate",
    "KubeCPUOvercommit": "capacity",
    "CPUThrottlingHigh": "performance",
    "PrometheusBadConfig": "configuration",
    "PrometheusNotificationQueueRunningFull": "capacity",
    "MySQLReplicationLag": "performance",
    "etcdHighFsyncDurations": "performance",
    "etcdNoLeader": "availability",
}
ZABBIX = {
    "Unavailable by ICMP ping": "availability",
    "High ICMP ping loss": "network",
    "High ICMP ping response time": "performance",
    "Zabbix agent is not available": "availability",
    "High CPU utilization": "performance",
    "Load average is too high": "performance",
    "High swap space usage": "capacity",
    "/var: Disk space is critically low": "capacity",
    "/: Running out of free inodes": "capacity",
    "Interface eth0: Link down": "network",
    "Interface eth0: High error rate": "network",
    "Ethernet has changed to lower speed than it was before": "network",
    "Power supply is in critical state": "power",
    "Fan is in critical state": "cooling",
    "Temperature is above critical threshold": "cooling",
    "Physical disk failed": "hardware",
    "Disk array controller is in critical state": "hardware",
    "Disk read/write request responses are too high": "performance",
    "System time is out of sync": "configuration",
    "/etc/passwd has been changed": "security",
    "Operating system description has changed": "configuration",
    "Host has been restarted": "availability",
    "MySQL: Service is down": "availability",
}
TRAPS = {
    "coldStart": "availability",
    "SNMPv2-MIB::warmStart": "availability",
    "linkDown": "network",
    "IF-MIB::ifOperStatus": "network",
    "authenticationFailure": "security",
    "egpNeighborLoss": "network",
    "bgpBackwardTransition": "network",
    "ospfNbrStateChange": "network",
    "BRIDGE-MIB::topologyChange": "network",
    "upsTrapOnBattery": "power",
    "ciscoEnvMonTemperatureNotification": "cooling",
    "ciscoEnvMonFanNotification": "cooling",
    "ciscoEnvMonRedundantSupplyNotification": "power",
    "entConfigChange": "configuration",
    "cefcFanTrayStatusChange": "cooling",
}
OTHERS = {
    "http_5xx": "errors",
    "HTTP 5xx rate": "errors",
    "http5xx": "errors",
    "error rate": "errors",
    "response time": "performance",
    "disk latency": "performance",
    "replication_lag": "performance",
    "queue-backlog": "capacity",
    "session table": "capacity",
    "concurrent connections": "capacity",
    "memory errors": "hardware",
    "memory leak": "capacity",
    "water leak": "cooling",
    "raid battery": "hardware",
    "cert expiry": "certificate",
    "login failed": "security",
    "failed logins": "security",
    "logins per minute": "business",
    "port scan": "security",
    "intrusion": "security",
    "orders per minute": "business",
    "OrdersPerMinuteLow": "business",
    "orders error rate": "errors",
    "PaymentServiceDown": "availability",
    "dns": "availability",
}
NAMES = NAGIOS | PROMETHEUS | ZABBIX | TRAPS | OTHERS


@pytest.mark.parametrize(("check", "kind"), NAMES.items(), ids=str)
def test_the_name_of_a_check_says_what_kind_of_fault_it_means(check: str, kind: str) -> None:
    assert classify(check) == kind


@pytest.mark.parametrize(
    ("check", "summary", "kind"),
    [
        ("kernel", "Out of memory: killed process 4711", "capacity"),
        ("event", "PSU 2 has failed", "power"),
        ("Watchdog", "", "other"),
        ("Watchdog", "nothing that is known", "other"),
    ],
)
def test_where_the_name_says_little_the_summary_is_asked(check: str, summary: str, kind: str) -> None:
    assert classify(check, summary) == kind


@pytest.mark.parametrize("check", ["PING", "Temperature", "http_5xx"])
def test_a_name_that_says_enough_is_not_overruled_by_the_summary(check: str) -> None:
    assert classify(check, "power supply failed, certificate expired") == classify(check)


def test_a_hint_in_the_name_is_better_than_none() -> None:
    assert classify("SSH", "CRITICAL - 10.0.0.7") == "availability"


def test_every_kind_has_its_odds_and_causes_stand_before_symptoms() -> None:
    assert {kind for kind, _ in (*WORDS, *HINTS)} | {"other"} == set(PRIOR)
    assert PRIOR["power"] == max(PRIOR.values()) == 1.0
    assert PRIOR["business"] == min(PRIOR.values()) == 0.05
    for cause in ("power", "cooling", "hardware", "network"):
        for symptom in ("availability", "performance", "errors", "business"):
            assert PRIOR[cause] > PRIOR[symptom], f"{cause} before {symptom}"


def test_no_word_stands_in_two_rows_and_each_can_be_found() -> None:
    words = [word for _, row in (*WORDS, *HINTS) for word in row.split(", ")]
    assert sorted({word for word in words if words.count(word) > 1}) == []
    kinds = [(word, kind) for kind, row in (*WORDS, *HINTS) for word in row.split(", ")]
    assert [word for word, kind in kinds if classify(word) != kind] == []


@given(st.text(), st.text())
def test_any_text_has_a_kind(check: str, summary: str) -> None:
    assert classify(check, summary) in PRIOR


@given(st.sampled_from(sorted(NAMES)))
def test_case_of_the_letters_in_words_apart_does_not_matter(check: str) -> None:
    apart = check.split()
    if all(word.islower() or word.istitle() for word in apart):
        assert classify(check.lower()) == classify(check)
