"""The recorded day: faults, storm, flapping, noise, skew, late, repeated and broken deliveries, a window."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import NamedTuple

import orjson

from agents import recording
from agents.simulate import payloads
from agents.simulate.datacentre import Centre, build
from agents.simulate.faults import Fault, Symptom, make_faults
from agents.simulate.payloads import WRITERS, Said
from schemas.base import DAY, HOUR, MINUTE, SECOND
from schemas.event import RawRecord
from schemas.reference import Change, ChangeRisk

BEGIN = 1_772_409_600_000
"""2026-03-02T00:00:00Z, a Monday."""
MONITORS = {
    "ups": "nagios", "crac": "nagios", "pdu": "nagios", "core": "zabbix", "switch": "zabbix", "firewall": "zabbix",
    "balancer": "zabbix", "storage": "nagios", "hypervisor": "nagios", "host": "zabbix", "database": "zabbix",
    "queue": "zabbix", "application": "alertmanager", "web": "alertmanager", "mail": "nagios", "dns": "nagios",
    "service": "cloudevents", "indicator": "cloudevents",
}  # fmt: skip
REPEATS = {"alertmanager": 2 * MINUTE, "nagios": 5 * MINUTE, "cloudevents": 5 * MINUTE}
"""Monitors that tell of an open problem again; the others tell only of changes."""
LINKS = ("snmptrap", "syslog")


class Line(NamedTuple):
    """One payload and what it truly is about: a fault, or a kind of noise."""

    raw: RawRecord
    truth: str


class Day(NamedTuple):
    """Everything about a day."""

    seed: int
    centre: Centre
    changes: tuple[Change, ...]
    faults: tuple[Fault, ...]
    lines: tuple[Line, ...]


class _Recorder:
    """Collects payloads; every delivery has its delay, and a few are late."""

    def __init__(self, centre: Centre, random: Random) -> None:
        self.centre, self.random = centre, random
        self.lines: list[Line] = []
        self.number = 0

    def add(self, source: str, payload: bytes, at: int, truth: str) -> None:
        """One delivery of what a monitor said at a time."""
        delay = self.random.randrange(200, 4000)
        if self.random.random() < 0.01:
            delay += self.random.randrange(150 * SECOND)
        raw = RawRecord(source=source, received=at + delay, payload=payload, origin="simulated")
        self.lines.append(Line(raw, truth))
        if self.random.random() < 0.005:
            again = raw.model_copy(update={"received": raw.received + self.random.randrange(SECOND, MINUTE)})
            self.lines.append(Line(again, truth))

    def symptom(self, symptom: Symptom, truth: str, source: str = "") -> None:
        """A problem, its repeats and its end."""
        item = self.centre.items[symptom.item]
        source = source or MONITORS[item.kind]
        self.number += 1
        now = symptom.start
        said = Said(
            item.id, item.aliases[0], item.addresses[0], symptom.check, symptom.severity, now, now, False, self.number
        )  # fmt: skip
        while now < symptom.end:
            self.add(source, WRITERS[source](said._replace(now=now)), now, truth)
            if source not in REPEATS:
                break
            now += REPEATS[source]
        end = symptom.end
        self.add(source, WRITERS[source](said._replace(now=end, ended=True)), end, truth)


def simulate(seed: int) -> Day:
    """A whole day; the same seed gives the same bytes."""
    centre = build()
    faults = make_faults(centre, Random(f"{seed} faults"), BEGIN)
    recorder = _Recorder(centre, Random(f"{seed} deliveries"))
    for fault in faults:
        for symptom in fault.symptoms:
            recorder.symptom(symptom, fault.id)
    _storm(recorder, faults, Random(f"{seed} storm"))
    _noise(recorder, Random(f"{seed} noise"))
    _chronic(recorder, Random(f"{seed} chronic"))
    _flapping(recorder, Random(f"{seed} flapping"))
    _chatter(recorder, Random(f"{seed} chatter"))
    changes = (_window(recorder, Random(f"{seed} window")), *_changes(faults, centre, Random(f"{seed} changes")))
    _skewed(recorder, Random(f"{seed} skew"))
    _broken(recorder, Random(f"{seed} broken"))
    recorder.lines.sort(key=lambda line: (line.raw.received, line.raw.source, line.raw.payload))
    return Day(seed, centre, changes, tuple(faults), tuple(recorder.lines))


def _storm(recorder: _Recorder, faults: list[Fault], random: Random) -> None:
    """The monitors that repeat themselves tell of the worst fault again and again: thousands in a few minutes."""
    worst = max(faults, key=lambda fault: len(fault.symptoms))
    kinds = {item.id: MONITORS[item.kind] for item in recorder.centre.items.values()}
    loud = [symptom for symptom in worst.symptoms if kinds[symptom.item] in REPEATS]
    for _ in range(4000):
        symptom = random.choice(loud)
        item, source = recorder.centre.items[symptom.item], kinds[symptom.item]
        now = symptom.start + random.randrange(5 * MINUTE)
        said = Said(
            item.id, item.aliases[0], item.addresses[0], symptom.check, symptom.severity, symptom.start, now, False, 0
        )  # fmt: skip
        recorder.add(source, WRITERS[source](said), now, worst.id)


def _noise(recorder: _Recorder, random: Random) -> None:
    """Thresholds crossed for a moment, all day long."""
    checks = ("CPU utilization", "Load average", "Memory utilization", "Swap usage", "Disk utilization")
    hosts = recorder.centre.of_kind("host", "hypervisor")
    for _ in range(6000):
        start = BEGIN + random.randrange(DAY - HOUR)
        check, severity = random.choice(checks), random.choice(("warning", "warning", "minor"))
        end = start + random.randrange(20, 110) * SECOND
        recorder.symptom(Symptom(random.choice(hosts), check, severity, start, end), "noise", "zabbix")


def _chronic(recorder: _Recorder, random: Random) -> None:
    """Warnings that nobody ever acts on, open all day."""
    for item in random.sample(recorder.centre.of_kind("host"), 20):
        start = BEGIN + random.randrange(2 * HOUR)
        recorder.symptom(Symptom(item, "Disk 85 percent", "warning", start, BEGIN + DAY - HOUR), "noise", "nagios")


def _flapping(recorder: _Recorder, random: Random) -> None:
    """Interfaces and services that bounce, each with a period of its own."""
    for source in LINKS:
        for item in random.sample(recorder.centre.of_kind("switch"), 2):
            _bounce(recorder, item, "Uplink1", source, random)
    for item in random.sample(recorder.centre.of_kind("host"), 5):
        _bounce(recorder, item, "Agent heartbeat", "zabbix", random)


def _bounce(recorder: _Recorder, item: str, check: str, source: str, random: Random) -> None:
    now = BEGIN + random.randrange(DAY - 5 * HOUR)
    period = random.randrange(30, 50) * SECOND
    for _ in range(120):
        end = now + period // 2
        recorder.symptom(Symptom(item, check, "minor", now, end), "flapping", source)
        now = end + period // 2


def _chatter(recorder: _Recorder, random: Random) -> None:
    """Messages that say that all is well, and what people ask for."""
    items = sorted(recorder.centre.items)
    for number in range(34_000):
        at = BEGIN + random.randrange(DAY - HOUR)
        recorder.add("syslog", payloads.chatter(random.choice(items), at, number), at, "information")
    for number in range(25):
        at = BEGIN + random.randrange(DAY - HOUR)
        item = random.choice(recorder.centre.of_kind("service"))
        recorder.add("person", payloads.person(item, at, number), at, "information")


def _window(recorder: _Recorder, random: Random) -> Change:
    """A maintenance window: a hypervisor and what runs on it, loud all the while."""
    root = random.choice(recorder.centre.of_kind("hypervisor"))
    starts = BEGIN + random.randrange(2 * HOUR, 20 * HOUR)
    needed_by = recorder.centre.needed_by()
    for item in (root, *(i for i in needed_by[root] if recorder.centre.items[i].kind == "host")):
        for _ in range(3):
            now = starts + random.randrange(5, 40) * MINUTE
            recorder.symptom(Symptom(item, "Host alive", "critical", now, now + 5 * MINUTE), "maintenance", "nagios")
    return Change(
        id="CHG-WINDOW", title="new firmware", items=(root,), starts=starts, ends=starts + HOUR, suppresses=True
    )  # fmt: skip


def _changes(faults: list[Fault], centre: Centre, random: Random) -> list[Change]:
    """The bad change, and others that did no harm."""
    changes = [
        Change(
            id=fault.change,
            title="a new version",
            items=(fault.root,),
            risk=ChangeRisk.NORMAL,
            starts=fault.start - random.randrange(1, 5) * MINUTE,
            ends=fault.start + 20 * MINUTE,
        )
        for fault in faults
        if fault.change
    ]
    for number, item in enumerate(random.sample(centre.of_kind("application"), 5)):
        starts = BEGIN + random.randrange(DAY - 2 * HOUR)
        changes.append(Change(id=f"CHG-{number}", title="routine", items=(item,), starts=starts, ends=starts + HOUR))
    return changes


def _skewed(recorder: _Recorder, random: Random) -> None:
    """Two switches whose clocks are minutes off, one ahead and one behind."""
    for item, error in zip(random.sample(recorder.centre.of_kind("switch"), 2), (-4 * MINUTE, 4 * MINUTE), strict=True):
        for number in range(200):
            at = BEGIN + random.randrange(DAY - HOUR)
            recorder.add("syslog", payloads.chatter(item, at + error, 90_000 + number), at, "information")


def _broken(recorder: _Recorder, random: Random) -> None:
    """Payloads cut short or wrongly encoded, beside the whole ones."""
    for line in random.sample(recorder.lines, 250):
        if line.raw.source == "syslog":
            continue
        half = line.raw.payload[: len(line.raw.payload) // 2]
        broken = half if random.random() < 0.7 else b"\xff\xfe" + half
        at = line.raw.received
        recorder.lines.append(Line(line.raw.model_copy(update={"payload": broken, "received": at}), "broken"))


def write_day(day: Day, directory: Path) -> None:
    """Write day.ndjson.gz, items.json, truth.json and README.txt into a folder."""
    directory.mkdir(parents=True, exist_ok=True)
    recording.write(directory / "day.ndjson.gz", (line.raw for line in day.lines))
    reference = {
        "items": [item.model_dump(mode="json") for item in day.centre.items.values()],
        "relations": [relation.model_dump(mode="json") for relation in day.centre.relations],
        "changes": [change.model_dump(mode="json") for change in day.changes],
    }
    truth = {
        "seed": day.seed,
        "faults": [fault._asdict() | {"symptoms": [s._asdict() for s in fault.symptoms]} for fault in day.faults],
        "lines": [line.truth for line in day.lines],
    }
    (directory / "items.json").write_bytes(orjson.dumps(reference, option=orjson.OPT_INDENT_2))
    (directory / "truth.json").write_bytes(orjson.dumps(truth))
    (directory / "README.txt").write_text(
        "day.ndjson.gz  raw payloads in the order of their arrival\n"
        "items.json     items, relations and changes\n"
        "truth.json     the faults, and for each payload the fault or the kind of noise it belongs to\n"
    )
