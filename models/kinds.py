"""What kind of fault the name of a check means, and how likely such a fault is a cause rather than a symptom."""

from __future__ import annotations

import re

_TOKENS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

WORDS: dict[str, frozenset[str]] = {
    "certificate": frozenset({
        "cert", "certificate", "expires", "expiry", "ssl", "tls", "x509"
    }),
    "security": frozenset({
        "attack", "authentication", "ddos", "flood", "intrusion", "login", "malware", "scan", "security",
        "session", "sessions", "unauthorized"
    }),
    "power": frozenset({
        "battery", "feed", "mains", "outlet", "pdu", "phase", "power", "psu", "ups", "voltage"
    }),
    "cooling": frozenset({
        "aircon", "conditioning", "cooling", "crac", "humidity", "leak", "temp", "temperature", "thermal"
    }),
    "hardware": frozenset({
        "chassis", "controller", "dimm", "disk", "ecc", "fan", "hardware", "kernel", "mce", "module",
        "raid", "smart"
    }),
    "configuration": frozenset({
        "clock", "config", "configuration", "deploy", "deployment", "drift", "ntp", "rollout"
    }),
    "network": frozenset({
        "bgp", "carrier", "duplex", "ifoperstatus", "interface", "link", "linkdown", "linkup", "loss",
        "neighbor", "network", "ospf", "packet", "port", "switch", "vlan"
    }),
    "capacity": frozenset({
        "backlog", "capacity", "connections", "filesystem", "full", "heap", "inode", "inodes", "mem",
        "memory", "oom", "pool", "queue", "quota", "space", "swap", "volume"
    }),
    "availability": frozenset({
        "agent", "alive", "availability", "crash", "crashed", "dead", "dns", "down", "heartbeat", "host",
        "icmp", "instance", "ping", "restart", "targetdown", "unavailable", "unreachable", "up"
    }),
    "errors": frozenset({
        "5xx", "error", "errors", "exception", "failed", "failure", "http", "rejected", "timeout",
        "timeouts"
    }),
    "performance": frozenset({
        "cpu", "duration", "iowait", "lag", "latency", "load", "p99", "replication", "response",
        "saturation", "slow", "throughput", "time", "utilization"
    }),
    "business": frozenset({
        "business", "conversion", "csf", "kpi", "logins", "orders", "payments", "revenue", "transactions"
    }),
}  # fmt: skip
"""Kind to the words that mean it, in order of precedence."""

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

_KIND_OF = {word: (order, kind) for order, kind in reversed(list(enumerate(WORDS))) for word in WORDS[kind]}


def classify(check: str, summary: str = "") -> str:
    """Kind of a check, by the words of its name, else of its summary; "other" where none is known."""
    return _by_words(check) or _by_words(summary) or "other"


def _by_words(text: str) -> str:
    found = [_KIND_OF[word] for token in _TOKENS.findall(text) if (word := token.lower()) in _KIND_OF]
    return min(found)[1] if found else ""
