"""The correlating step of one scope: spells in, groups out. Which spells may act, where they belong, what changed.

It owns nodes and groups; `suppress` says when a spell may act, `correlate` what it is linked to. Incidents are told
of by `pipeline.practices.incident` from the groups that this step marks as touched.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from pipeline.settings import FlowSettings
from pipeline.stages.correlate import Graph
from pipeline.stages.enrich import Inventory
from pipeline.stages.fold import NEVER, Spell
from pipeline.stages.groups import Group
from pipeline.stages.ledger import entries, held_by
from pipeline.stages.node import UNPLACED, About, Held, Link, Node, node_key
from pipeline.stages.rank import subject
from pipeline.stages.suppress import Suppressor, Verdict
from pipeline.stages.words import Words
from pipeline.state import Table
from schemas.alert import LedgerEntry, Placement, SuppressionReason
from schemas.reference import InhibitionRule
from schemas.severity import BY_RANK


class Scope:
    """Nodes, groups and their timers. `seq` is the number of the input being handled: the version of what changes."""

    def __init__(self, settings: FlowSettings, inventory: Inventory) -> None:
        self.settings = settings
        self.inventory = inventory
        self.nodes: Table[Node] = Table("nodes", Node.dump, Node.load)
        self.groups: Table[Group] = Table("groups", Group.dump, lambda _, value: Group.load(value))
        self.suppressor = Suppressor(inventory, settings.correlate.active)
        self.words = Words(settings, inventory)
        self.graph = Graph(settings.correlate, inventory, self.nodes.live)
        self.touched: dict[str, str] = {}
        self.absorbed: list[tuple[Group, str]] = []
        self.ledger: list[LedgerEntry] = []
        self.placed: dict[str, int] = {}
        self.parted: list[Placement] = []
        self.counts: dict[str, int] = {}
        self.counted: Callable[[About, int, int], None] = lambda *_: None
        """Who counts the spells, by what they are about and their start: 1 that it began, -1 that it never did."""
        self.seq = 0
        self.high = 0
        self.watermark = -1
        self._timers: list[tuple[int, str, str]] = []

    # -- spells ----------------------------------------------------------------------------------------------------

    def begin(self, about: About, spell: Spell) -> None:
        """A spell is new. One that was over long ago is not: it was known and is forgotten, or came far too late."""
        if spell.end + self.settings.incident.close_after <= self.watermark:
            return
        key = node_key(about.fingerprint, spell.start)
        node = self.nodes[key] = Node(key, about, spell)
        self.counted(about, spell.start, 1)
        self.words.begun(about, spell.start, self.watermark)
        self.suppressor.dependencies.enter(node)
        self._weigh(node)

    def again(self, fingerprint: str, spell: Spell) -> bool:
        """A spell may have changed. False where it is not known yet."""
        node = self.nodes.get(node_key(fingerprint, spell.start))
        if node is None:
            return False
        if node.spell != spell:
            self.nodes.touch(node.key)
            old = node.spell
            if old.rank != spell.rank:
                self._regrade(node, spell.rank)
            node.spell = spell
            if node.at != UNPLACED and (
                old.rank != spell.rank
                or old.end not in (spell.end, NEVER)
                or (old.end != spell.end and self.graph.leant_on(node, spell.end))
            ):
                self._reindex(node)
            self._weigh(node)
        return True

    def _read(self, node: Node) -> bool:
        """Find its rare words, as soon as nothing can be said any more before the time that they are counted up to.

        Returns whether there are any.
        """
        known = self.words.known_from(node.spell.start)
        if known > self.watermark:
            self._wake_node(node, known)
            return False
        node.words = self.words.rare(node.about, node.spell.start, self.watermark)
        self.nodes.touch(node.key)
        return bool(node.words)

    def _regrade(self, node: Node, rank: int) -> None:
        """Its severity is a label like the others: rules may match now that did not before, or the other way round."""
        if node.at != UNPLACED:
            self.graph.remove(node, keep=True)  # the caller places it anew
        touched = self.suppressor.drop(node)
        node.about = node.about._replace(severity=BY_RANK[rank].value)
        self.suppressor.dependencies.enter(node)
        self._judge_all(touched)

    def retell(self, about: About, start: int) -> None:
        """A spell is said to be about something else than it seemed at first: it begins anew."""
        node = self.nodes.get(node_key(about.fingerprint, start))
        if node is not None and (node.about.summary, node.about.said) != (about.summary, about.said):
            self.gone(about.fingerprint, start)

    def _weigh(self, node: Node) -> None:
        """What it mutes, and what it may do itself."""
        self._judge_all(self.suppressor.put(node))
        self.judge(node)

    def gone(self, fingerprint: str, start: int) -> None:
        """A spell turned out never to have been (an event came that changes where it begins)."""
        key = node_key(fingerprint, start)
        node = self.nodes.get(key)
        if node is not None:
            self._take_out(node)
            self.counted(node.about, start, -1)
            self.words.gone(node.about, start, self.watermark)
            self.ledger += entries(node, (), self.seq, self.high, self.inventory)
            del self.nodes[key]
            self._judge_all(self.suppressor.drop(node))

    def _judge_all(self, keys: set[str]) -> None:
        for key in sorted(keys):
            node = self.nodes.get(key)
            if node is not None:
                self.judge(node)

    def put_inhibition(self, rule: InhibitionRule, at: int) -> None:
        """Insert or replace a rule; alerts that are open already count as its sources."""
        self.suppressor.put_inhibition(rule, at)
        for key in sorted(self.nodes):
            self._tell_suppressor(self.nodes[key])
        self.judge_waiting()

    def _tell_suppressor(self, node: Node) -> None:
        self.suppressor.put(node)
        self.suppressor.judge(node, self.watermark)

    def judge_waiting(self) -> None:
        """A reason was taken away: judge all that it may have held back."""
        self._judge_all({key for key, node in self.nodes.live.items() if node.suppressed and node.at == UNPLACED})

    def judge(self, node: Node) -> None:
        """Decide when the node may act, and put it in its place if that is now."""
        spell = node.spell
        if spell.act == NEVER or spell.end <= spell.act:
            verdict = Verdict(NEVER, ())
        else:
            verdict = self.suppressor.judge(node, self.watermark)
        at = node.spell.start if not verdict.covers else verdict.free
        if verdict.free >= spell.flaps and spell.calmed == NEVER:
            verdict = verdict._replace(free=NEVER)  # while it flaps it opens nothing
        node.free = verdict.free
        if node.at != UNPLACED and (verdict.free == NEVER or node.at != at):
            self._take_out(node)
        if node.at == UNPLACED and verdict.free != NEVER:
            if verdict.free == spell.start or verdict.free <= self.watermark:
                self._put_in(node, at)
            else:
                self._wake_node(node, verdict.free)
        elif node.at != UNPLACED:
            self._count(node)
            self._touch(node.group, "changed")
        if spell.end != NEVER and node.at == UNPLACED:  # placed ones go with their group
            self._wake_node(node, self._evict_at(node))
        self._note(node, held_by(spell, verdict.covers))

    def _note(self, node: Node, held: tuple[Held, ...]) -> None:
        """Tell the ledger what is new about what holds a node back."""
        if held != node.held:
            self.ledger += entries(node, held, self.seq, self.high, self.inventory)
            node.held = held
            self.nodes.touch(node.key)
        name = held[-1].reason if held and node.at == UNPLACED else ""
        if name != node.suppressed:
            node.suppressed = name
            self.nodes.touch(node.key)
            self.placed[node.key] = self.seq

    # -- the graph -------------------------------------------------------------------------------------------------

    def _put_in(self, node: Node, at: int) -> None:
        node.at = at
        self.nodes.touch(node.key)
        if node.words is None:  # most spells end before they may act, and are never asked
            self._read(node)
        self._join(node, self.graph.place(node))

    def _join(self, node: Node, links: list[tuple[Node, Link]]) -> None:
        """Make the node a member of the group of its strongest link, and merge the groups that it bridges."""
        for other, link in links:
            if not node.group:
                node.link = link
                self._enter(node, self.groups[other.group])
            elif other.group != node.group:
                self.merge(node, link)
        if not node.group:
            node.link = None
            name = node.key
            while name in self.groups:  # after a rebuild the name may still be borne by the rest
                name += "+"
            group = self.groups[name] = Group(name, node.about.tenant, node.about.scope)
            group.begun = subject(node.about)
            self._enter(node, group)

    def _enter(self, node: Node, group: Group) -> None:
        node.group = group.id
        group.members.append(node.key)
        group.top = max(group.top, node.spell.rank)
        group.multi = group.multi or subject(node.about) != group.begun
        self._count(node)
        self.placed[node.key] = self.seq
        self._touch(group.id, "grown")

    def _count(self, node: Node) -> None:
        """Keep the group's number of open members."""
        live = node.spell.end == NEVER
        if live != node.live:
            node.live = live
            self.groups[node.group].active += 1 if live else -1

    def merge(self, node: Node, link: Link) -> Group:
        """One group of the two that a link bridges.

        The one whose incident opened first goes on; without incidents the larger one.
        """
        other = self.nodes[link.other]
        one, two = self.groups[node.group], self.groups[other.group]
        keep, drop = sorted((one, two), key=lambda g: (not g.incident, g.opened, -len(g.members), g.id))
        self._hang(*((node, link) if drop is one else (other, link.turned(node.key))))
        for key in drop.members:
            node = self.nodes[key]
            node.group = keep.id
            self.nodes.touch(key)
            self.placed[key] = self.seq
        keep.members += drop.members
        keep.active += drop.active
        keep.top = max(keep.top, drop.top)
        keep.multi = keep.multi or drop.multi or keep.begun != drop.begun
        keep.stale = min(keep.stale, drop.stale)
        if drop.incident:
            keep.merged_from = (*keep.merged_from, drop.incident)
            self.absorbed.append((drop, keep.incident))
        del self.groups[drop.id]
        self.touched.pop(drop.id, None)
        self._touch(keep.id, "merged" if drop.incident else "grown")
        self.wake_group(keep, keep.stale)
        return keep

    def _hang(self, node: Node, link: Link) -> None:
        """Let a node be joined by a link, and those that it was joined through by it: each join has its proof."""
        seen: set[str] = set()
        now: Link | None = link
        while now is not None and node.key not in seen:
            seen.add(node.key)
            before, node.link = node.link, now
            self.nodes.touch(node.key)
            through = self.nodes.get(before.other) if before is not None else None
            if before is None or through is None or through.group != node.group:
                break
            now, node = before.turned(node.key), through

    def _take_out(self, node: Node) -> None:
        """Take a node out of the graph; the links between the rest are looked at again when that is settled."""
        if node.at == UNPLACED:
            return
        self.graph.remove(node)
        group = self.groups[node.group]
        group.members.remove(node.key)
        group.active -= node.live
        node.group, node.live = "", False
        self.nodes.touch(node.key)
        self.placed[node.key] = self.seq
        if group.members:
            group.stale = min(group.stale, max(self.high, self.watermark))
            self.wake_group(group, group.stale)
            self._touch(group.id, "changed")
        else:
            self._dissolve(group)

    def _dissolve(self, group: Group) -> None:
        if group.incident:
            self.absorbed.append((group, ""))
        del self.groups[group.id]
        self.touched.pop(group.id, None)

    def _reindex(self, node: Node) -> None:
        """Severity or end was revised: evidence may come or go."""
        group = node.group
        alone = len(self.groups[group].members) == 1
        self.graph.remove(node, keep=True)
        links = self.graph.place(node)
        self.groups[group].top = max(self.groups[group].top, node.spell.rank)
        for other, link in links:
            if other.group != node.group:
                self.merge(node, link)
        if not alone:
            grown = self.groups[node.group]
            grown.stale = min(grown.stale, max(self.high, self.watermark))
            self.wake_group(grown, grown.stale)

    def rebuild(self, group: Group) -> None:
        """Look at all links of a group anew. The part with its first member goes on as the same incident."""
        members = sorted((self.nodes[key] for key in group.members), key=lambda n: n.order)
        places = [node.at for node in members]
        for node in members:
            self.graph.remove(node)
            node.group, node.live = "", False
        del self.groups[group.id]
        self.touched.pop(group.id, None)
        group.members = []
        group.active = group.top = 0
        group.multi, group.stale, group.begun = False, NEVER, subject(members[0].about)
        self.groups[group.id] = group
        first = members[0]
        for node, at in zip(members, places, strict=True):
            node.at = at
            links = self.graph.place(node)
            if node is first:
                node.link = None
                self._enter(node, group)
            self._join(node, links)
            self.nodes.touch(node.key)

    # -- time ------------------------------------------------------------------------------------------------------

    def _touch(self, group_id: str, reason: str) -> None:
        self.groups.touch(group_id)
        if self.touched.get(group_id) != "grown":
            self.touched[group_id] = reason

    def _wake_node(self, node: Node, at: int) -> None:
        if at < node.wake:
            node.wake = at
            self.nodes.touch(node.key)
            heappush(self._timers, (at, "node", node.key))

    def wake_group(self, group: Group, at: int) -> None:
        """Ask for the group to be looked at when the watermark passes `at`."""
        if at < group.wake:
            group.wake = at
            self.groups.touch(group.id)
            heappush(self._timers, (at, "group", group.id))

    def _evict_at(self, node: Node) -> int:
        return min(over_at(node) + self.settings.dedup.reopen + self.settings.correlate.active + 1, NEVER)

    def next_due(self) -> tuple[str, str, int] | None:
        """The next timer that the watermark has passed: (kind, key, time); None when there is none."""
        while self._timers and self._timers[0][0] <= self.watermark:
            at, kind, key = heappop(self._timers)
            holder = self.nodes.get(key) if kind == "node" else self.groups.get(key)
            if holder is not None and holder.wake == at:
                holder.wake = NEVER
                (self.nodes if kind == "node" else self.groups).touch(key)
                return kind, key, at
        return None

    def fire_node(self, key: str) -> None:
        """A node's timer: it may act now, or it is over and can be forgotten."""
        node = self.nodes[key]
        self.nodes.touch(key)
        if node.at == UNPLACED and node.spell.end != NEVER and self._evict_at(node) <= self.watermark:
            self.forget(node)
        elif node.spell.end <= node.spell.act:  # it healed while it was held: there is nothing that it may do
            self._wake_node(node, self._evict_at(node))
        else:
            if node.words is None and node.at != UNPLACED and self._read(node):
                self._reindex(node)
            self.judge(node)

    def placement(self, key: str, version: int) -> Placement:
        """Where a node is now, as a record; `version` is the number of the input that last moved it."""
        node = self.nodes[key]
        group = self.groups.get(node.group) if node.group else None
        return Placement.trusted(
            {
                "alert": node.about.fingerprint,
                "version": version,
                "scope": node.about.scope,
                "start": node.spell.start,
                "item": node.about.item,
                "incident": group.incident or None if group is not None else None,
                "suppressed": SuppressionReason(node.suppressed) if node.suppressed else None,
            }
        )

    def forget(self, node: Node) -> None:
        """Drop a node for good."""
        if node.key in self.placed:  # not exported yet, and soon too late
            self.parted.append(self.placement(node.key, self.placed.pop(node.key)))
        if node.at != UNPLACED:
            self.graph.remove(node)
        del self.nodes[node.key]
        self._judge_all(self.suppressor.drop(node))

    def resume(self) -> None:
        """After a restore: rebuild the indexes and timers that follow from the state."""
        self.words.resume()
        for key in sorted(self.nodes, key=lambda k: self.nodes[k].order):
            node = self.nodes[key]
            facts = self.inventory.facts(node.about.item)
            if facts == node.about.facts:
                node.about = node.about._replace(facts=facts)  # shared again
            if node.at != UNPLACED:
                self.graph.index(node)
            self.suppressor.dependencies.enter(node)
            self._tell_suppressor(node)
            if node.wake < NEVER:
                heappush(self._timers, (node.wake, "node", key))
        for key, group in self.groups.live.items():
            if group.wake < NEVER:
                heappush(self._timers, (group.wake, "group", key))


def over_at(node: Node) -> int:
    """When a spell is over for good; NEVER while it flaps, for the ledger has to learn when that ends."""
    spell = node.spell
    return max(spell.end, spell.calmed) if spell.flaps < NEVER else spell.end
