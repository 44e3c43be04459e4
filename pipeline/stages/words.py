"""Rare labels and words: what few alerts have said lately ties those together that say it at the same time.

How often something was said is counted in buckets of time, by when the spells began. A spell looks only at buckets
that were over before its own start less the lateness, so no event that may still come can change what it sees: every
order of arrival inside the lateness finds the same words rare. Words share a fixed number of counters by their hashes
(a count-min sketch of one row; Cormode and Muthukrishnan, 2005): one that meets another looks more usual than it is,
never rarer.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

from pipeline.settings import FlowSettings
from pipeline.stages.enrich import Inventory
from pipeline.stages.node import OURS, About, Rare
from pipeline.state import Table
from schemas.base import HOUR

BUCKETS = 24
"""Parts of the history."""
COUNTERS = 1 << 16
"""Counters of a scope and bucket; another one counts the spells."""
HELD = HOUR
"""A spell that had to wait for longer until it may act ties nothing by its words."""
TOTAL = 0
FORGOTTEN = "before"
"""Key of the entry that says which buckets are forgotten."""
_NOTHING = {TOTAL: -BUCKETS}
SHARDS = 16
"""Parts of a bucket in a checkpoint."""
KEPT = 6
"""The rarest words of a spell that may tie it to others."""
SHORTEST, LONGEST = 3, 64
MOST = 48
"""Words of one spell that are looked at."""

_WORD = re.compile(r"[^\W_][^\s,;=()\[\]{}<>\"'|]*")
_NAME = re.compile(r"[\d_.:@\\]|[a-z][A-Z]|/.*/")
"""What tells a name from a plain word: a digit, a sign inside it, a capital after a small letter."""
_PART = re.compile(r"[^\W_]+")
_EDGE = ".:/-!?*#"
_NUMBER = re.compile(r"[-+~<>=]*\d[\d.,:/+-]*(?:t\d[\d.:+-]*z?)?[a-zµ°%/]{0,5}")
"""A number, with its unit; a date, a time, a share. What two alerts have in common by chance."""
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_STATES = frozenset(
    {
        "alarm", "alert", "average", "cleared", "crit", "critical", "disaster", "down", "emergency",
        "err", "error", "failed", "false", "firing", "high", "info", "information", "informational",
        "low", "major", "minor", "none", "notice", "null", "okay", "problem", "recovered",
        "resolved", "true", "unknown", "unreachable", "warn", "warning",
    }
)  # fmt: skip
_OURS = frozenset({"resource", "component", "check", "source", "tenant", "item", "kind", "site", "owner"})
"""Labels that enriching adds: what they hold is evidence of another kind."""
_PASSED = _OURS | {"severity", "priority", "level", "status", "state", "urgency", "impact"}


class Bucket:
    """How many spells of one scope that began in one stretch of time said what: by shard, counter to number."""

    __slots__ = ("keys", "shards")

    def __init__(self, number: int, scope: str) -> None:
        self.keys = [f"{number:012d} {shard:02d} {scope}" for shard in range(SHARDS)]
        self.shards: list[dict[int, int]] = [{} for _ in range(SHARDS)]


class Words:
    """What was said lately, by scope."""

    def __init__(self, settings: FlowSettings, inventory: Inventory) -> None:
        evidence = settings.correlate
        self._inventory = inventory
        self._lateness = settings.time.lateness
        self._width = max(1, evidence.rare_history // BUCKETS)
        self._share, self._after = evidence.rare_share, evidence.rare_after
        self._on = evidence.rare_label > 0
        self.table: Table[dict[int, int]] = Table(
            "words",
            lambda counts: list(counts.items()),
            lambda _, value: {int(counter): int(number) for counter, number in value},
        )
        self._buckets: dict[int, dict[str, Bucket]] = {}
        self._sums: dict[str, dict[int, int]] = {}
        """Of all buckets that are kept, by scope and counter."""

    def begun(self, about: About, start: int, watermark: int) -> None:
        """Count a new spell."""
        if self._on:
            self._expire(watermark)
            if self._open(start, watermark):
                self._add(about.scope, _words(about), start, 1)

    def known_from(self, start: int) -> int:
        """From which watermark on it is certain what a spell looks at: its own start less the lateness, or before."""
        return (start - self._lateness) // self._width * self._width if self._on else -1

    def gone(self, about: About, start: int, watermark: int) -> None:
        """A spell turned out never to have been."""
        if self._on and self._open(start, watermark):
            self._add(about.scope, _words(about), start, -1)

    def _open(self, start: int, watermark: int) -> bool:
        """Whether the bucket of a time may still change: nobody looks at it yet."""
        return (start // self._width + 1) * self._width > watermark

    def _add(self, scope: str, words: list[str], start: int, by: int) -> None:
        bucket, sums = self._bucket(start // self._width, scope), self._sums.setdefault(scope, {})
        live, keys, shards = self.table.live, bucket.keys, bucket.shards
        for counter in {TOTAL, *map(_counter, words)}:
            number = counter % SHARDS
            shard = shards[number]
            shard[counter] = shard.get(counter, 0) + by
            sums[counter] = sums.get(counter, 0) + by
            if keys[number] not in live:
                live[keys[number]] = shard
            self.table.touch(keys[number])

    def _bucket(self, number: int, scope: str) -> Bucket:
        scopes = self._buckets.setdefault(number, {})
        bucket = scopes.get(scope)
        if bucket is None:
            bucket = scopes[scope] = Bucket(number, scope)
        return bucket

    def rare(self, about: About, start: int, watermark: int) -> tuple[Rare, ...]:
        """The rare words of a spell, the rarest first; none where the history that it would need is forgotten."""
        until, scope = (start - self._lateness) // self._width, about.scope
        sums = self._sums.get(scope)
        oldest = max(self._oldest(watermark), self.table.live.get(FORGOTTEN, _NOTHING)[TOTAL])
        if sums is None or until - BUCKETS < oldest:
            return ()
        # The history is all that is kept, but for the few buckets that are too new or too old for this one spell.
        aside = (*range(until, max(self._buckets) + 1), *range(min(self._buckets), until - BUCKETS))
        outside = [self._buckets[number][scope].shards for number in aside if scope in self._buckets.get(number, ())]

        def count(counter: int) -> int:
            shard = counter % SHARDS
            return sums.get(counter, 0) - sum([shards[shard].get(counter, 0) for shards in outside])

        total = count(TOTAL)
        if total < self._after:
            return ()
        most = self._share * total
        few = [(word, seen) for word in _words(about) if (seen := count(_counter(word))) <= most]
        if not few:
            return ()
        names = self._names(about)
        found = [Rare(word, seen, total) for word, seen in few if not self._named(word, about.tenant, names)]
        return tuple(sorted(found, key=lambda rare: (rare.seen, rare.word))[:KEPT])

    def _names(self, about: About) -> frozenset[str]:
        """What the spell is about by name: resources and items are tied by evidence of their own."""
        names = {about.resource, about.component}
        item = self._inventory.items.get(about.item) if about.item is not None else None
        if item is not None:
            # Where the topology is known, that the same kind of check fails twice is no evidence of its own.
            names |= {about.check, *_said(about.check), *_PART.findall(about.check)}
            names |= {item.id, item.name, *item.aliases, *item.addresses, *item.labels.values()}
        lower = {name.lower() for name in names if name}
        return frozenset(lower | {name.split(".", 1)[0] for name in lower})

    def _named(self, token: str, tenant: str, names: frozenset[str]) -> bool:
        host = token.rsplit(":", 1)[0]
        short = host.split(".", 1)[0]
        return (
            token in names
            or host in names
            or (short in names and not short.isdigit())
            or self._inventory.find(tenant, token, "", {}) is not None
        )

    def _oldest(self, watermark: int) -> int:
        """The first bucket that is looked at by the latest of what may still come, or has been held for a while."""
        return (watermark - self._lateness - HELD) // self._width - BUCKETS

    def _expire(self, watermark: int) -> None:
        """Forget the buckets that nobody will look at any more."""
        oldest = self._oldest(watermark)
        if not self._buckets or min(self._buckets) >= oldest:
            return
        self.table[FORGOTTEN] = {TOTAL: oldest}
        for number in [number for number in self._buckets if number < oldest]:
            for scope, bucket in self._buckets.pop(number).items():
                sums = self._sums.get(scope, {})
                for key, shard in zip(bucket.keys, bucket.shards, strict=True):
                    if shard:
                        del self.table[key]
                    for counter, count in shard.items():
                        left = sums.get(counter, 0) - count  # what was taken back counts 0, and may be gone already
                        if left:
                            sums[counter] = left
                        else:
                            sums.pop(counter, None)
                if not sums:
                    self._sums.pop(scope, None)

    def resume(self) -> None:
        """After a restore: the buckets and sums that the table holds."""
        self._buckets, self._sums = {}, {}
        for key, shard in self.table.live.items():
            if key == FORGOTTEN:
                continue
            number, at, scope = key.split(" ", 2)
            self._bucket(int(number), scope).shards[int(at)] = shard
            sums = self._sums.setdefault(scope, {})
            for counter, count in shard.items():
                sums[counter] = sums.get(counter, 0) + count


def _words(about: About) -> list[str]:
    """The distinct words and label values of a spell that could mean something, in the order in which they stand."""
    if about.source in OURS:
        return []  # worded by us: that two say the same means nothing
    known = dict.fromkeys([_whole(value) for name, value in about.said.items() if name not in _PASSED])
    known[_whole(about.check)] = None
    known.update(_said(about.summary))
    known.pop("", None)
    return list(known)[:MOST]


@lru_cache(maxsize=1 << 14)
def _whole(text: str) -> str:
    """A whole value as one word; "" for one that says nothing."""
    word = text.lower()
    return word if _means_something(word) else ""


@lru_cache(maxsize=4096)
def _said(text: str) -> dict[str, None]:
    """The names in a text, each once; plain words of a language are too weak a tie. Summaries come again and again."""
    words = (word.rstrip(_EDGE) for word in _WORD.findall(text))
    return dict.fromkeys(word.lower() for word in words if _NAME.search(word) and _means_something(word.lower()))


def _means_something(word: str) -> bool:
    if not SHORTEST <= len(word) <= LONGEST or word in _STATES:
        return False
    return _NUMBER.fullmatch(word) is None or _ADDRESS.fullmatch(word) is not None


@lru_cache(maxsize=1 << 14)
def _counter(word: str) -> int:
    """The counter of a word: 1 to COUNTERS."""
    digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return 1 + int.from_bytes(digest, "big") % COUNTERS
