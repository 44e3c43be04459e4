"""Rank: the root-cause candidates of an incident, by topology, time lead, kind of fault and recent change.

A candidate is an item that alerts in the incident, or a silent one that several of them need. An upstream fault takes
blame off those that depend on it: a candidate is credited with what it explains and nobody nearer to the cause does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from math import exp
from typing import NamedTuple

from models.kinds import PRIOR
from pipeline.stages.enrich import Inventory
from pipeline.stages.node import OURS, About, Node
from schemas.base import MINUTE
from schemas.incident import Candidate, Term
from schemas.reference import RelationKind

SHOWN = 5
SILENT_SHARE = 0.5
"""A silent item is considered when it explains at least this share of the items."""
W_COVER, W_TIME, W_KIND, W_CHANGE, W_SEVERITY, W_SYMPTOM, W_SILENT = 6.0, 1.0, 1.5, 2.5, 0.5, 2.5, 3.0
W_ANOMALY = 1.0
"""What an item loses of which only our own models say something."""
SHARPNESS = 1.5
SILENCE: dict[RelationKind, float] = {
    RelationKind.CONNECTS_TO: 1.0,
    RelationKind.RUNS_ON: 0.8,
    RelationKind.PART_OF: 0.7,
    RelationKind.DEPENDS_ON: 0.6,
    RelationKind.POWERED_BY: 0.3,
    RelationKind.COOLED_BY: 0.1,
}
"""How believable it is that something needed in this way fails and says nothing: what is reached through a dead
switch can't be asked, and neither can the switch; power and cooling are watched by monitors of their own."""


Evidence = tuple[str, float, str]
"""Name, weight and text of a term; only the few candidates that are shown get records of them."""


class Facts(NamedTuple):
    """What is known of one alerting item of an incident."""

    first: Node
    started: int
    severity: int
    prior: float
    fault: bool
    """Whether a monitor says so."""


def rank(nodes: Iterable[Node], inventory: Inventory, changed: Callable[[str, int], bool]) -> tuple[Candidate, ...]:
    """Candidates, most likely first, with odds that add up to 1 over all considered; at most five are kept.

    `changed(item, at)` says whether a change on the item is near `at`.
    """
    facts = _facts(nodes)
    if not facts:
        return ()
    above = {item: {a.item: a.distance for a in inventory.above(item)} for item in facts}
    explains = _explains(facts, above)
    begin = min(fact.started for fact in facts.values())
    scored = [
        _score(item, inventory, facts, above, explains, begin, changed)
        for item in sorted(explains)
        if item in facts or _worth_silent(item, inventory, facts, above, explains)
    ]
    scored.sort(key=lambda entry: (-entry[0], entry[1]))
    total = sum(exp(SHARPNESS * (score - scored[0][0])) for score, _, _ in scored)
    result = []
    for score, item, terms in scored[:SHOWN]:
        known, fact = inventory.items.get(item), facts.get(item)
        result.append(
            Candidate(
                item=item,
                name=known.name if known is not None else item,
                alert=fact.first.about.fingerprint if fact is not None else None,
                check=fact.first.about.check if fact is not None else "",
                odds=round(exp(SHARPNESS * (score - scored[0][0])) / total, 4),
                terms=tuple(Term(name=name, weight=weight, text=text) for name, weight, text in terms),
            )
        )
    return tuple(result)


def subject(about: About) -> str:
    """What a spell counts for: its item, or the resource that no item is known for."""
    return about.item or about.resource


def _facts(nodes: Iterable[Node]) -> dict[str, Facts]:
    facts: dict[str, Facts] = {}
    for node in sorted(nodes, key=lambda n: (n.spell.start, n.key)):
        item, prior = subject(node.about), PRIOR.get(node.about.kind, 0.3)
        old, fault = facts.get(item), node.about.source not in OURS
        if old is None:
            facts[item] = Facts(node, node.spell.start, node.spell.rank, prior, fault)
        else:
            severity, fault = max(old.severity, node.spell.rank), old.fault or fault
            facts[item] = old._replace(severity=severity, prior=max(old.prior, prior), fault=fault)
    return facts


