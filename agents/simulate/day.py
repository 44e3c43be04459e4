"""The recorded day: faults and what else is said, as their monitors tell it, with the truth beside."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import NamedTuple

import orjson

from agents import recording
from agents.simulate import mess, noise
from agents.simulate.datacentre import Centre, build
from agents.simulate.faults import Fault, Symptom, downstream, make_faults
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


class Line(NamedTuple):
    """One payload and what it truly is about: a fault, or a kind of noise."""

    raw: RawRecord
    truth: str


class Day(NamedTuple):
    """Everything about a day. `centre` is what the inventory says; `real` is what there is."""

    seed: int
    centre: Centre
    real: Centre
    changes: tuple[Change, ...]
    faults: tuple[Fault, ...]
    lines: tuple[Line, ...]
    clocks: mess.Wrong


class _Recorder:
    """Collects payloads: each monitor has its names and its clock, every delivery its delay."""

    def __init__(self, seed: int, centre: Centre, clocks: mess.Clocks) -> None:
        self.centre, self.clocks = centre, clocks
        self.random = Random(f"{seed} deliveries")
        self.lines: list[Line] = []
        self.number = 0
        self.style = mess.naming(seed)

    def add(self, source: str, payload: bytes, at: int, truth: str) -> None:
        """One delivery of what a monitor said at a time."""
        received = at + mess.delay(self.random)
        raw = RawRecord(source=source, received=received, payload=payload, origin="simulated")
        self.lines.append(Line(raw, truth))
        if self.random.random() < 0.01:
            again = raw.model_copy(update={"received": raw.received + self.random.randrange(SECOND, MINUTE)})
            self.lines.append(Line(again, truth))

    def said(self, symptom: Symptom, source: str, number: int) -> Said:
        """A problem in the words of a monitor, told when it began."""
        item = self.centre.items.get(symptom.item)
        full = f"{symptom.item}.{item.site if item else 'lab'}.example.net"
        address = item.addresses[0] if item else "10.99.0.1"
        names = {"short": symptom.item, "full": full, "upper": symptom.item.upper(), "address": address}
        name = names[self.style(source, symptom.item)]
        start = symptom.start + self.clocks.error(source, symptom.start)
        return Said(name, address, symptom.check, symptom.severity, start, start, False, number)

    def symptom(self, symptom: Symptom, truth: str, source: str = "") -> None:
        """A problem, its repeats and its end."""
        source = source or MONITORS[self.centre.items[symptom.item].kind]
        self.number += 1
        now = symptom.start
        said = self.said(symptom, source, self.number)
        at = said.start
        while now < symptom.end:
            if now > symptom.start:
                at = now + self.clocks.error(source, now)
            self.add(source, WRITERS[source](said._replace(now=at)), now, truth)
            if source not in REPEATS:
                break
            now += REPEATS[source]
        end = symptom.end
        at = max(at + SECOND, end + self.clocks.error(source, end))  # no end before what was last said of it
        self.add(source, WRITERS[source](said._replace(now=at, ended=True)), end, truth)


def simulate(seed: int) -> Day:
    """A whole day; the same seed gives the same bytes."""
    real = build()
    faults = make_faults(real, Random(f"{seed} faults"), BEGIN)
    clocks = mess.Clocks(Random(f"{seed} clocks"), BEGIN)
    recorder = _Recorder(seed, real, clocks)
    faults = _half_seen(faults, real, Random(f"{seed} half seen"))
    for fault in faults:
        for symptom in fault.symptoms:
            recorder.symptom(symptom, fault.id)
    _storm(recorder, faults, Random(f"{seed} storm"))
    noise.thresholds(recorder, Random(f"{seed} noise"), BEGIN)
    noise.chronic(recorder, Random(f"{seed} chronic"), BEGIN)
    noise.coincidences(recorder, faults, Random(f"{seed} coincidences"))
    noise.flapping(recorder, Random(f"{seed} flapping"), BEGIN)
    noise.chatter(recorder, Random(f"{seed} chatter"), BEGIN)
    window = _window(recorder, faults, Random(f"{seed} window"))
    changes = (window, *_changes(faults, real, Random(f"{seed} changes")))
    _stuck(recorder, Random(f"{seed} stuck"))
    _again(recorder, Random(f"{seed} again"))
    _broken(recorder, Random(f"{seed} broken"))
    recorder.lines.sort(key=lambda line: (line.raw.received, line.raw.source, line.raw.payload))
    centre = mess.declared(real, recorder.style, Random(f"{seed} inventory"))
    return Day(seed, centre, real, changes, tuple(faults), tuple(recorder.lines), clocks.wrong)


def _half_seen(faults: list[Fault], centre: Centre, random: Random) -> list[Fault]:
    """During one fault the monitor of hosts and databases is down itself: only those that see effects speak.

    It is one of which enough is seen still: its root, or at least three of the things that need the root directly.
    """
    needed_by = centre.needed_by()

    def seen(fault: Fault) -> tuple[Symptom, ...]:
        return tuple(s for s in fault.symptoms if MONITORS[centre.items[s.item].kind] != "zabbix")

    def enough(fault: Fault) -> bool:
        shown = {symptom.item for symptom in seen(fault)}
        return len(shown) < len(fault.symptoms) and (fault.root in shown or len(shown & {*needed_by[fault.root]}) >= 3)

    chosen = random.choice([n for n, fault in enumerate(faults) if len(seen(fault)) >= 3 and enough(fault)])
    half = faults[chosen]._replace(symptoms=seen(faults[chosen]), half_seen=True)
    return [*faults[:chosen], half, *faults[chosen + 1 :]]


def _storm(recorder: _Recorder, faults: list[Fault], random: Random) -> None:
    """The monitors that repeat themselves tell of the worst fault again and again: thousands in a few minutes."""
    worst = max(faults, key=lambda fault: len(fault.symptoms))
    kinds = {item.id: MONITORS[item.kind] for item in recorder.centre.items.values()}
    loud = [symptom for symptom in worst.symptoms if kinds[symptom.item] in REPEATS]
    told = {symptom: recorder.said(symptom, kinds[symptom.item], 0) for symptom in loud}
    for _ in range(4000):
        symptom = random.choice(loud)
        source = kinds[symptom.item]
        now = min(symptom.start + random.randrange(5 * MINUTE), symptom.end - 1)
        at = max(told[symptom].start, now + recorder.clocks.error(source, now))
        recorder.add(source, WRITERS[source](told[symptom]._replace(now=at)), now, worst.id)


def _window(recorder: _Recorder, faults: list[Fault], random: Random) -> Change:
    """A maintenance window: a hypervisor and what runs on it, loud while somewhere else a real fault strikes."""
    needed_by = recorder.centre.needed_by()
    reached = {fault.id: downstream(fault.root, needed_by) | {fault.root} for fault in faults}
    able = []
    for other in faults:
        busy = set().union(*(reached[fault.id] for fault in faults if abs(fault.start - other.start) < 2 * HOUR))
        roots = recorder.centre.of_kind("hypervisor")
        able += [(root, other) for root in roots if not busy & (downstream(root, needed_by) | {root})]
    root, other = random.choice(able)
    starts = other.start - random.randrange(5, 15) * MINUTE
    for item in (root, *(i for i in needed_by[root] if recorder.centre.items[i].kind == "host")):
        for _ in range(3):
            now = starts + random.randrange(6, 40) * MINUTE
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


def _stuck(recorder: _Recorder, random: Random) -> None:
    """For some minutes one monitor's deliveries hang; then all come at once, beyond the lateness and in any order."""
    source = random.choice(mess.MONITORS)
    since = BEGIN + random.randrange(HOUR, DAY - 2 * HOUR)
    until = since + random.randrange(8, 14) * MINUTE
    for number, (raw, truth) in enumerate(recorder.lines):
        if raw.source == source and since <= raw.received < until:
            come = raw.model_copy(update={"received": until + random.randrange(20 * SECOND)})
            recorder.lines[number] = Line(come, truth)


