"""Suppress: silences, maintenance windows, inhibition and dependency. Nothing is lost: see `ledger`.

Whether an alert may open something is a function of intervals: from the time it may act on, the first moment that no
reason covers. When a reason ends earlier or comes later, the alerts that it touches are judged again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pipeline.stages.dependency import Dependencies
from pipeline.stages.enrich import Inventory
from pipeline.stages.fold import NEVER
from pipeline.stages.match import MatcherIndex
from pipeline.stages.node import Node
from schemas.alert import SuppressionReason
from schemas.reference import Change, InhibitionRule, Silence

FORGETTABLE = frozenset({SuppressionReason.INHIBITION.value, SuppressionReason.DEPENDENCY.value})
"""Reasons that are alerts themselves, and are forgotten one day."""


class Cover(NamedTuple):
    """One reason, for one stretch of time [since, until)."""

    since: int
    until: int
    reason: SuppressionReason
    by: str


class Verdict(NamedTuple):
    """`free` is when the alert may act, NEVER if not within what is known; `covers` is what held it back until then."""

    free: int
    covers: tuple[Cover, ...]


class Suppressor:
    """All reasons in force, indexed by what they anchor on."""

    def __init__(self, inventory: Inventory, active: int) -> None:
        self._inventory = inventory
        self.dependencies = Dependencies(inventory, active, self._untold)
        self._silences: MatcherIndex[tuple[Silence, int]] = MatcherIndex()
        self._windows: dict[str, dict[str, tuple[Change, int]]] = {}
        self._as_target: MatcherIndex[tuple[InhibitionRule, int]] = MatcherIndex()
        self._as_source: MatcherIndex[InhibitionRule] = MatcherIndex()
        self._sources: dict[str, dict[str, tuple[int, int, bool]]] = {}
        self._targets: dict[str, set[str]] = {}

    def put_silence(self, silence: Silence, at: int) -> None:
        """A silence in force from `at` at the earliest: it never changes what was decided before it was made."""
        self._silences.put(silence.id, silence.matchers, (silence, max(silence.starts, at)))

    def remove_silence(self, key: str) -> None:
        """Forget a silence."""
        self._silences.remove(key)

    def put_change(self, change: Change, at: int) -> None:
        """A maintenance window covers its items, what runs on them and what is part of them; from `at` on."""
        for windows in self._windows.values():
            windows.pop(change.id, None)
        if change.suppresses:
            for item in change.items:
                self._windows.setdefault(item, {})[change.id] = (change, max(change.starts, at))

    def put_inhibition(self, rule: InhibitionRule, at: int) -> None:
        """Insert or replace a rule in force from `at` on. What is known of the alerts has to be told again."""
        self._as_target.put(rule.id, rule.target, (rule, at))
        self._as_source.put(rule.id, rule.source, rule)
        for known in (self._sources, self._targets):
            for key in [key for key in known if key.split("\x1f", 1)[0] == rule.id]:
                del known[key]  # it may have been other alerts, or other labels

    def source_keys(self, labels: Mapping[str, str]) -> list[tuple[str, bool]]:
        """The (rule, equal labels) that an alert with these labels mutes others of, and whether it is a target too."""
        if not len(self._as_source):
            return []
        targets = {rule.id for rule, _ in self._as_target.matching(labels)}
        return [(_equal_key(rule, labels), rule.id in targets) for rule in self._as_source.matching(labels)]

    def set_source(self, key: str, node: str, start: int, end: int, both: bool) -> set[str]:
        """Note a source's interval (all sources of a key are kept). Returns the targets to judge again."""
        sources = self._sources.setdefault(key, {})
        if sources.get(node) == (start, end, both):
            return set()
        sources[node] = (start, end, both)
        return self._targets.get(key, set())

    def drop(self, node: Node) -> set[str]:
        """Forget a node. Returns the nodes that it held back."""
        touched = self.dependencies.drop(node)
        return touched | self._drop(node.key, node.about.labels) if len(self._as_source) else touched

    def _drop(self, node: str, labels: Mapping[str, str]) -> set[str]:
        touched: set[str] = set()
        for key, _ in self.source_keys(labels):
            if self._sources.get(key, {}).pop(node, None) is not None:
                touched |= self._targets.get(key, set())
                if not self._sources[key]:
                    del self._sources[key]
        for rule, _ in self._as_target.matching(labels):
            key = _equal_key(rule, labels)
            waiting = self._targets.get(key)
            if waiting is not None:
                waiting.discard(node)
                if not waiting:
                    del self._targets[key]
        return touched - {node}

    def put(self, node: Node) -> set[str]:
        """Note what a node mutes and what it needs, as it is now. Returns the nodes to judge again."""
        spell, touched = node.spell, self.dependencies.put(node)
        for source, both in self.source_keys(node.about.labels) if len(self._as_source) else ():
            touched = touched | self.set_source(source, node.key, spell.start, spell.end, both)
        return touched

    def judge(self, node: Node, watermark: int) -> Verdict:
        """When a node is free of every reason. What held it back and is over stays, though its source be forgotten."""
        spell, about = node.spell, node.about
        matched = len(self._silences) or len(self._as_target)  # labels are made when they are asked for
        covers = self._covers(node.key, about.labels if matched else {}, about.item)
        covers += [
            Cover(stretch.since, stretch.until, SuppressionReason.DEPENDENCY, stretch.by)
            for stretch in self.dependencies.stretches(node)
        ]
        if node.held:
            known = {(cover.reason, cover.by) for cover in covers}
            covers += [
                Cover(held.since, held.until, SuppressionReason(held.reason), held.by)
                for held in node.held
                if held.until <= watermark and held.reason in FORGETTABLE and (held.reason, held.by) not in known
            ]
        if not covers:
            return Verdict(spell.act, ())
        free, end, used = spell.act, spell.end, []
        for cover in sorted(covers):
            if cover.since <= free < cover.until:
                used.append(cover)
                free = cover.until
            elif cover.since > free:
                break
        return Verdict(free if free < end else NEVER, tuple(used))

    def _untold(self, node: Node) -> Iterator[tuple[int, int]]:
        """When nobody is told of a node because people said so."""
        for silence, since in self._silences.matching(node.about.labels) if len(self._silences) else ():
            yield since, silence.ends
        for change, since in self._windows_of(node.about.item) if self._windows and node.about.item else ():
            yield since, change.ends

    def _covers(self, node: str, labels: Mapping[str, str], item: str | None) -> list[Cover]:
        covers: list[Cover] = []
        if len(self._silences):
            covers.extend(
                Cover(since, silence.ends, SuppressionReason.SILENCE, silence.id)
                for silence, since in self._silences.matching(labels)
            )
        if item is not None and self._windows:
            covers.extend(
                Cover(since, change.ends, SuppressionReason.MAINTENANCE, change.id)
                for change, since in self._windows_of(item)
            )
        if len(self._as_target):
            covers.extend(self._inhibitions(node, labels))
        return covers

    def _inhibitions(self, node: str, labels: Mapping[str, str]) -> list[Cover]:
        covers = []
        own = {key for key, _ in self.source_keys(labels)}
        for rule, since in self._as_target.matching(labels):
            key = _equal_key(rule, labels)
            self._targets.setdefault(key, set()).add(node)
            for source, (start, end, both) in self._sources.get(key, {}).items():
                # An alert on both sides is muted only by one that is not itself on both sides.
                if source != node and not (both and key in own):
                    begin = max(start, since)
                    covers.append(Cover(begin, end, SuppressionReason.INHIBITION, f"{rule.id} by {source}"))
        return covers

    def _windows_of(self, item: str) -> list[tuple[Change, int]]:
        found: dict[str, tuple[Change, int]] = {}
        for carrier in self._inventory.carriers(item):
            found.update(self._windows.get(carrier, {}))
        return [found[key] for key in sorted(found)]


def _equal_key(rule: InhibitionRule, labels: Mapping[str, str]) -> str:
    return "\x1f".join((rule.id, *(labels.get(label, "") for label in rule.equal)))
