"""What kind of fault the name of a check means, and how likely such a fault is a cause rather than a symptom."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

Rows = tuple[tuple[str, str], ...]

WORDS: Rows = (
    # Pairs of words that mean something else than each of them alone.
    ("capacity", "connection leak, connection pool, connection table, memory leak, session table, thread leak"),
    ("hardware", "bbu, cache battery, controller battery, memory error, memory module, raid battery, read only"),
    ("performance", "disk busy, disk io, disk latency, disk queue, disk read, disk response, disk write"),
    ("performance", "ping latency, ping response, ping rtt, read latency, read write, replica lag, replication lag"),
    ("performance", "reply time, response time, round trip, slow query, temp table, temporary table, write latency"),
    ("network", "bgp session, link loss, packet loss, ping loss, port down, port flap, port flapping, vpn session"),
    ("business", "conversion rate, csf, kpi, logins per, order rate, orders per, payments per, sales per"),
    ("business", "transactions per"),
    ("errors", "dead letter"),
    # What is specific.
    ("certificate", "cert, certificate, ssl, tls, x509"),
    ("security", "access denied, attack, attacker, authentication failed, authentication failure, brute force"),
    ("security", "bruteforce, ddos, door, exploit, failed login, failed logins, flood, ids, intruder, intrusion"),
    ("security", "ips, login failed, login failure, logon failure, malware, passwd, phishing, port scan, ransomware"),
    ("security", "scan, security, trojan, unauthorized, virus"),
    ("power", "apc, ats, battery, breaker, brownout, generator, mains, outlet, pdu, power, psu, redundant supply"),
    ("power", "ups, voltage"),
    # The environment of the machine room: heat, water, smoke.
    ("cooling", "air conditioner, air conditioning, aircon, airflow, chiller, coolant, cooling, crac, crah, fan"),
    ("cooling", "fire, humidity, hvac, leak, overheat, overheating, smoke, temp, temperature, thermal, water"),
    ("configuration", "clock, config, configuration, deploy, deployed, drift, generation mismatch, license"),
    ("configuration", "misconfigured, ntp, rollback, rollout, system name, system time, time sync, version mismatch"),
    ("hardware", "array controller, chassis, dimm, disk array, disk controller, disk failed, disk failure"),
    ("hardware", "disk fault, disk health, drive, ecc, edac, enclosure, hard disk, hardware, line card, linecard"),
    ("hardware", "machine check, mce, media error, physical disk, predictive failure, raid, raid controller, sfp"),
    ("hardware", "smart, smartd, ssd, storage controller"),
    ("network", "arp, bandwidth, bgp, bond, bonding, carrier, crc, discard, duplex, egp, eigrp, ethernet, gateway"),
    ("network", "hsrp, ifoperstatus, interface, isis, lacp, link, linkdown, linkup, loss, mpls, nbr, neighbor"),
    ("network", "neighbour, network, new root, nic, oper status, ospf, packet, port channel, routing, spanning tree"),
    ("network", "stp, switchport, topology change, trunk, tunnel, vlan, vpn, vrrp, wan"),
    # What is general: a symptom more often than a cause.
    ("availability", "crash, crashed, crashing, crashloop, looping, offline partition, replicas mismatch"),
    ("availability", "under replicated"),
    ("capacity", "backlog, capacity, concurrent connections, connections, conntrack, datastore, disk full"),
    ("capacity", "disk space, disk usage, entries used, evicted, exhausted, exhaustion, file descriptor"),
    ("capacity", "filedescriptors, filesystem, filling, free space, full, heap, inode, lun, mailq, mem, memory, oom"),
    ("capacity", "oomkilled, overcommit, pool, process limit, processes, queue, quota, root partition, sessions"),
    ("capacity", "space, swap, tablespace, volume"),
    ("performance", "apdex, latency, p50, p90, p95, p99, rtt, slow, slowness, throttled, throttling"),
    ("availability", "alive, availability, available, cold start, coldstart, dead, dns, down, heartbeat, icmp"),
    ("availability", "no data, no leader, nodata, not ready, not running, offline, outage, ping, reboot, rebooted"),
    ("availability", "restart, restarted, restarting, service failed, shutdown, stopped, targetdown, unavailable"),
    ("availability", "unreachable, uptime, warm start, warmstart"),
    ("errors", "4xx, 5xx, err, error, exception, failed, failing, failure, rejected, timeout"),
    ("performance", "cpu, duration, gc, iowait, jitter, lag, load, overload, processor, replication, response"),
    ("performance", "responses, saturation, throughput, utilisation, utilization"),
    ("business", "basket, booking, business, cart, checkout, conversion, logins, order, payment, revenue, sales"),
    ("business", "signup, transactions, turnover"),
)  # fmt: skip
"""Rows of (kind, words or pairs of neighbouring words): the first row that has one of the name's words decides."""