def _again(recorder: _Recorder, random: Random) -> None:
    """A relay starts anew and delivers what it had delivered in the quarter of an hour before."""
    at = BEGIN + random.randrange(2 * HOUR, DAY - 2 * HOUR)
    for raw, truth in list(recorder.lines):
        if at - 15 * MINUTE <= raw.received < at and raw.source not in ("person", "syslog"):
            come = raw.model_copy(update={"received": at + random.randrange(30 * SECOND)})
            recorder.lines.append(Line(come, truth))


def _broken(recorder: _Recorder, random: Random) -> None:
    """Payloads that are spoilt, beside the whole ones."""
    whole = [line.raw for line in recorder.lines if line.raw.source in mess.NEEDED]
    for raw in random.sample(whole, 150):
        spoilt = raw.model_copy(update={"payload": mess.broken(raw, random)})
        recorder.lines.append(Line(spoilt, "broken"))


def write_day(day: Day, directory: Path) -> None:
    """Write day.ndjson.gz, items.json, truth.json and README.txt into a folder."""
    directory.mkdir(parents=True, exist_ok=True)
    recording.write(directory / "day.ndjson.gz", (line.raw for line in day.lines))
    reference = {
        "items": [item.model_dump(mode="json") for item in day.centre.items.values()],
        "relations": [relation.model_dump(mode="json") for relation in day.centre.relations],
        "changes": [change.model_dump(mode="json") for change in day.changes],
    }
    declared = set(day.centre.relations)
    missing = [r.model_dump(mode="json") for r in day.real.relations if r not in declared]
    truth = {
        "seed": day.seed,
        "faults": [fault._asdict() | {"symptoms": [s._asdict() for s in fault.symptoms]} for fault in day.faults],
        "clocks": day.clocks._asdict(),
        "missing_relations": missing,
        "lines": [line.truth for line in day.lines],
    }
    (directory / "items.json").write_bytes(orjson.dumps(reference, option=orjson.OPT_INDENT_2))
    (directory / "truth.json").write_bytes(orjson.dumps(truth))
    (directory / "README.txt").write_text(
        "day.ndjson.gz  raw payloads in the order of their arrival\n"
        "items.json     items, relations and changes, as far as the inventory knows them\n"
        "truth.json     the faults, wrong clocks, what the inventory lacks, and for each payload what it belongs to\n"
    )
