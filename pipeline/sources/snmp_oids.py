"""What SNMP traps mean, as data: object identifier to check, direction and severity. Longest prefix wins.

Options of the source override and extend it, see `rule_of`.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.base import ConfigError
from schemas.event import EventKind
from schemas.severity import Severity

_P, _R, _I = EventKind.PROBLEM, EventKind.RESOLUTION, EventKind.INFORMATION
_C, _M, _N, _W = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR, Severity.WARNING

IF_NAME = "1.3.6.1.2.1.31.1.1.1.1"
IF_DESCR = "1.3.6.1.2.1.2.2.1.2"
IF_INDEX = "1.3.6.1.2.1.2.2.1.1"
IF_ADMIN_STATUS = "1.3.6.1.2.1.2.2.1.7"
_INTERFACE = (IF_NAME, IF_DESCR, IF_INDEX)


class TrapRule(NamedTuple):
    """The meaning of one trap."""

    check: str
    kind: EventKind
    severity: Severity = Severity.INFO
    part: tuple[str, ...] = ()
    """Columns of variables that name the component, best first."""
    ends: bool = False
    """No other trap says when it is over: it ends by itself."""
    name: str = ""


_TRAPS = "1.3.6.1.6.3.1.1.5"
_BGP = "1.3.6.1.2.1.15"
_BGP_PEER = (f"{_BGP}.3.1.7", f"{_BGP}.3.1.14", f"{_BGP}.3.1.2")
_OSPF = "1.3.6.1.2.1.14.16.2"
_OSPF_PEER = ("1.3.6.1.2.1.14.10.1.1", "1.3.6.1.2.1.14.10.1.3")
_UPS = "1.3.6.1.2.1.33.2"
_APC = "1.3.6.1.4.1.318.0"
_CISCO_ENV = "1.3.6.1.4.1.9.9.13.3.0"
_JUNIPER = "1.3.6.1.4.1.2636.4"
_F5 = "1.3.6.1.4.1.3375.2.4.0"
_F5_PART = ("1.3.6.1.4.1.3375.2.4.1.2", "1.3.6.1.4.1.3375.2.4.1.1")
_JUNIPER_PART = ("1.3.6.1.4.1.2636.3.1.15.1.5", "1.3.6.1.4.1.2636.3.1.13.1.5")

TRAPS: dict[str, TrapRule] = {
    f"{_TRAPS}.1": TrapRule("restart", _P, _W, ends=True, name="coldStart"),
    f"{_TRAPS}.2": TrapRule("restart", _I, name="warmStart"),
    f"{_TRAPS}.3": TrapRule("link", _P, _M, _INTERFACE, name="linkDown"),
    f"{_TRAPS}.4": TrapRule("link", _R, part=_INTERFACE, name="linkUp"),
    f"{_TRAPS}.5": TrapRule("authentication", _P, _W, ends=True, name="authenticationFailure"),
    f"{_TRAPS}.6": TrapRule("egp-neighbor", _P, _M, ("1.3.6.1.2.1.8.5.1.2",), ends=True, name="egpNeighborLoss"),
    f"{_BGP}.0.1": TrapRule("bgp-neighbor", _R, part=_BGP_PEER, name="bgpEstablishedNotification"),
    f"{_BGP}.0.2": TrapRule("bgp-neighbor", _P, _M, _BGP_PEER, name="bgpBackwardTransNotification"),
    f"{_BGP}.7.1": TrapRule("bgp-neighbor", _R, part=_BGP_PEER, name="bgpEstablished"),
    f"{_BGP}.7.2": TrapRule("bgp-neighbor", _P, _M, _BGP_PEER, name="bgpBackwardTransition"),
    f"{_OSPF}.2": TrapRule("ospf-neighbor", _P, _M, _OSPF_PEER, name="ospfNbrStateChange"),
    "1.3.6.1.2.1.17.0.1": TrapRule("spanning-tree", _P, _W, ends=True, name="newRoot"),
    "1.3.6.1.2.1.17.0.2": TrapRule("spanning-tree", _I, name="topologyChange"),
    "1.3.6.1.2.1.16.0.1": TrapRule("threshold", _P, _N, ("1.3.6.1.2.1.16.3.1.1.3",), name="risingAlarm"),
    "1.3.6.1.2.1.16.0.2": TrapRule("threshold", _R, part=("1.3.6.1.2.1.16.3.1.1.3",), name="fallingAlarm"),
    "1.3.6.1.2.1.68.0.1": TrapRule("vrrp", _P, _W, ends=True, name="vrrpTrapNewMaster"),
    f"{_UPS}.1": TrapRule("ups-on-battery", _P, _C, ends=True, name="upsTrapOnBattery"),
    f"{_UPS}.2": TrapRule("ups-test", _I, name="upsTrapTestCompleted"),
    f"{_UPS}.3": TrapRule("ups-alarm", _P, _M, ("1.3.6.1.2.1.33.1.6.2.1.2",), name="upsTrapAlarmEntryAdded"),
    f"{_UPS}.4": TrapRule("ups-alarm", _R, part=("1.3.6.1.2.1.33.1.6.2.1.2",), name="upsTrapAlarmEntryRemoved"),
    f"{_APC}.1": TrapRule("ups-communication", _P, _M, name="communicationLost"),
    f"{_APC}.8": TrapRule("ups-communication", _R, name="communicationEstablished"),
    f"{_APC}.2": TrapRule("ups-overload", _P, _M, ends=True, name="upsOverload"),
    f"{_APC}.5": TrapRule("ups-on-battery", _P, _C, name="upsOnBattery"),
    f"{_APC}.9": TrapRule("ups-on-battery", _R, name="powerRestored"),
    f"{_APC}.7": TrapRule("ups-low-battery", _P, _C, name="lowBattery"),
    f"{_APC}.11": TrapRule("ups-low-battery", _R, name="returnFromLowBattery"),
    f"{_CISCO_ENV}.1": TrapRule("environment", _P, _C, ends=True, name="ciscoEnvMonShutdownNotification"),
    f"{_CISCO_ENV}.2": TrapRule(
        "voltage", _P, _M, ("1.3.6.1.4.1.9.9.13.1.2.1.2",), True, "ciscoEnvMonVoltageNotification"
    ),
    f"{_CISCO_ENV}.3": TrapRule(
        "temperature", _P, _M, ("1.3.6.1.4.1.9.9.13.1.3.1.2",), True, "ciscoEnvMonTemperatureNotification"
    ),
    f"{_CISCO_ENV}.4": TrapRule("fan", _P, _M, ("1.3.6.1.4.1.9.9.13.1.4.1.2",), True, "ciscoEnvMonFanNotification"),
    f"{_CISCO_ENV}.5": TrapRule(
        "power-supply", _P, _M, ("1.3.6.1.4.1.9.9.13.1.5.1.2",), True, "ciscoEnvMonRedundantSupplyNotification"
    ),
    f"{_JUNIPER}.1.1": TrapRule("power-supply", _P, _M, _JUNIPER_PART, name="jnxPowerSupplyFailure"),
    f"{_JUNIPER}.2.1": TrapRule("power-supply", _R, part=_JUNIPER_PART, name="jnxPowerSupplyOK"),
    f"{_JUNIPER}.1.2": TrapRule("fan", _P, _M, _JUNIPER_PART, name="jnxFanFailure"),
    f"{_JUNIPER}.2.2": TrapRule("fan", _R, part=_JUNIPER_PART, name="jnxFanOK"),
    f"{_JUNIPER}.1.3": TrapRule("temperature", _P, _M, _JUNIPER_PART, name="jnxOverTemperature"),
    f"{_JUNIPER}.2.3": TrapRule("temperature", _R, part=_JUNIPER_PART, name="jnxTemperatureOK"),
    f"{_F5}.10": TrapRule("pool-member", _P, _M, _F5_PART, name="bigipServiceDown"),
    f"{_F5}.11": TrapRule("pool-member", _R, part=_F5_PART, name="bigipServiceUp"),
    f"{_F5}.12": TrapRule("node", _P, _M, _F5_PART, name="bigipNodeDown"),
    f"{_F5}.13": TrapRule("node", _R, part=_F5_PART, name="bigipNodeUp"),
    "1.3.6.1.4.1.8072.4.0.2": TrapRule("agent", _P, _W, ends=True, name="nsNotifyShutdown"),
    "1.3.6.1.4.1.8072.4.0.3": TrapRule("agent", _R, name="nsNotifyRestart"),
}
"""Object identifier of a trap to its meaning."""

OIDS: dict[str, str] = {rule.name: oid for oid, rule in TRAPS.items() if rule.name}
"""Name of a trap, without its module, to its object identifier."""

COLUMNS: dict[str, str] = {
    "ifName": IF_NAME,
    "ifDescr": IF_DESCR,
    "ifIndex": IF_INDEX,
    "ifAdminStatus": IF_ADMIN_STATUS,
    "bgpPeerRemoteAddr": f"{_BGP}.3.1.7",
    "bgpPeerLastError": f"{_BGP}.3.1.14",
    "bgpPeerState": f"{_BGP}.3.1.2",
    "ospfNbrIpAddr": "1.3.6.1.2.1.14.10.1.1",
    "ospfNbrRtrId": "1.3.6.1.2.1.14.10.1.3",
    "ospfNbrState": "1.3.6.1.2.1.14.10.1.6",
    "alarmVariable": "1.3.6.1.2.1.16.3.1.1.3",
    "upsAlarmDescr": "1.3.6.1.2.1.33.1.6.2.1.2",
    "sysUpTime": "1.3.6.1.2.1.1.3",
    "sysUpTimeInstance": "1.3.6.1.2.1.1.3",
    "snmpTrapOID": "1.3.6.1.6.3.1.1.4.1",
    "snmpTrapAddress": "1.3.6.1.6.3.18.1.3",
}
"""Name of a variable, without its module, to its object identifier, for receivers that translate them."""

NAMES: dict[str, str] = {oid: name for name, oid in COLUMNS.items()}
"""Object identifier of a variable to its name, for labels that a person reads."""


def rule_of(oid: str, text: str) -> TrapRule:
    """A rule from an option: "check kind [severity] [part=OID,OID] [ends]"; raises ConfigError."""
    words = text.split()
    if len(words) < 2 or words[1] not in {_P, _R, _I}:
        raise ConfigError(
            f"source snmptrap: option oid.{oid}: expected 'check kind [severity] [part=OID,OID] [ends]' with kind one "
            f"of problem, resolution, information; got {text!r}"
        )
    kind = EventKind(words[1])
    severity = _M if kind is _P else Severity.INFO
    part: tuple[str, ...] = ()
    ends = False
    for word in words[2:]:
        if word == "ends":
            ends = True
        elif word.startswith("part="):
            part = tuple(column.strip(".") for column in word[5:].split(","))
        elif word in list(Severity):
            severity = Severity(word)
        else:
            allowed = ", ".join(Severity)
            raise ConfigError(
                f"source snmptrap: option oid.{oid}: {word!r} is not allowed; allowed: {allowed}, part=OID, ends"
            )
    if kind is _P and severity is Severity.INFO:
        raise ConfigError(f"source snmptrap: option oid.{oid}: a problem cannot be info; use kind information")
    return TrapRule(words[0], kind, severity, part, ends)
