"""The public record of an incident."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.practices.service_level import Clocks
from pipeline.stages.fold import NEVER
from pipeline.stages.groups import Group
from pipeline.stages.node import Link, Node
from pipeline.stages.rank import rank, subject
from pipeline.stages.scope import Scope
from schemas.incident import Incident, IncidentStatus, Join, Member, Term
from schemas.severity import BY_RANK

URGENCY = {5: 1, 4: 2, 3: 3, 2: 4, 1: 4, 0: 4}

SENTENCES = {
    "same-item": "on the same item, {gap:.0f} s apart",
    "change": "on the items of change {via}, {gap:.0f} s apart",
    "rule": "joined by rule {via}",
    "command": "joined by hand",
    "needs": "{distance} relation(s) behind {via}, {gap:.0f} s apart",
    "explains": "{distance} relation(s) before what needs {via}, {gap:.0f} s apart",
    "still-down": "behind {via}, which is still down, {gap:.0f} s after it",
    "rare-word": "both say {via}, {gap:.0f} s apart",
    "rare-name": "both bear the name {via}, {gap:.0f} s apart",
    "common-cause": "many things that need {via} alert at once, though it says nothing itself",
}
THROUGH_ITEMS = frozenset({"needs", "explains", "still-down", "common-cause"})
APART = {
    "same-item": "more time between the two than correlate.same_item",
    "change": "another item, or a later start",
    "rule": "without the rule, or with other values of its equal labels",
    "command": "without that command",
    "needs": "more time between them, or no relation on the way through {via}",
    "explains": "more time between them, or no relation on the way through {via}",
    "still-down": "if {via} had recovered before",
    "rare-word": "more time between them than correlate.rare_label, or a word that more than correlate.rare_share say",
    "rare-name": "more time between them than correlate.rare_label, or a name that many items bear",
    "common-cause": "fewer alerts behind {via}",
}


def build(scope: Scope, group: Group, reason: str, clocks: Clocks, *, anew: bool = False) -> Incident:
    """The whole record of a group's incident as it is now; with `anew` the odds of a breach are those of now, too."""
    nodes = sorted((scope.nodes[key] for key in group.members), key=lambda n: n.order)
    items = tuple(sorted({node.about.item for node in nodes if node.about.item is not None}))
    services = tuple(sorted({service for item in items for service in scope.inventory.services(item)}))
    candidates = rank(nodes, scope.inventory, lambda item, at: any(scope.graph.changes_near(item, at)))
    severity = BY_RANK[group.top or 1]
    impact, urgency = _impact(scope, items, services), URGENCY[group.top]
    priority = scope.settings.incident.priority[impact - 1][urgency - 1]
    began = min((node.spell.start for node in nodes), default=group.opened)
    changes = sorted({c.id for item in items for c in scope.graph.changes_near(item, began)})
    known = [scope.inventory.items[c.item] for c in candidates if c.item in scope.inventory.items]
    cause = scope.inventory.items.get(candidates[0].item) if candidates else None
    return Incident(
        id=group.incident,
        version=group.version,
        tenant=group.tenant,
        scope=group.scope,
        status=IncidentStatus(group.status),
        reason=reason,
        title=_title(nodes, candidates[0].item if candidates else "", len(items), scope.inventory.name),
        severity=severity,
        impact=impact,
        urgency=urgency,
        priority=priority,
        opened=group.opened,
        changed=group.changed,
        started=began,
        resolved=None if group.resolved == NEVER else group.resolved,
        closed=None if group.closed == NEVER else group.closed,
        acknowledged_by=group.acknowledged_by,
        assignee=group.assignee,
        group=group.group or (known[0].owner if known else ""),
        merged_from=group.merged_from,
        alerts=len(nodes),
        active=group.active,
        members=tuple(member(node, scope) for node in nodes),
        items=items,
        services=services,
        candidates=candidates,
        changes=tuple(changes),
        supplier=cause.supplier if cause is not None else "",
        runbook=cause.runbook if cause is not None else "",
        runbooks=tuple(sorted({item.runbook for item in known if item.runbook})),
        own=clocks.clock(group, "own", priority, anew=anew),
        resolve=clocks.clock(group, "resolve", priority, anew=anew),
        notes=group.notes,
    )


def member(node: Node, scope: Scope) -> Member:
    """One member with its proof."""
    about, spell = node.about, node.spell
    return Member(
        alert=about.fingerprint,
        start=spell.start,
        end=None if spell.end == NEVER else spell.end,
        severity=BY_RANK[spell.rank],
        resource=about.resource,
        component=about.component,
        check=about.check,
        item=about.item,
        summary=about.summary,
        join=_join(node, node.link, scope),
    )


def _join(node: Node, link: Link | None, scope: Scope) -> Join:
    if link is None:
        return Join(
            alert=node.about.fingerprint, start=node.spell.start, reason="first", apart="nothing: it came first"
        )
    other = scope.nodes.get(link.other)
    to = link.other.partition("@")[0] if other is None else other.about.fingerprint
    via = scope.inventory.name(link.via) if link.kind in THROUGH_ITEMS else link.via
    words = {"gap": link.gap / 1000, "distance": link.distance, "via": via}
    term = Term(name=link.kind, weight=round(link.weight, 3), text=SENTENCES[link.kind].format(**words))
    return Join(
        alert=node.about.fingerprint,
        start=node.spell.start,
        to=to,
        reason=link.kind,
        terms=(term,),
        apart=APART[link.kind].format(**words),
    )


def _impact(scope: Scope, items: tuple[str, ...], services: tuple[str, ...]) -> int:
    """1 where a most critical service or three services suffer, 2 where anything important does, else 3."""
    known = scope.inventory.items
    if len(services) >= 3 or any(known[service].criticality == 1 for service in services):
        return 1
    if services or any(known[item].criticality <= 2 for item in items):
        return 2
    return 3


def _title(nodes: list[Node], cause: str, items: int, name: Callable[[str], str]) -> str:
    """What the likeliest cause says of itself, under the name that people know it by."""
    if not nodes:
        return "nothing left in it"
    first = max(nodes, key=lambda n: (n.spell.rank, -n.at, n.key))
    cause = cause or subject(first.about)
    about = next((n for n in nodes if subject(n.about) == cause), first)
    what = about.about.summary or about.about.check
    return f"{name(cause)}: {what}" + (f" (and {items - 1} more items)" if items > 1 else "")
