"""How well incidents match the truth of a simulated day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.base import MINUTE
from schemas.event import Event, EventKind
from schemas.incident import Incident, IncidentStatus

SLACK = 10 * MINUTE
"""A member may have begun this much after an event that was folded into it."""
CHANCE = "chance"
"""What happened by chance on a thing that a fault reached, as it did: nobody could tell, so it is not scored."""
NOT_FAULTS = frozenset({"noise", CHANCE, "maintenance", "flapping", "information", "broken"})

Unit = tuple[str, str]
"""(fingerprint, truth): one alert of one fault, or of one kind of noise."""


class Score(NamedTuple):
    """Pairwise figures are over pairs of units; `extra` holds what each incident too many is made of."""

    precision: float
    recall: float
    f1: float
    faults: int
    missed: tuple[str, ...]
    top1: float
    top3: float
    extra: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    wrong_roots: tuple[tuple[str, str, str], ...]


def score(roots: Mapping[str, str], labelled: Iterable[tuple[Event, str]], incidents: Iterable[Incident]) -> Score:
    """Score the last versions of incidents. `roots` is fault to root item; `labelled` the events and their truth."""
    real = [i for i in incidents if i.status not in (IncidentStatus.MERGED, IncidentStatus.WITHDRAWN)]
    where = _units(labelled, real)
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for (_, truth), incident in where.items():
        if incident:
            held[incident][truth] += 1
    precision, recall = _pairs(where)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    by_id = {incident.id: incident for incident in real}
    found: dict[str, str] = {}
    for fault in roots:
        best = max(held, key=lambda i: (held[i][fault], i), default="")
        if best and held[best][fault] and held[best].most_common(1)[0][0] == fault:
            found[fault] = best
    firsts = {fault: [c.item for c in by_id[i].candidates] for fault, i in found.items()}
    count = max(1, len(roots))
    wrong = tuple((f, roots[f], (items or [""])[0]) for f, items in firsts.items() if roots[f] not in items[:1])
    extra = tuple((i, tuple(held[i].most_common(3))) for i in sorted(by_id) if i not in found.values())
    return Score(
        precision=precision,
        recall=recall,
        f1=f1,
        faults=len(roots),
        missed=tuple(sorted(set(roots) - set(found))),
        top1=sum(roots[fault] in items[:1] for fault, items in firsts.items()) / count,
        top3=sum(roots[fault] in items[:3] for fault, items in firsts.items()) / count,
        extra=extra,
        wrong_roots=wrong,
    )


def _units(labelled: Iterable[tuple[Event, str]], incidents: list[Incident]) -> dict[Unit, str]:
    """The incident that holds each unit, "" for none."""
    spells: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for incident in incidents:
        for member in incident.members:
            end = member.end if member.end is not None else 1 << 60
            spells[member.alert].append((member.start - SLACK, end, incident.id))
    votes: dict[Unit, Counter[str]] = defaultdict(Counter)
    for event, truth in labelled:
        if event.kind is EventKind.PROBLEM and truth != CHANCE:
            holding = [i for since, until, i in spells.get(event.fingerprint, ()) if since <= event.time <= until]
            votes[event.fingerprint, truth][holding[0] if holding else ""] += 1
    return {unit: max(sorted(counts), key=lambda i: counts[i]) for unit, counts in votes.items()}


def _pairs(where: Mapping[Unit, str]) -> tuple[float, float]:
    """Precision and recall over pairs of units; a unit in no incident, or of no fault, is alone."""
    together: Counter[tuple[str, str]] = Counter()
    for (_, truth), incident in where.items():
        together[truth, incident] += 1
    by_fault: Counter[str] = Counter()
    by_incident: Counter[str] = Counter()
    right = 0
    for (truth, incident), count in together.items():
        if truth not in NOT_FAULTS:
            by_fault[truth] += count
            if incident:
                right += count * (count - 1) // 2
        if incident:
            by_incident[incident] += count
    told = sum(count * (count - 1) // 2 for count in by_incident.values())
    true = sum(count * (count - 1) // 2 for count in by_fault.values())
    return right / max(1, told), right / max(1, true)
