"""Correlate: which spells belong together, exactly and incrementally.

Spells are nodes; evidence links them; the groups are the connected components. Each kind of evidence is a cell of
nodes in order of time (see `cells`), so a new node looks only at its nearest neighbours, and the groups are a
function of the set of nodes: the order in which they came does not matter. Taking a node out rebuilds its own group.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from pipeline.settings import CorrelateSettings
from pipeline.stages.buckets import NOTHING, Bucket
from pipeline.stages.cells import Cells, Place
from pipeline.stages.enrich import Above, Inventory
from pipeline.stages.match import MatcherIndex
from pipeline.stages.node import UNPLACED, Link, Node
from schemas.reference import Change, CorrelationRule

CAUSE_RANK = 4
"""Only what is at least major is taken for the cause of something on another item."""
DOWN_RANK = 5
"""Only what is critical goes on being a cause while it stays open, and only of what is at least major."""
WEIGHTS = {"rare-word": 0.6, "rare-name": 0.35}
"""Of evidence in shared cells, where it is less than 1. Names are for what the inventory does not know."""
SILENT_HOPS = 2
SILENT_LEAST = 3


class Shared(NamedTuple):
    """A cell in which neighbours within `window` milliseconds are linked; the kind of evidence, and through what."""

    cell: object
    window: int
    kind: str
    via: str


class Graph:
    """The placed nodes of one scope and the evidence between them. Groups are kept by whoever is told of the links."""

    def __init__(self, settings: CorrelateSettings, inventory: Inventory, nodes: dict[str, Node]) -> None:
        self._settings = settings
        self._inventory = inventory
        self._nodes = nodes
        self._cells = Cells()
        self._rules: MatcherIndex[CorrelationRule] = MatcherIndex()
        self._changes: dict[str, dict[str, Change]] = {}
        self._silent: dict[tuple[str, int], Bucket] = {}
        for rule in settings.rules:
            self.put_rule(rule)

    def put_rule(self, rule: CorrelationRule) -> None:
        """Insert or replace a user's rule; it holds for what is placed from now on."""
        self._rules.put(rule.id, rule.matchers, rule)

    def put_change(self, change: Change) -> None:
        """Insert or replace a change."""
        for changes in self._changes.values():
            changes.pop(change.id, None)
        for item in change.items:
            self._changes.setdefault(item, {})[change.id] = change

    def reach(self, distance: int) -> int:
        """How long after its cause an effect so far away may follow, in milliseconds."""
        settings = self._settings
        return settings.depends * (settings.hops + 2 - distance) // (settings.hops + 1)

    def changes_near(self, item: str, at: int) -> Iterator[Change]:
        """Changes on the item that began at most the window before `at`."""
        for change in self._changes.get(item, {}).values():
            if change.starts <= at <= max(change.ends, change.starts + self._settings.change):
                yield change

    # -- placing ---------------------------------------------------------------------------------------------------

    def place(self, node: Node) -> list[tuple[Node, Link]]:
        """Put a node (its `at` set) into the graph. Returns every link found, strongest first."""
        links = [(self._nodes[link.other], link) for link in self._links(node)]
        self.index(node)
        links.extend((self._nodes[link.other], link) for link in self._silent_links(node))
        scope = node.about.scope
        found = [(other, link) for other, link in links if other.about.scope == scope]
        found.sort(key=lambda pair: (-pair[1].weight, pair[1].other))
        if not node.pinned:
            node.part = found[0][0].part if found else ""
        return [(o, link) for o, link in found if o.part == node.part or link.kind == "command"]

    def index(self, node: Node) -> None:
        """Enter a node into the cells without looking for links (a restart does only this)."""
        place = node.order
        shared = self._shared(node)
        for cell, _, _, _ in shared:
            self._cells.add(cell, place)
        node.cells = tuple([cell for cell, _, _, _ in shared[1:]])
        item = node.about.item
        if item is None:
            return
        node.above = self._inventory.above(item)
        if node.spell.rank >= CAUSE_RANK:
            self._cells.add(("cause", item), place)
            if node.spell.rank >= DOWN_RANK:
                self._cells.add(("down", item), place)
        for above in node.above:
            self._cells.add((above.item, above.distance), place)
        if node.spell.rank >= CAUSE_RANK:
            for above, bucket in self._silent_cells(node):
                cell = (above.item, bucket)
                if cell not in self._silent:
                    self._silent[cell] = Bucket()
                need = self._enough(above.branch) if above.distance > 1 else 0
                self._silent[cell].add(above.branch, node.key, need)

    def remove(self, node: Node, keep: bool = False) -> None:
        """Take a node out of all cells; the caller rebuilds its group. `keep`: it is about to be indexed anew."""
        place = node.order
        for cell in (_home(node), *node.cells):
            self._cells.discard(cell, place)
        item = node.about.item
        if item is not None:
            self._cells.discard(("cause", item), place)
            self._cells.discard(("down", item), place)
            for above in node.above:
                self._cells.discard((above.item, above.distance), place)
            for above, bucket in self._silent_cells(node):
                cell = (above.item, bucket)
                if cell in self._silent and not self._silent[cell].discard(above.branch, node.key):
                    del self._silent[cell]
        if not keep:
            node.at = UNPLACED
            node.link = None

    def leant_on(self, node: Node, end: int) -> bool:
        """Whether something at `end` or after it may be linked to the node because that seemed to be down still.

        An end is told late: by an event that was overtaken, or by itself once the watermark has passed it.
        """
        item, at = node.about.item, node.at
        if item is None or node.spell.rank < DOWN_RANK:
            return False
        until = at + self._settings.active
        return any(
            self._cells.between((item, distance), max(end, at + self.reach(distance) + 1), until)
            for distance in range(1, self._inventory.hops + 1)
        )

    # -- evidence --------------------------------------------------------------------------------------------------

    def _shared(self, node: Node) -> list[Shared]:
        """Cells in which neighbours in time are linked."""
        settings, about = self._settings, node.about
        cells = [Shared(_home(node), settings.same_item, "same-item", about.item or about.scope)]
        if about.item is not None:
            if node.spell.rank >= CAUSE_RANK and settings.rare_label:
                cells.extend(
                    Shared(("name", part, about.scope), settings.rare_label, "rare-name", f'"{part}"')
                    for part in self._inventory.rare_parts(about.item)
                )
            cells.extend(
                Shared(("change", change.id), settings.change * 4, "change", change.id)
                for change in self.changes_near(about.item, node.at)
                if not change.suppresses
            )
        if len(self._rules):
            for rule in self._rules.matching(about.labels):
                equal = tuple(about.labels.get(label, "") for label in rule.equal)
                cells.append(Shared(("rule", rule.id, about.scope, equal), rule.within, "rule", rule.id))
        for rare in node.words or ():
            via = f'"{rare.word}" (in {rare.seen} of the {rare.total} alerts before)'
            cells.append(Shared(("word", rare.word, about.scope), settings.rare_label, "rare-word", via))
        cells.extend(Shared(("tie", tie), 1 << 60, "command", tie) for tie in node.ties)
        return cells

    def _links(self, node: Node) -> Iterator[Link]:
        place = node.order
        for cell, window, kind, via in self._shared(node):
            for near in self._cells.neighbours(cell, place, window):
                gap = abs(place[0] - near[0])
                most = WEIGHTS.get(kind, 1.0)
                yield Link(kind, near[1], gap, 0, via, most * (1.0 - 0.5 * gap / window))
        item = node.about.item
        if item is not None:
            for above in self._inventory.above(item):
                yield from self._causes(node, above)
            if node.spell.rank >= CAUSE_RANK:
                for distance in range(1, self._inventory.hops + 1):
                    yield from self._effects(node, item, distance)

    def _causes(self, node: Node, above: Above) -> Iterator[Link]:
        """Links of an effect to what is wrong at one thing that it needs."""
        cells, place, at = self._cells, node.order, node.at
        cell, reach = ("cause", above.item), self.reach(above.distance)
        near = cells.before(cell, place)
        if near is not None:
            if at - near[0] <= reach:
                yield _topology("needs", near, at, above.distance, above.item, reach)
            window = self._settings.active if node.spell.rank >= CAUSE_RANK else 0
            for down in cells.between(("down", above.item), at - window, at - reach - 1):
                if self._nodes[down[1]].spell.end > at:
                    yield _topology("still-down", down, at, above.distance, above.item, window)
        near = cells.after(cell, place)
        if near is not None and near[0] - at <= self._settings.before:
            yield _topology("needs", near, at, above.distance, above.item, reach)

    def _effects(self, node: Node, item: str, distance: int) -> Iterator[Link]:
        """Links of a cause to its effects, as far as no other cause on the same item is nearer to them."""
        cells, at, reach = self._cells, node.at, self.reach(distance)
        cell = (item, distance)
        earlier = cells.before(("cause", item), node.order)
        later = cells.after(("cause", item), node.order)
        since = max(at - self._settings.before, earlier[0] if earlier else 0)
        until = min(at + reach, later[0] if later else at + reach)
        for near in cells.between(cell, since, until):
            yield _topology("explains", near, at, distance, item, reach)
        if node.spell.rank >= DOWN_RANK:
            until = min(at + self._settings.active, node.spell.end - 1)
            for near in cells.between(cell, at + reach + 1, until):
                if self._nodes[near[1]].spell.rank >= CAUSE_RANK:
                    yield _topology("still-down", near, at, distance, item, self._settings.active)

    # -- a silent common cause -------------------------------------------------------------------------------------

    def _silent_cells(self, node: Node) -> Iterator[tuple[Above, int]]:
        if node.about.item is None:
            return
        bucket = node.at // self._settings.common_cause
        for above in node.above:
            if above.distance > SILENT_HOPS:
                break
            yield above, bucket

    def _branches_needed(self, item: str) -> int:
        return max(SILENT_LEAST, self._enough(item))

    def _enough(self, item: str) -> int:
        """How many of the direct dependants of a silent item have to alert."""
        return max(1, ceil(self._settings.coverage * len(self._inventory.needed_by(item))))

    def _silent_links(self, node: Node) -> Iterator[Link]:
        """Where enough branches of one thing alert in two neighbouring buckets of time, all belong together."""
        if node.spell.rank < CAUSE_RANK:
            return
        for above, bucket in self._silent_cells(node):
            needed = self._branches_needed(above.item)
            own = self._silent[above.item, bucket]
            for beside in (bucket - 1, bucket + 1):
                other = self._silent.get((above.item, beside), NOTHING)
                count = own.count_with(other, needed)
                if count < needed:
                    continue
                if count == needed and above.branch not in other.full and own.hangs_on(above.branch, node.key):
                    keys = sorted((own.keys() | other.keys()) - {node.key})  # it is the one that makes it enough
                else:
                    keys = [own.least_with(other, node.key)]  # what was linked before holds together by itself
                share = count / max(1, len(self._inventory.needed_by(above.item)))
                for key in keys:
                    gap = abs(self._nodes[key].at - node.at)
                    yield Link("common-cause", key, gap, above.distance, above.item, 0.4 * min(1.0, share))


def _home(node: Node) -> object:
    """The cell of what a spell is about: its item, or the resource that no item is known for."""
    about = node.about
    return ("resource", about.scope, about.resource) if about.item is None else ("item", about.item)


def _topology(kind: str, near: Place, at: int, distance: int, via: str, window: int) -> Link:
    gap = abs(near[0] - at)
    return Link(kind, near[1], gap, distance, via, (0.9 - 0.1 * distance) * (1.0 - 0.5 * min(1.0, gap / window)))