HINTS: Rows = (
    ("power", "feed, phase"),
    ("hardware", "controller, kernel, module, sensor"),
    ("network", "dhcp, firewall, peer, port, route, router, switch"),
    ("capacity", "disk, limit, storage, usage, users"),
    ("configuration", "changed, mismatch, version"),
    ("certificate", "expired, expires, expiry"),
    ("availability", "agent, ftp, host, http, https, imap, instance, ldap, node, pop, process, procs, service, smtp"),
    ("availability", "ssh, tcp, up, url, web"),
)  # fmt: skip
"""Words that say only a little: they count where neither the name nor the summary has one that says more."""

PRIOR: dict[str, float] = {
    "power": 1.0,
    "cooling": 0.95,
    "hardware": 0.9,
    "certificate": 0.85,
    "configuration": 0.8,
    "network": 0.75,
    "security": 0.7,
    "capacity": 0.65,
    "availability": 0.55,
    "performance": 0.3,
    "errors": 0.2,
    "business": 0.05,
    "other": 0.3,
}
"""How likely a fault of this kind is a root cause rather than a symptom, 0 to 1. Judged, not learned."""

_CHUNKS = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"\d+[xX]{2}|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")

Index = dict[str, tuple[int, str]]


def _index(rows: Rows) -> Index:
    """Word or pair of words to (row, kind); where two rows have it the first one counts."""
    numbered = reversed(list(enumerate(rows)))
    return {word: (row, kind) for row, (kind, words) in numbered for word in words.split(", ")}


_WORDS, _HINTS = _index(WORDS), _index(HINTS)
_KNOWN = frozenset(word for entry in (*_WORDS, *_HINTS) for word in entry.split())


def classify(check: str, summary: str = "") -> str:
    """Kind of a check: a key of `PRIOR`.

    By the words of its name, else of its summary, else by what hints there are in the name and then in the summary;
    "other" where nothing is known.
    """
    said, hinted = _of_name(check)
    if said or not summary:
        return said or hinted or "other"
    words = _split(summary)
    return _first(words, _WORDS) or hinted or _first(words, _HINTS) or "other"


@lru_cache(maxsize=4096)
def _of_name(check: str) -> tuple[str, str]:
    """What the words of a name say, and what they hint at; "" for nothing. Names are few and come again and again."""
    words = _split(check)
    return _first(words, _WORDS), _first(words, _HINTS)


def _first(words: list[str], index: Index) -> str:
    found = [index[word] for word in words if word in index]
    return min(found)[1] if found else ""


def _split(text: str) -> list[str]:
    """Lower-case words of a text, whole and split at camel case, and the pairs of neighbours among the split ones."""
    words: list[str] = []
    whole: list[str] = []
    for chunk in _CHUNKS.findall(text):
        parts = _PARTS.findall(chunk)
        words += [_singular(part.lower()) for part in parts]
        if len(parts) > 1:
            whole.append(_singular(chunk.lower()))
    pairs = [f"{one} {two}" for one, two in pairwise(words)]
    return [*words, *whole, *pairs]


def _singular(word: str) -> str:
    """A plural as the singular that the tables know; anything else as it is."""
    return word if word in _KNOWN or not word.endswith("s") or word[:-1] not in _KNOWN else word[:-1]
