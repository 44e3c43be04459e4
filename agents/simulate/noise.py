"""What is said all day and is no fault: thresholds, chronic warnings, flapping, chatter, chance beside a fault."""

from __future__ import annotations

from random import Random
from typing import Protocol

from agents.simulate import payloads
from agents.simulate.datacentre import Centre
from agents.simulate.faults import Fault, Symptom, downstream
from agents.simulate.score import CHANCE
from schemas.base import DAY, HOUR, MINUTE, SECOND

LINKS = ("snmptrap", "syslog")


class Recorder(Protocol):
    """Who writes down what is said; see `agents.simulate.day`."""

    centre: Centre

    def add(self, source: str, payload: bytes, at: int, truth: str) -> None:
        """One delivery."""
        ...

    def symptom(self, symptom: Symptom, truth: str, source: str = "") -> None:
        """A problem, its repeats and its end."""
        ...


def thresholds(recorder: Recorder, random: Random, begin: int) -> None:
    """Thresholds crossed for a moment, all day long; some on machines that no inventory knows."""
    checks = ("CPU utilization", "Load average", "Memory utilization", "Swap usage", "Disk utilization")
    hosts = recorder.centre.of_kind("host", "hypervisor")
    strangers = [f"tmp-{random.randrange(10_000):04d}" for _ in range(12)]
    for _ in range(6000):
        start = begin + random.randrange(DAY - HOUR)
        check, severity = random.choice(checks), random.choice(("warning", "warning", "minor"))
        end = start + random.randrange(20, 110) * SECOND
        item = random.choice(strangers) if random.random() < 0.03 else random.choice(hosts)
        recorder.symptom(Symptom(item, check, severity, start, end), "noise", "zabbix")


def chronic(recorder: Recorder, random: Random, begin: int) -> None:
    """Warnings that nobody ever acts on, open all day."""
    for item in random.sample(recorder.centre.of_kind("host"), 20):
        start = begin + random.randrange(2 * HOUR)
        recorder.symptom(Symptom(item, "Disk 85 percent", "warning", start, begin + DAY - HOUR), "noise", "nagios")


def coincidences(recorder: Recorder, faults: list[Fault], random: Random) -> None:
    """Harmless things that happen while a fault strikes: beside each one, and on what every other one reaches.

    What happens beside it can be told apart: nothing ties the two but the time. What happens on a thing that the fault
    reaches can't, by anybody; it has a truth of its own and is not scored.
    """
    needed_by = recorder.centre.needed_by()
    reached = {fault.id: downstream(fault.root, needed_by) | {fault.root} for fault in faults}
    for fault in faults:
        others = [reached[other.id] for other in faults if abs(other.start - fault.start) < HOUR]
        beside = sorted(_beside(recorder.centre, fault) - set().union(*others))
        if beside:
            recorder.symptom(_harmless(random.choice(beside), fault, random), "noise")
    for fault in random.sample(faults, len(faults) // 2):
        recorder.symptom(_harmless(random.choice(sorted(reached[fault.id])), fault, random), CHANCE)


def _beside(centre: Centre, fault: Fault) -> set[str]:
    """What shares a need with a thing that shows the fault, and is not needed by such a thing itself."""
    needs: dict[str, set[str]] = {}
    for relation in centre.relations:
        needs.setdefault(relation.source, set()).add(relation.target)
    needed_by, shown = centre.needed_by(), {symptom.item for symptom in fault.symptoms}
    shared = {target for item in shown for target in needs.get(item, ())}
    above, front = set[str](), shown
    while front:
        front = {target for item in front for target in needs.get(item, ())} - above
        above |= front
    return {item for target in shared for item in needed_by[target]} - above


def _harmless(item: str, fault: Fault, random: Random) -> Symptom:
    start = fault.start + random.randrange(-3 * MINUTE, 5 * MINUTE)
    check = random.choice(("Backup running long", "Time drift", "Log volume high"))
    return Symptom(item, check, random.choice(("warning", "minor")), start, start + random.randrange(5, 20) * MINUTE)


def flapping(recorder: Recorder, random: Random, begin: int) -> None:
    """Interfaces and services that bounce, each with a period of its own."""
    for source in LINKS:
        for item in random.sample(recorder.centre.of_kind("switch"), 2):
            _bounce(recorder, item, "Uplink1", source, random, begin)
    for item in random.sample(recorder.centre.of_kind("host"), 5):
        _bounce(recorder, item, "Agent heartbeat", "zabbix", random, begin)


def _bounce(recorder: Recorder, item: str, check: str, source: str, random: Random, begin: int) -> None:
    now = begin + random.randrange(DAY - 5 * HOUR)
    period = random.randrange(30, 50) * SECOND
    for _ in range(120):
        end = now + period // 2
        recorder.symptom(Symptom(item, check, "minor", now, end), "flapping", source)
        now = end + period // 2


def chatter(recorder: Recorder, random: Random, begin: int) -> None:
    """Messages that say that all is well, and what people ask for; two switches have clocks that are minutes off."""
    items = sorted(recorder.centre.items)
    for number in range(34_000):
        at = begin + random.randrange(DAY - HOUR)
        recorder.add("syslog", payloads.chatter(random.choice(items), at, number), at, "information")
    switches = random.sample(recorder.centre.of_kind("switch"), 2)
    for item, error in zip(switches, (-4 * MINUTE, 4 * MINUTE), strict=True):
        for number in range(200):
            at = begin + random.randrange(DAY - HOUR)
            recorder.add("syslog", payloads.chatter(item, at + error, 90_000 + number), at, "information")
    for number in range(25):
        at = begin + random.randrange(DAY - HOUR)
        item = random.choice(recorder.centre.of_kind("service"))
        recorder.add("person", payloads.person(item, at, number), at, "information")
