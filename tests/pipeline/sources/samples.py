"""Payloads as each monitor sends them, for every test that needs some."""

import json

import cramjam
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from pipeline.sources.prometheus import WriteRequest
from schemas.event import RawRecord

NOW = 1_714_557_900_000  # 2024-05-01T10:05:00Z
START = 1_714_557_600_000  # 2024-05-01T10:00:00Z


def raw(source: str, payload: object, *, received: int = NOW, origin: str = "") -> RawRecord:
    """A payload as the host hands it over: bytes as they are, text encoded, anything else as JSON."""
    if isinstance(payload, str):
        payload = payload.encode()
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return RawRecord(source=source, received=received, payload=content, origin=origin)


def alert(**changes: object) -> dict[str, object]:
    """One alert as Alertmanager tells it."""
    return {
        "status": "firing",
        "labels": {"alertname": "InstanceDown", "instance": "db-01:9100", "job": "node", "severity": "critical"},
        "annotations": {"summary": "db-01 does not answer", "description": "No answer for five minutes."},
        "startsAt": "2024-05-01T10:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=up",
        "fingerprint": "9d1d3a4b5c6e7f80",
        **changes,
    }


def webhook(*alerts: object, **changes: object) -> dict[str, object]:
    """A webhook of version 4 around alerts."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="InstanceDown"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "tocsin",
        "groupLabels": {"alertname": "InstanceDown"},
        "commonLabels": {"job": "node"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts),
        **changes,
    }


def posted(**changes: object) -> dict[str, object]:
    """One alert as Prometheus posts it to /api/v2/alerts."""
    given = alert()
    return {
        "labels": given["labels"],
        "annotations": given["annotations"],
        "startsAt": "2024-05-01T10:00:00.000Z",
        "endsAt": "2024-05-01T10:09:00.000Z",
        "generatorURL": given["generatorURL"],
        **changes,
    }


def zabbix(**changes: str) -> dict[str, str]:
    """A problem as the webhook of Zabbix sends it; a recovery's macros are not filled in."""
    return {
        "event_id": "8120",
        "event_value": "1",
        "event_source": "0",
        "event_update_status": "0",
        "event_name": "Free disk space is less than 10% on volume /var",
        "event_nseverity": "4",
        "event_date": "2024.05.01",
        "event_time": "10:00:00",
        "event_recovery_id": "{EVENT.RECOVERY.ID}",
        "event_recovery_date": "{EVENT.RECOVERY.DATE}",
        "event_recovery_time": "{EVENT.RECOVERY.TIME}",
        "event_update_date": "{EVENT.UPDATE.DATE}",
        "event_update_time": "{EVENT.UPDATE.TIME}",
        "event_update_action": "",
        "event_update_message": "",
        "event_opdata": "Free: 7.4 %",
        "event_tags": "filesystem:/var, scope:capacity",
        "trigger_id": "16001",
        "trigger_name": "Free disk space is low on volume /var",
        "host_name": "db-01",
        "host_ip": "192.0.2.11",
        **changes,
    }


ZABBIX_RECOVERY = zabbix(
    event_value="0", event_recovery_id="8177", event_recovery_date="2024.05.01", event_recovery_time="10:04:00"
)
ZABBIX_ACKNOWLEDGE = zabbix(
    event_update_status="1",
    event_update_action="acknowledged",
    event_update_message="on it",
    event_update_date="2024.05.01",
    event_update_time="10:02:00",
)


def nagios(**changes: str) -> dict[str, str]:
    """A service notification as JSON of its macros."""
    return {
        "NAGIOS_NOTIFICATIONTYPE": "PROBLEM",
        "NAGIOS_HOSTNAME": "web-01",
        "NAGIOS_HOSTADDRESS": "192.0.2.21",
        "NAGIOS_SERVICEDESC": "HTTP",
        "NAGIOS_SERVICESTATE": "CRITICAL",
        "NAGIOS_SERVICEOUTPUT": "HTTP CRITICAL: 503 Service Unavailable",
        "NAGIOS_TIMET": "1714557600",
        **changes,
    }