def _explains(facts: dict[str, Facts], above: dict[str, dict[str, int]]) -> dict[str, list[str]]:
    """For each candidate, the alerting items that it is or that need it."""
    explains: dict[str, list[str]] = {item: [item] for item in facts}
    for item in facts:
        for cause in above[item]:
            explains.setdefault(cause, []).append(item)
    return explains


def _worth_silent(
    item: str,
    inventory: Inventory,
    facts: dict[str, Facts],
    above: dict[str, dict[str, int]],
    explains: dict[str, list[str]],
) -> bool:
    """A silent item counts when several need it, and nothing that alerts, nor a better silent one, explains as much.

    Better is one that is nearer, and of whose direct dependants no smaller share alerts.
    """
    own = explains[item]
    if len(own) < max(2, SILENT_SHARE * len(facts)):
        return False
    for other, others in explains.items():
        if other == item or len(others) < len(own) or not set(own) <= set(others):
            continue
        if other in facts:
            return False
        nearer = sum(above[x].get(other, 9) for x in own) < sum(above[x].get(item, 9) for x in own)
        if nearer and _alerting(other, inventory, facts) >= _alerting(item, inventory, facts):
            return False
    return True


def _alerting(item: str, inventory: Inventory, facts: dict[str, Facts]) -> float:
    """The share of a silent item's direct dependants that alert."""
    alerting, direct, _ = _silence(item, facts, inventory)
    return alerting / max(1, direct)


def _silence(item: str, facts: dict[str, Facts], inventory: Inventory) -> tuple[int, int, RelationKind]:
    """How many direct dependants of a silent item alert, of how many, and how most of those need it."""
    direct = inventory.needed_by(item)
    alerting = [source for source in direct if source in facts]
    ways = Counter(inventory.kind(source, item) or RelationKind.DEPENDS_ON for source in alerting)
    way = max(ways, key=lambda kind: (ways[kind], SILENCE[kind]), default=RelationKind.COOLED_BY)
    return len(alerting), len(direct), way


def _score(
    item: str,
    inventory: Inventory,
    facts: dict[str, Facts],
    above: dict[str, dict[str, int]],
    explains: dict[str, list[str]],
    begin: int,
    changed: Callable[[str, int], bool],
) -> tuple[float, str, list[Evidence]]:
    fact, covered = facts.get(item), explains[item]
    share = len(covered) / len(facts)
    terms: list[Evidence] = [("topology", W_COVER * share, f"explains {len(covered)} of {len(facts)} items")]
    if fact is not None:
        late = fact.started - begin
        lead = exp(-late / (5 * MINUTE))
        terms.append(("time", W_TIME * lead, f"began {late // 1000} s after the first"))
        terms.append(("kind", W_KIND * fact.prior, f"{fact.first.about.kind}: {fact.first.about.check}"))
        weight = W_SEVERITY * fact.severity / 5
        terms.append(("severity", weight, f"severity {fact.severity} of 5"))
        if not fact.fault:
            terms.append(("anomaly", -W_ANOMALY, "only the models say so"))
        blamed = [cause for cause in above.get(item, ()) if cause in facts and item not in above.get(cause, ())]
        if blamed:
            text = f"needs {inventory.name(blamed[0])}, which alerts too"
            terms.append(("symptom", -W_SYMPTOM * facts[blamed[0]].prior, text))
    else:
        alerting, direct, way = _silence(item, facts, inventory)
        weight = W_SILENT * (SILENCE[way] * alerting / max(1, direct) - 1)
        terms.append(("silent", weight, f"silent itself; {alerting} of {direct} direct users alert"))
    if changed(item, begin):
        terms.append(("change", W_CHANGE, "was changed shortly before"))
    terms = [(name, round(weight, 3), text) for name, weight, text in terms]
    return sum(weight for _, weight, _ in terms), item, terms
