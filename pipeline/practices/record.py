"""The public record of an incident, and its clocks."""

from __future__ import annotations

from pipeline.practices.clock import BusinessTime
from pipeline.settings import IncidentSettings
from pipeline.stages.fold import NEVER
from pipeline.stages.groups import Group
from pipeline.stages.node import Link, Node
from pipeline.stages.rank import rank, subject
from pipeline.stages.scope import Scope
from schemas.incident import Clock, Incident, IncidentStatus, Join, Member, Term
from schemas.reference import ServiceTarget
from schemas.severity import BY_RANK

URGENCY = {5: 1, 4: 2, 3: 3, 2: 4, 1: 4, 0: 4}
RUNNING = {"own": frozenset({"new"}), "resolve": frozenset({"new", "assigned"})}
"""In which statuses a clock runs: time to own until somebody has it, time to resolve except while pending."""
WARN_AT = 0.75

SENTENCES = {
    "same-item": "on the same item, {gap:.0f} s apart",
    "change": "on the items of change {via}, {gap:.0f} s apart",
    "rule": "joined by rule {via}",
    "command": "joined by hand",
    "needs": "{distance} relation(s) behind {via}, {gap:.0f} s apart",
    "explains": "{distance} relation(s) before what needs {via}, {gap:.0f} s apart",
    "still-down": "behind {via}, which is still down, {gap:.0f} s after it",
    "common-cause": "many things that need {via} alert at once, though it says nothing itself",
}
APART = {
    "same-item": "more time between the two than correlate.same_item",
    "change": "another item, or a later start",
    "rule": "without the rule, or with other values of its equal labels",
    "command": "without that command",
    "needs": "more time between them, or no relation on the way through {via}",
    "explains": "more time between them, or no relation on the way through {via}",
    "still-down": "if {via} had recovered before",
    "common-cause": "fewer alerts behind {via}",
}


class Clocks:
    """Time to own and time to resolve, on business calendars."""

    def __init__(self, settings: IncidentSettings) -> None:
        self._targets: dict[int, ServiceTarget] = {target.priority: target for target in settings.targets}
        self._calendars = {calendar.id: BusinessTime(calendar) for calendar in settings.calendars}

    def clock(self, group: Group, name: str, priority: int, at: int) -> Clock | None:
        """State of one clock at a time; None where the priority has no target."""
        target = self._targets.get(priority)
        if target is None:
            return None
        allowed = target.own if name == "own" else target.resolve
        calendar = self._calendars[target.calendar]
        used = 0
        for (since, status), (until, _) in zip(group.work, (*group.work[1:], (at, "")), strict=True):
            if status in RUNNING[name] and until > since:
                used += calendar.elapsed(since, until)
        running = bool(group.work) and group.work[-1][1] in RUNNING[name]
        state = "breached" if used >= allowed else "warned" if used >= WARN_AT * allowed else "ok"
        if not running and state != "breached":
            state = "met" if name == "own" or group.status in ("resolved", "closed") else state
        warns = calendar.after(at, int(WARN_AT * allowed) - used) if running and used < WARN_AT * allowed else None
        breaches = calendar.after(at, allowed - used) if running and used < allowed else None
        return Clock(target=allowed, used=used, at=at, running=running, warns=warns, breaches=breaches, state=state)

    def next_due(self, group: Group) -> int:
        """When the next warning or breach comes if nothing changes; NEVER where none."""
        clocks = [self.clock(group, name, group.priority, group.changed) for name in RUNNING]
        times = [t for c in clocks if c is not None for t in (c.warns, c.breaches) if t is not None]
        return min(times, default=NEVER)

    def crossed(self, group: Group, at: int) -> str:
        """Returns "breached" or "warned" where a clock has crossed that since the last version, else ""."""
        found = ""
        for name in RUNNING:
            before, after = (
                self.clock(group, name, group.priority, t) for t in (group.changed, max(at, group.changed))
            )
            if before is not None and after is not None and before.state != after.state:
                if after.state == "breached":
                    return "breached"
                found = after.state if after.state == "warned" else found
        return found


def build(scope: Scope, group: Group, reason: str, clocks: Clocks) -> Incident:
    """The whole record of a group's incident as it is now."""
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
    return Incident(
        id=group.incident,
        version=group.version,
        tenant=group.tenant,
        scope=group.scope,
        status=IncidentStatus(group.status),
        reason=reason,
        title=_title(nodes, candidates[0].name if candidates else "", len(items)),
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
        runbooks=tuple(sorted({item.runbook for item in known if item.runbook})),
        own=clocks.clock(group, "own", priority, group.changed),
        resolve=clocks.clock(group, "resolve", priority, group.changed),
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
    words = {"gap": link.gap / 1000, "distance": link.distance, "via": link.via}
    term = Term(name=link.kind, weight=round(link.weight, 3), text=SENTENCES[link.kind].format(**words))
    return Join(
        alert=node.about.fingerprint,
        start=node.spell.start,
        to=to,
        reason=link.kind,
        terms=(term,),
        apart=APART[link.kind].format(**words),
    )


def worth(record: Incident) -> int:
    """When the incident's clocks want attention next; 0 where never."""
    clocks = (record.own, record.resolve)
    return min((t for c in clocks if c is not None for t in (c.warns, c.breaches) if t is not None), default=0)


def _impact(scope: Scope, items: tuple[str, ...], services: tuple[str, ...]) -> int:
    """1 where a most critical service or three services suffer, 2 where anything important does, else 3."""
    known = scope.inventory.items
    if len(services) >= 3 or any(known[service].criticality == 1 for service in services):
        return 1
    if services or any(known[item].criticality <= 2 for item in items):
        return 2
    return 3


def _title(nodes: list[Node], cause: str, items: int) -> str:
    if not nodes:
        return "nothing left in it"
    first = max(nodes, key=lambda n: (n.spell.rank, -n.at, n.key))
    cause = cause or subject(first.about)
    about = next((n for n in nodes if subject(n.about) == cause or n.about.resource == cause), first)
    what = about.about.summary or about.about.check
    return f"{cause}: {what}" + (f" (and {items - 1} more items)" if items > 1 else "")