NAGIOS_HOST = {
    "NOTIFICATIONTYPE": "Problem",
    "HOSTNAME": "web-01",
    "HOSTSTATE": "DOWN",
    "HOSTOUTPUT": "PING CRITICAL - Packet loss = 100%",
    "TIMET": "1714557600",
}

LINK_DOWN = "<187>May  1 10:00:00 sw-01 45: %LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down"
LINK_UP = "<187>May  1 10:04:00 sw-01 46: %LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to up"
MODERN = (
    '<165>1 2024-05-01T10:00:00.003Z app-01.example.net billing 4711 ID47 [order@32473 shop="one \\"best\\"" n="3"] '
    "\ufeffAn order was taken"
)

TRAP_TEXT = """sw-01.example.net
UDP: [192.0.2.5]:52161->[192.0.2.9]:162
SNMPv2-MIB::sysUpTime.0 12:3:44:55.66
SNMPv2-MIB::snmpTrapOID.0 IF-MIB::linkDown
IF-MIB::ifIndex.3 3
IF-MIB::ifAdminStatus.3 up
IF-MIB::ifOperStatus.3 down
IF-MIB::ifDescr.3 "GigabitEthernet0/3"
"""


def telegraf(name: str, oid: str, **fields: object) -> dict[str, object]:
    """A trap as Telegraf writes it in JSON."""
    return {
        "fields": {"sysUpTimeInstance": 123456, **fields},
        "name": "snmp_trap",
        "tags": {
            "host": "collector",
            "mib": "IF-MIB",
            "name": name,
            "oid": oid,
            "source": "192.0.2.5",
            "version": "2c",
        },
        "timestamp": 1714557600,
    }


LOGSTASH = {
    "@timestamp": "2024-05-01T10:00:00.000Z",
    "host": {"ip": "192.0.2.7"},
    "message": json.dumps(
        {
            "agent_addr": "192.0.2.7",
            "generic_trap": 6,
            "specific_trap": 5,
            "enterprise": "1.3.6.1.4.1.318",
            "variable_bindings": {"1.3.6.1.4.1.318.2.3.3.0": "The UPS has switched to battery"},
            "type": "V1TRAP",
            "version": 1,
            "timestamp": 1500,
        }
    ),
}


def cloud_event(**changes: object) -> dict[str, object]:
    """A structured CloudEvent whose data are in our own words."""
    return {
        "specversion": "1.0",
        "id": "a89b-1",
        "source": "/clusters/one/scheduler",
        "type": "com.example.job.failed",
        "subject": "job-nightly",
        "time": "2024-05-01T10:00:00Z",
        "datacontenttype": "application/json",
        "data": {"severity": "high", "summary": "The nightly job failed", "labels": {"queue": "batch"}},
        **changes,
    }


def said(**changes: object) -> dict[str, object]:
    """What a person reports."""
    return {
        "who": "A. Weber",
        "what": "The intranet is very slow",
        "about": "intranet",
        "urgency": "high",
        "when": "2024-05-01T10:00:00+00:00",
        **changes,
    }


def native(**changes: object) -> dict[str, object]:
    """An event in our own words."""
    return {
        "id": "fire-7",
        "kind": "problem",
        "time": START,
        "resource": "room-2",
        "check": "smoke",
        "severity": "critical",
        "summary": "Smoke in room 2",
        **changes,
    }


LINES = r"""cpu,cpu=cpu-total,host=web-01 usage_idle=91.5,usage_user=4i 1714557600000000000
net,host=web-01,interface=eth0 bytes_recv=1234567u,state="up, \"now\"" 1714557600000000000
# a comment
http\ check,host=web-01,path=/a\ b\,c up=true,value=0.25
"""


def written(*series: tuple[dict[str, str], list[tuple[float, int]]], counters: tuple[str, ...] = ()) -> bytes:
    """A write request of Prometheus: labels, and values with their times, of each series."""
    request = WriteRequest()
    for labels, points in series:
        one = request.timeseries.add()
        for name, value in labels.items():
            one.labels.add(name=name, value=value)
        for number, time in points:
            one.samples.add(value=number, timestamp=time)
    for name in counters:
        request.metadata.add(type=1, metric_family_name=name)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


