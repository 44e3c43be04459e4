"""The faults of the day: what breaks, what it does to what depends on it, and when its monitors notice."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from agents.simulate.datacentre import Centre
from schemas.base import DAY, HOUR, MINUTE, SECOND

# Kind of item: (check, severity when it is down, check, severity when it is slow).
SYMPTOMS: dict[str, tuple[str, str, str, str]] = {
    "ups": ("UPS on battery", "critical", "UPS overload", "major"),
    "crac": ("Air conditioning failed", "critical", "Temperature high", "minor"),
    "pdu": ("PDU power lost", "critical", "PDU load high", "warning"),
    "core": ("Link down", "critical", "Packet loss", "major"),
    "switch": ("Link down", "critical", "Packet loss", "major"),
    "firewall": ("Firewall down", "critical", "Session table full", "critical"),
    "balancer": ("Pool has no members", "critical", "Connections high", "major"),
    "storage": ("Controller failed", "critical", "Exchange latency", "critical"),
    "hypervisor": ("Host alive", "critical", "Load average", "major"),
    "host": ("ICMP ping unreachable", "major", "CPU utilization", "minor"),
    "database": ("Database down", "critical", "Query latency", "major"),
    "queue": ("Broker down", "critical", "Queue backlog", "major"),
    "application": ("AppUnavailable", "critical", "AppErrorRate", "major"),
    "web": ("ProbeFailed", "critical", "ResponseTimeHigh", "major"),
    "mail": ("Mail relay down", "critical", "Mail queue backlog", "major"),
    "dns": ("DNS server down", "critical", "DNS latency", "major"),
    "service": ("service unavailable", "critical", "service degraded", "major"),
    "indicator": ("orders per minute low", "minor", "orders per minute low", "minor"),
}


class Recipe(NamedTuple):
    """One kind of fault: the kinds of item it strikes, its own check, and how it spreads."""

    kind: str
    roots: tuple[str, ...]
    check: str
    severity: str
    down: bool
    depth: int
    likely: float
    silent: bool = False
    change: bool = False


RECIPES = (
    Recipe("power lost in a rack", ("pdu",), "PDU power lost", "critical", True, 4, 0.9),
    Recipe("access switch dead and silent", ("switch",), "", "", True, 3, 0.95, silent=True),
    Recipe("packet loss on an access switch", ("switch",), "Packet loss", "major", False, 2, 0.7),
    Recipe("storage latency", ("storage",), "Exchange latency", "critical", False, 4, 0.85),
    Recipe("disk full on a database", ("database",), "Tablespace full", "critical", True, 4, 0.9),
    Recipe("memory leak in an application", ("application",), "Heap memory exhausted", "critical", False, 3, 0.9),
    Recipe("DNS server down", ("dns",), "DNS server down", "critical", True, 2, 0.8),
    Recipe("air conditioning failed", ("crac",), "Air conditioning failed", "critical", True, 2, 0.8),
    Recipe("firewall session table full", ("firewall",), "Session table full", "critical", False, 2, 0.7),
    Recipe("certificate expired", ("web",), "Certificate expired", "critical", True, 2, 0.95),
    Recipe("queue backlog", ("queue",), "Queue backlog", "major", False, 3, 0.85),
    Recipe("mail relay blocked", ("mail",), "Mail queue backlog", "critical", False, 1, 1.0),
    Recipe("bad change", ("application",), "AppErrorRate", "critical", False, 3, 0.95, change=True),
    Recipe("hypervisor crash", ("hypervisor",), "Host alive", "critical", True, 4, 0.95),
    Recipe("load balancer without members", ("balancer",), "Pool has no members", "critical", True, 2, 0.9),
    Recipe("hypervisor frozen and silent", ("hypervisor",), "", "", True, 4, 0.95, silent=True),
)


class Symptom(NamedTuple):
    """One alert that a fault raises, from the time its monitor sees it until it sees the end."""

    item: str
    check: str
    severity: str
    start: int
    end: int


class Fault(NamedTuple):
    """The truth about one fault."""

    id: str
    kind: str
    root: str
    start: int
    end: int
    change: str
    symptoms: tuple[Symptom, ...]
    half_seen: bool = False
    """One of the monitors was down itself; `symptoms` are what the others saw."""


PAIRS = 3
"""So many faults begin together with another one, in a part of the data centre that has nothing to do with it."""


def downstream(root: str, needed_by: dict[str, list[str]]) -> set[str]:
    """Everything that needs an item, directly or not; without the item itself."""
    found: set[str] = set()
    front = [root]
    while front:
        front = sorted({item for here in front for item in needed_by[here]} - found)
        found.update(front)
    return found


def make_faults(centre: Centre, random: Random, begin: int) -> list[Fault]:
    """One fault of each recipe, in slots spread over the day; a few strike at the same time as another one."""
    needed_by = centre.needed_by()
    order = random.sample(range(len(RECIPES)), len(RECIPES))
    slots = len(RECIPES) - PAIRS
    every = (DAY - 2 * HOUR) // slots
    found: dict[int, Fault] = {}
    used: set[str] = set()
    for place, number in enumerate(order):
        first = found[order[place - slots]] if place >= slots else None
        start = begin + 40 * MINUTE + place * every + random.randrange(every // 3)
        if first is not None:
            start = first.start + random.randrange(10 * MINUTE)
        kept = set() if first is None else downstream(first.root, needed_by) | {first.root}
        while True:  # no item has two faults; every kind has more items than recipes
            fault = _strike(f"F{number + 1:02d}", RECIPES[number], start, centre, needed_by, random)
            apart = not kept & (downstream(fault.root, needed_by) | {fault.root})
            if fault.root not in used and apart and fault.symptoms:
                break
        used.add(fault.root)
        found[number] = fault
    return [found[number] for number in range(len(RECIPES))]


def _strike(
    name: str,
    recipe: Recipe,
    start: int,
    centre: Centre,
    needed_by: dict[str, list[str]],
    random: Random,
) -> Fault:
    root = random.choice(centre.of_kind(*recipe.roots))
    end = start + random.randrange(15 * MINUTE, 50 * MINUTE)
    symptoms = []
    if not recipe.silent:
        seen = start + random.randrange(5 * SECOND, 60 * SECOND)
        symptoms.append(Symptom(root, recipe.check, recipe.severity, seen, end + random.randrange(60 * SECOND)))
    reached = {root: start}
    front = [root]
    for _ in range(recipe.depth):
        following: list[str] = []
        for item in front:
            for dependant in needed_by[item]:
                if dependant in reached or random.random() > recipe.likely:
                    continue
                reached[dependant] = reached[item] + random.randrange(2 * SECOND, 40 * SECOND)
                following.append(dependant)
                if random.random() < 0.93:  # the others are affected, but nobody watches them
                    symptoms.append(_symptom(centre, dependant, recipe.down, reached[dependant], end, random))
        front = following
    change = f"CHG-{name}" if recipe.change else ""
    return Fault(name, recipe.kind, root, start, end, change, tuple(symptoms))


def _symptom(centre: Centre, item: str, down: bool, start: int, end: int, random: Random) -> Symptom:
    names = SYMPTOMS[centre.items[item].kind]
    check, severity = names[:2] if down else names[2:]
    return Symptom(item, check, severity, start + random.randrange(60 * SECOND), end + random.randrange(90 * SECOND))
