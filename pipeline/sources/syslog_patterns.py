"""Well-known syslog messages, as data: which text is a problem, which its resolution, of which part, under which name.

A message is looked up by its key: the mnemonic of network devices (facility and name without the number between them,
or the name alone), or else the application. So a long table costs a message only the few patterns of its own key.
In a pattern the group `part` is the component; where the group `good` matched it is a resolution, otherwise a problem.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas.severity import Severity


class Pattern(NamedTuple):
    """One kind of message. Both directions give the same check and component, so that they find each other."""

    check: str
    severity: Severity
    pattern: re.Pattern[str]
    paired: bool
    """Whether a message says when it is over; if none does, the problem ends by itself."""


def _rule(check: str, severity: Severity, *pattern: str, paired: bool = False) -> Pattern:
    compiled = re.compile("".join(pattern), re.DOTALL)
    return Pattern(check, severity, compiled, paired or "good" in compiled.groupindex)


_C, _M, _N, _W = Severity.CRITICAL, Severity.MAJOR, Severity.MINOR, Severity.WARNING

_LINK = _rule("link", _M, r"Interface (?P<part>[^,\s]{1,64}),? .{0,80}?changed state to (?:(?P<good>up)|down)")
_PROTOCOL = _rule(
    "line-protocol",
    _M,
    r"[Pp]rotocol on Interface (?P<part>[^,\s]{1,64}).{0,40}?changed state to (?:(?P<good>up)|down)",
)
_NEXUS_LINK = _rule("link", _M, r"Interface (?P<part>\S{1,64}) is (?:(?P<good>up)|down)")
_BGP = _rule("bgp-neighbor", _M, r"neighbor (?P<part>[^\s,(]{1,64}).{0,60}?\b(?:(?P<good>Up)|Down)\b")
_OSPF = _rule(
    "ospf-neighbor",
    _M,
    r"(?:Nbr|neighbor) (?P<part>[^\s,]{1,64}).{0,80}?from \S+ to ",
    r"(?:(?P<good>FULL|LOADING)|DOWN|EXSTART|INIT|ATTEMPT|2WAY)\b",
)
_EIGRP = _rule("eigrp-neighbor", _M, r"Neighbor (?P<part>\S{1,64}) .{0,80}?is (?:(?P<good>up)|down)")
_ISIS = _rule("isis-adjacency", _M, r"Adjacency to (?P<part>\S{1,64}) .{0,80}?\b(?:(?P<good>Up)|Down)\b")
_HSRP = _rule("hsrp", _W, r"(?P<part>\S{1,64} Grp \d+) state \S+ -> (?:(?P<good>Active|Standby)|Init|Learn)")
_POWER = _rule(
    "power-supply",
    _M,
    r"(?i)(?:power ?supply|PS) ?(?P<part>[\w/.\-]{0,64}).{0,60}?",
    r"\b(?:(?P<good>ok|good|restored|on|normal|present)\b|fail|faulty|off\b|removed|not present|bad|lost|shut)",
)
_FAN = _rule(
    "fan",
    _M,
    r"(?i)fan(?:[ -]?tray)? ?(?P<part>[\w/.\-]{0,64}).{0,60}?",
    r"\b(?:(?P<good>ok|normal|recovered)\b|fail|stopped|removed|faulty|not rotating)",
)
_TEMPERATURE = _rule(
    "temperature",
    _M,
    r"(?i)\btemp(?:erature)?\b(?: sensor)? ?(?P<part>#?\d{0,4}).{0,80}?",
    r"\b(?:(?P<good>ok|normal|cleared)\b|high|exceed|critical|over|above|alarm|warning|major|minor)",
)
_JUNIPER_LINK = _rule("link", _M, r"ifOperStatus (?:(?P<good>up)|down).{0,80}?ifName (?P<part>\S{1,64})")
_JUNIPER_BGP = _rule(
    "bgp-neighbor",
    _M,
    r"BGP peer (?P<part>\S{1,64}) .{0,120}?changed state from \S+ to (?:(?P<good>Established)|\w+)",
)
_JUNIPER_OSPF = _rule(
    "ospf-neighbor",
    _M,
    r"OSPF neighbor (?P<part>\S{1,64}) .{0,120}?state changed from \S+ to (?:(?P<good>Full)|Down|Init|ExStart|2Way)",
)
_KERNEL_LINK = _rule(
    "link",
    _M,
    r"\b(?P<part>[A-Za-z][\w.\-]{0,63})(?:: (?:NIC )?| NIC )[Ll]ink (?:is )?",
    r"(?:(?P<good>[Uu]p|becomes ready)|[Dd]own|not ready)",
)
_BOND_LINK = _rule(
    "link",
    _M,
    r"link status (?:(?P<good>definitely up)|definitely down) for (?:interface|slave) (?P<part>[\w.\-]{1,64})",
)
_DISK = _rule("disk-error", _M, r"I/O error,? .{0,20}?dev (?P<part>\w{1,64})")
_FILESYSTEM = _rule(
    "filesystem-error",
    _C,
    r"(?:EXT4-fs(?: error)?|XFS|BTRFS) \(?(?:device )?(?P<part>[\w\-]{1,64})\)?.{0,80}?",
    r"(?:[Ee]rror|[Ss]hut|orrupt|read-only)",
)
_MEMORY = _rule("out-of-memory", _M, r"Out of memory: Kill(?:ed)? process \d+ \((?P<part>[^)]{0,64})\)")
_UNIT = _rule(
    "service",
    _M,
    r"(?:(?P<good>Started|Finished)|Failed to start) (?P<part>[\w@.\-]{1,128}\.(?:service|mount|socket|timer))\b",
)
_UNIT_FAILED = _rule(
    "service",
    _M,
    r"(?P<part>[\w@.\-]{1,128}\.(?:service|mount|socket|timer)): ",
    r"(?:Failed with result|Main process exited, code=(?:dumped|killed))",
    paired=True,
)
_RAID = _rule(
    "raid",
    _M,
    r"(?:(?P<good>RebuildFinished|SpareActive)|Fail|DegradedArray|FailSpare|DeviceDisappeared) event ",
    r"(?:detected )?on md device (?P<part>[^\s,]{1,64})",
)
_SMART = _rule(
    "disk-health", _M, r"Device: (?P<part>[^\s,\[]{1,64}).{0,60}?(?:FAILED|unreadable|uncorrectable|FAILURE)"
)
_MULTIPATH = _rule("storage-path", _M, r"(?P<part>\S{1,64}): (?:mark as failed|(?P<good>reinstated))")
_UPS = _rule("ups-power", _C, r"UPS (?P<part>\S{1,64}) (?:on (?:(?P<good>line power)|battery)|battery is low)")
_APC = _rule(
    "ups-power", _C, r"(?P<part>)(?:Power failure|Running on UPS batteries|(?P<good>Power is back|Mains returned))"
)
_BIRD = _rule(
    "bgp-neighbor",
    _M,
    r"(?P<part>\w{1,64}): (?:(?P<good>BGP session established|State changed to up)|State changed to ",
    r"(?:stop|down|flush))",
)
_FRR_BGP = _rule("bgp-neighbor", _M, r"ADJCHANGE: neighbor (?P<part>[^\s(]{1,64}).{0,80}?\b(?:(?P<good>Up)|Down)\b")
_FRR_OSPF = _rule(
    "ospf-neighbor", _M, r"Nbr (?P<part>[\d.]{1,64}).{0,80}?-> (?:(?P<good>Full)|Down|Deleted|Init|ExStart)"
)
_VRRP = _rule("vrrp", _W, r"\((?P<part>[^)]{1,64})\) [Ee]ntering (?:(?P<good>MASTER|BACKUP)|FAULT) STATE")
_HAPROXY = _rule("backend", _M, r"Server (?P<part>\S{1,128}) is (?:(?P<good>UP)|DOWN)")
_CHRONY = _rule("time-sync", _W, r"(?P<part>)(?:(?P<good>Selected source)|Can't synchronise)")

PATTERNS: dict[str, tuple[Pattern, ...]] = {
    "LINK-UPDOWN": (_LINK,),
    "PKT_INFRA-LINK-UPDOWN": (_LINK,),
    "PKT_INFRA-LINEPROTO-UPDOWN": (_PROTOCOL,),
    "ETHPORT-IF_DOWN_LINK_FAILURE": (_NEXUS_LINK,),
    "ETHPORT-IF_UP": (_NEXUS_LINK,),
    "LINEPROTO-UPDOWN": (_PROTOCOL,),
    "BGP-ADJCHANGE": (_BGP,),
    "ROUTING-BGP-ADJCHANGE": (_BGP,),
    "OSPF-ADJCHG": (_OSPF,),
    "OSPFV3-ADJCHG": (_OSPF,),
    "ROUTING-OSPF-ADJCHG": (_OSPF,),
    "DUAL-NBRCHANGE": (_EIGRP,),
    "CLNS-ADJCHANGE": (_ISIS,),
    "HSRP-STATECHANGE": (_HSRP,),
    "STANDBY-STATECHANGE": (_HSRP,),
    "PLATFORM_ENV-PWR": (_POWER,),
    "PLATFORM-PS_FAIL": (_POWER,),
    "PLATFORM-PS_OK": (_POWER,),
    "PLATFORM-FAN_FAIL": (_FAN,),
    "PLATFORM-FAN_OK": (_FAN,),
    "ENVMON-FAN_FAILED": (_FAN,),
    "ENVMON-FAN_OK": (_FAN,),
    "ENVMON-SUPPLY": (_POWER,),
    "ENVMON-TEMP": (_TEMPERATURE,),
    "SYS-TEMP": (_TEMPERATURE,),
    "SNMP_TRAP_LINK_DOWN": (_JUNIPER_LINK,),
    "SNMP_TRAP_LINK_UP": (_JUNIPER_LINK,),
    "RPD_BGP_NEIGHBOR_STATE_CHANGED": (_JUNIPER_BGP,),
    "RPD_OSPF_NBRDOWN": (_JUNIPER_OSPF,),
    "RPD_OSPF_NBRUP": (_JUNIPER_OSPF,),
    "mib2d": (_JUNIPER_LINK,),
    "rpd": (_JUNIPER_BGP, _JUNIPER_OSPF),
    "kernel": (_KERNEL_LINK, _BOND_LINK, _DISK, _FILESYSTEM, _MEMORY),
    "systemd": (_UNIT, _UNIT_FAILED),
    "mdadm": (_RAID,),
    "smartd": (_SMART,),
    "multipathd": (_MULTIPATH,),
    "upsmon": (_UPS,),
    "apcupsd": (_APC,),
    "bird": (_BIRD,),
    "bgpd": (_FRR_BGP,),
    "ospfd": (_FRR_OSPF,),
    "Keepalived_vrrp": (_VRRP,),
    "haproxy": (_HAPROXY,),
    "chronyd": (_CHRONY,),
}
"""Key of a message to the patterns that are tried on it, in order."""
