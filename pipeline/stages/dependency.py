"""Dependency: what cannot be reached because something that it needs is down opens nothing of its own.

Evidence comes first: an alert near enough to its cause in time is a member of the cause's incident, with its proof (see
`correlate`). Held back is what comes later, while the cause is still down, and what is behind a cause that is itself
silenced or in maintenance: whether a thing is down does not depend on whether anybody is told of it. Only alerts on
availability are held back, for only those can be an effect of not being reached; and monitoring goes on: what still
fires when the cause ends comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pipeline.stages.cells import Cells
from pipeline.stages.enrich import Inventory
from pipeline.stages.fold import NEVER
from pipeline.stages.node import Node

DOWN_RANK = 5
DOWN_KINDS = frozenset({"availability", "hardware", "network", "power"})
"""Only a critical fault of such a kind means that a thing is down."""
REACHED = "availability"


class Stretch(NamedTuple):
    """A stretch of time [since, until) in which something was down, and what: items with the spell that says so."""

    since: int
    until: int
    by: str


Muted = Callable[[Node], Iterable[tuple[int, int]]]
"""The stretches of time in which nobody is told of a node: silences and windows."""


class Dependencies:
    """Which items are down, and which alerts are behind them."""

    def __init__(self, inventory: Inventory, active: int, muted: Muted) -> None:
        self._inventory = inventory
        self._active = active
        self._muted = muted
        self._down: dict[str, dict[str, Node]] = {}
        self._behind = Cells()

    def enter(self, node: Node) -> None:
        """A node is new: it is behind all that its item needs."""
        item = node.about.item
        if item is not None and node.about.kind == REACHED:
            for above in self._inventory.above(item):
                self._behind.add(above.item, (node.spell.start, node.key))

    def put(self, node: Node) -> set[str]:
        """Note a node as it is now. Returns the nodes behind it that have to be judged again."""
        item = node.about.item
        if item is None:
            return set()
        if node.spell.rank >= DOWN_RANK and node.about.kind in DOWN_KINDS:
            self._down.setdefault(item, {})[node.key] = node
            return self._after(node)
        return self._up(node)

    def drop(self, node: Node) -> set[str]:
        """Forget a node. Returns the nodes behind it."""
        if node.about.item is None:
            return set()
        for above in self._inventory.above(node.about.item):
            self._behind.discard(above.item, (node.spell.start, node.key))
        return self._up(node)

    def _up(self, node: Node) -> set[str]:
        item = node.about.item or ""
        if self._down.get(item, {}).pop(node.key, None) is None:
            return set()
        if not self._down[item]:
            del self._down[item]
        return self._after(node)

    def _after(self, node: Node) -> set[str]:
        """What a node may hold back: what began when it had been down for long, or when nobody was told of it."""
        item, start = node.about.item or "", node.spell.start
        places = self._behind.between(item, start + self._active + 1, NEVER)
        for since, until in self._muted(node):
            places = [*places, *self._behind.between(item, max(since, start), until)]
        return {key for _, key in places} - {node.key}

    def stretches(self, node: Node) -> list[Stretch]:
        """When a node may open nothing because of what is down above it."""
        item = node.about.item
        if not self._down or item is None or node.about.kind != REACHED:
            return []
        return self._lost(item, node.spell.start, self._inventory.hops)

    def _lost(self, item: str, start: int, hops: int) -> list[Stretch]:
        """When an item could not be reached: one thing that it needs was down, or all of a redundancy group were."""
        if not hops:
            return []
        lost: list[Stretch] = []
        groups: dict[str, list[Stretch]] = {}
        for target, group in sorted(self._inventory.needs(item).items()):
            found = self._failed(target, start)
            if any(above.item in self._down for above in self._inventory.above(target)):
                found += self._lost(target, start, hops - 1)
            if group:
                groups[group] = _both(groups[group], found) if group in groups else found
            else:
                lost += found
        return [*lost, *(stretch for group in sorted(groups) for stretch in groups[group])]

    def _failed(self, item: str, start: int) -> list[Stretch]:
        """When the item was down, as far as that holds back what began at `start`."""
        found: list[Stretch] = []
        for key, node in sorted(self._down.get(item, {}).items()):
            spell, by = node.spell, f"{item} by {key}"
            if start > spell.start + self._active:
                found.append(Stretch(spell.start, spell.end, by))
                continue
            for since, until in self._muted(node):
                if max(since, spell.start) <= start < until:
                    found.append(Stretch(max(since, spell.start), min(until, spell.end), by))
        return found


def _both(one: list[Stretch], two: list[Stretch]) -> list[Stretch]:
    """The stretches that two lists have in common."""
    shared = (Stretch(max(a.since, b.since), min(a.until, b.until), f"{a.by} and {b.by}") for a in one for b in two)
    return [stretch for stretch in shared if stretch.since < stretch.until]
