"""One spell of one alert, as the correlating step holds it; and the group of spells that belong together."""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeline.stages.enrich import Above
from pipeline.stages.fold import NEVER, Spell

UNPLACED = -1
MODELS = "trend"
"""Source of what our own models say of metric samples; no monitor may be called so."""
RATES = "rates"
"""Source of what they say of the stream itself. It is made of what is correlated, and takes no part in that."""
OURS = frozenset({MODELS, RATES})
TURNED = {"needs": "explains", "explains": "needs"}
"""Kinds of evidence that have another name when they are seen from the other end."""


class Link(NamedTuple):
    """Evidence that two spells belong together. `gap` is in milliseconds, `distance` in relations."""

    kind: str
    other: str
    gap: int
    distance: int
    via: str
    weight: float

    def turned(self, other: str) -> Link:
        """The same evidence, seen from the other end: it then leads to `other`."""
        return self._replace(kind=TURNED.get(self.kind, self.kind), other=other)


class Rare(NamedTuple):
    """A word of a spell that few others had: `seen` of the `total` spells of the history before it, at most."""

    word: str
    seen: int
    total: int


class Held(NamedTuple):
    """One reason why a spell opens nothing, by what, in [since, until); see `schemas.alert.LedgerEntry`."""

    reason: str
    by: str
    since: int
    until: int


class About(NamedTuple):
    """What the spell is about. Mappings are never changed, so that many can share one."""

    fingerprint: str
    tenant: str
    scope: str
    source: str
    resource: str
    component: str
    check: str
    severity: str
    summary: str
    said: dict[str, str]
    """Labels of the monitor, on top of those of the item."""
    facts: dict[str, str]
    """What the item adds: see `pipeline.stages.enrich.Inventory.facts`."""
    item: str | None
    kind: str

    @property
    def labels(self) -> dict[str, str]:
        """All that matchers may look at. Made when asked for: kept, it would be most of what a spell takes."""
        return {
            **self.said,
            "resource": self.resource,
            "component": self.component,
            "check": self.check,
            "source": self.source,
            "tenant": self.tenant,
            "severity": self.severity,
            **self.facts,
        }


class Node:
    """A spell. `at` is when it may open or join something (UNPLACED until then): its place in the graph."""

    __slots__ = (
        "about",
        "above",
        "at",
        "cells",
        "free",
        "group",
        "held",
        "key",
        "link",
        "live",
        "part",
        "pinned",
        "spell",
        "suppressed",
        "ties",
        "wake",
        "words",
    )

    def __init__(self, key: str, about: About, spell: Spell) -> None:
        self.key = key
        self.about = about
        self.spell = spell
        self.at = UNPLACED
        self.free = NEVER
        self.group = ""
        self.live = False
        """Counted as an open member of its group."""
        self.link: Link | None = None
        self.suppressed = ""
        self.held: tuple[Held, ...] = ()
        """What the ledger says of it."""
        self.part = ""
        """What was split off by hand, of which only the same belongs together."""
        self.pinned = False
        """Split off itself; the others go with what they are nearest to."""
        self.ties: tuple[str, ...] = ()
        self.words: tuple[Rare, ...] | None = None
        """Its rare words; None until the time that they are counted up to has been reached."""
        self.wake = NEVER
        self.above: tuple[Above, ...] = ()
        self.cells: tuple[object, ...] = ()
        """Under what it was entered into the graph; relations, rules and changes may be others by now."""

    @property
    def order(self) -> tuple[int, str]:
        """Place among all nodes."""
        return (self.at, self.key)

    def dump(self) -> list[object]:
        """JSON-able state."""
        return [
            self.about, self.spell, self.at, self.free, self.group, self.link, self.suppressed, self.part,
            self.ties, self.wake, self.live, self.pinned, self.words, self.held,
        ]  # fmt: skip

    @classmethod
    def load(cls, key: str, values: list[Any]) -> Node:
        """Inverse of `dump`."""
        about, spell, at, free, group, link, suppressed, part, ties, wake, live, pinned, words, held = values
        node = cls(key, About(*about), Spell(*spell))
        node.at, node.free, node.wake = at, free, wake
        node.group, node.suppressed, node.part = group, suppressed, part
        node.live, node.pinned = bool(live), bool(pinned)
        node.link = None if link is None else Link(*link)
        node.ties = tuple(ties)
        node.held = tuple(Held(*reason) for reason in held)
        node.words = None if words is None else tuple(Rare(*word) for word in words)
        return node


def node_key(fingerprint: str, start: int) -> str:
    """Key of a spell: alert and start, so that keys of one alert sort by time."""
    return f"{fingerprint}@{start:015d}"