NODE = {"instance": "db-01:9100", "job": "node"}
WRITTEN = written(
    (
        {"__name__": "node_filesystem_avail_bytes", "mountpoint": "/var", **NODE},
        [(5e9, START), (4.9e9, START + 15_000)],
    ),
    ({"__name__": "http_requests_total", **NODE}, [(17.0, START)]),
    ({"__name__": "http_request_duration_seconds_bucket", "le": "0.1", **NODE}, [(3.0, START)]),
)


def attributes(**given: object) -> list[dict[str, object]]:
    """Attributes as OTLP has them, "__" in a name for a dot."""
    return [{"key": name.replace("__", "."), "value": {"stringValue": str(value)}} for name, value in given.items()]


def exported(*metrics: object, **resource: object) -> dict[str, object]:
    """An export request of OpenTelemetry around metrics."""
    about = {"attributes": attributes(**resource)} if resource else {}
    return {"resourceMetrics": [{"resource": about, "scopeMetrics": [{"scope": {}, "metrics": list(metrics)}]}]}


def point(**changes: object) -> dict[str, object]:
    """One point of a gauge."""
    return {"timeUnixNano": "1714557600000000000", "asDouble": 0.5, "attributes": attributes(state="used"), **changes}


GAUGE = {"name": "system.memory.utilization", "unit": "1", "gauge": {"dataPoints": [point()]}}
SUM = {
    "name": "http.server.requests",
    "sum": {
        "aggregationTemporality": 2,
        "isMonotonic": True,
        "dataPoints": [{"timeUnixNano": 1714557600000000000, "asInt": "17"}],
    },
}
HISTOGRAM = {
    "name": "http.server.request.duration",
    "unit": "s",
    "histogram": {
        "aggregationTemporality": 2,
        "dataPoints": [{"timeUnixNano": "1714557600000000000", "count": "7", "sum": 1.5, "bucketCounts": ["7"]}],
    },
}
SUMMARY = {
    "name": "gc.pause",
    "unit": "s",
    "summary": {"dataPoints": [{"count": "7", "sum": 1.5, "quantileValues": [{"quantile": 0.5, "value": 0.2}]}]},
}
EXPORTED = exported(GAUGE, SUM, HISTOGRAM, SUMMARY, service__name="shop", host__name="web-01")
PACKED = json_format.ParseDict(EXPORTED, ExportMetricsServiceRequest()).SerializeToString()

SAMPLES: dict[str, list[RawRecord]] = {
    "alertmanager": [
        raw("alertmanager", webhook(alert(), alert(status="resolved", endsAt="2024-05-01T10:04:00Z"))),
        raw("alertmanager", [posted(), posted(endsAt="2024-05-01T10:01:00Z")]),
    ],
    "cloudevents": [raw("cloudevents", cloud_event()), raw("cloudevents", [cloud_event(), cloud_event(id="a89b-2")])],
    "influx": [raw("influx", LINES), raw("influx", "mem,host=a used_percent=71.5")],
    "nagios": [
        raw("nagios", nagios(NAGIOS_SERVICEPERFDATA="time=0.5s;1;2;0 'used %'=71%")),
        raw("nagios", NAGIOS_HOST),
    ],
    "native": [raw("native", native()), raw("native", [native(), native(id="fire-8", kind="resolution")])],
    "otlp": [raw("otlp", EXPORTED), raw("otlp", PACKED)],
    "person": [raw("person", said()), raw("person", said(kind="request", what="A new mailbox", about="mail"))],
    "prometheus": [raw("prometheus", WRITTEN)],
    "snmptrap": [
        raw("snmptrap", TRAP_TEXT),
        raw("snmptrap", telegraf("linkUp", ".1.3.6.1.6.3.1.1.5.4", **{"ifIndex.3": 3})),
        raw("snmptrap", LOGSTASH),
    ],
    "syslog": [raw("syslog", LINK_DOWN), raw("syslog", LINK_UP), raw("syslog", MODERN)],
    "zabbix": [raw("zabbix", zabbix()), raw("zabbix", ZABBIX_RECOVERY), raw("zabbix", ZABBIX_ACKNOWLEDGE)],
}
"""Source to payloads that it must understand wholly."""
METRICS = frozenset({"influx", "otlp", "prometheus"})
"""Sources that give samples and no events."""
