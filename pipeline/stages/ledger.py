"""The suppression ledger: what was held back, why, by what, until when. Written when that is decided or changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.stages.enrich import Inventory
from pipeline.stages.fold import NEVER, Spell
from pipeline.stages.node import Held, Node
from pipeline.stages.suppress import Cover
from schemas.alert import LedgerEntry, SuppressionReason
from schemas.event import content_id

WORDS: dict[SuppressionReason, str] = {
    SuppressionReason.SILENCE: "silenced by {}",
    SuppressionReason.MAINTENANCE: "in the maintenance window of change {}",
    SuppressionReason.INHIBITION: "muted by rule {}",
    SuppressionReason.DEPENDENCY: "cannot be reached while {} is down",
    SuppressionReason.FLAPPING: "it flaps: it opens and closes nothing until it is steady",
    SuppressionReason.TRANSIENT: "it ended by itself within its hold time",
}


def held_by(spell: Spell, covers: tuple[Cover, ...]) -> tuple[Held, ...]:
    """All that holds a spell back, or did: what covers it, its flapping, its end inside the hold time."""
    if not covers and spell.flaps == NEVER and not spell.end <= spell.act < NEVER:
        return ()
    held = [Held(cover.reason.value, cover.by, cover.since, cover.until) for cover in covers]
    if spell.flaps < NEVER:
        held.append(Held(SuppressionReason.FLAPPING.value, "", spell.flaps, spell.calmed))
    if spell.end <= spell.act < NEVER:
        held.append(Held(SuppressionReason.TRANSIENT.value, "", spell.start, spell.end))
    return tuple(held)


def entries(node: Node, now: tuple[Held, ...], seq: int, high: int, inventory: Inventory) -> Iterator[LedgerEntry]:
    """What the ledger has to learn when a node is held back by `now` instead of `node.held`."""
    known = {_name(held): held for held in node.held}
    for held in now:
        if known.pop(_name(held), None) != held:
            yield _entry(node, held, seq, _text(held, inventory))
    for held in known.values():
        # The reason was taken away, or what came late shows that it never was one.
        ended = held._replace(until=max(held.since, min(held.until, high)))
        yield _entry(node, ended, seq, f"{_text(held, inventory)}; taken back")


def _name(held: Held) -> tuple[str, str, int]:
    """What stays the same about a reason: an alert may flap more than once in one spell."""
    return (held.reason, held.by, held.since if held.reason == SuppressionReason.FLAPPING else 0)


def _text(held: Held, inventory: Inventory) -> str:
    words = WORDS[SuppressionReason(held.reason)]
    if held.reason != SuppressionReason.DEPENDENCY:
        return words.format(held.by)
    items = dict.fromkeys(part.partition(" by ")[0] for part in held.by.split(" and "))
    return words.format(" and ".join(inventory.name(item) for item in items))


def _entry(node: Node, held: Held, seq: int, text: str) -> LedgerEntry:
    fields: dict[str, Any] = {
        "id": content_id(node.key, *map(str, _name(held))),
        "version": seq,
        "alert": node.about.fingerprint,
        "start": node.spell.start,
        "reason": SuppressionReason(held.reason),
        "by": held.by,
        "since": held.since,
        "until": None if held.until >= NEVER else held.until,
        "text": text,
    }
    return LedgerEntry.trusted(fields)
