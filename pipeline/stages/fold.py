"""The fold of one alert: what its events, in the order of their own times, make of it.

A `Fold` is a function of the sorted events alone, so any arrival order ends with the same one. Spells (see
`schemas.alert.Occurrence`) open and close here; flapping and the end of an alert without news are part of it,
because they decide where a spell ends.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from pipeline.stages import flapping
from pipeline.stages.arrival import Arrival
from pipeline.stages.flapping import CHECKS

NEVER = 1 << 62
"""Later than any time."""
SIBLINGS = 64
"""Open problems of one alert that are told apart; of more, the oldest end with the others."""
HISTORY = 32
"""Severity changes kept."""


class Point(NamedTuple):
    """What the fold needs of one event, ordered by time, problems before resolutions, id."""

    time: int
    order: int
    id: str
    rank: int
    ends: int
    summary: str
    labels: dict[str, str]
    url: str
    key: str = ""
    """What a resolution calls the one problem that it ends; empty where it ends all of the alert."""


class Rules(NamedTuple):
    """The settings of folding, in milliseconds and shares; `holds` by severity rank 0 to 5."""

    reopen: int
    expire: int
    steady: int
    start: float
    stop: float
    holds: tuple[int, ...]
    forget: int = NEVER
    """After so long without an event what is over is forgotten, and the next event begins as if it were the first."""


class Spell(NamedTuple):
    """One spell as the correlating step sees it. `end` is NEVER while open; `act` is when it may open something."""

    start: int
    end: int
    act: int
    rank: int
    flaps: int = NEVER
    """Since when it flaps, or did last; NEVER where it never has. Nothing may act from then on."""
    calmed: int = NEVER
    """When that was over."""


class Fold:
    """State of one alert. `open` is the spell's; `raw` is what the monitor last said (they differ while flapping)."""

    __slots__ = (
        "act",
        "calm",
        "calmed",
        "count",
        "end",
        "expires",
        "flapping",
        "flaps",
        "highest",
        "history",
        "keys",
        "labels",
        "last",
        "late",
        "open",
        "past",
        "rank",
        "raw",
        "reopened",
        "spells",
        "start",
        "summary",
        "total",
        "url",
        "window",
    )

    def __init__(self) -> None:
        self.open = self.raw = self.flapping = False
        self.start = self.last = self.expires = 0
        self.end = self.act = self.flaps = self.calmed = NEVER
        self.calm = 0
        self.rank = self.highest = self.window = 0
        self.count = self.total = self.spells = self.reopened = self.late = 0
        self.summary = self.url = ""
        self.labels: dict[str, str] = {}
        self.keys: tuple[str, ...] = ()
        """Clear keys of the problems that are open: one that ends does not end its siblings."""
        self.history: tuple[tuple[int, int], ...] = ()
        self.past: tuple[Spell, ...] = ()

    def copy(self) -> Fold:
        """An independent copy (all parts are immutable or never changed in place)."""
        other = Fold.__new__(Fold)
        for name in Fold.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def dump(self) -> list[object]:
        """The state as JSON-able values, in the order of the slots."""
        return list(_slots(self))

    @classmethod
    def load(cls, values: list[object]) -> Fold:
        """Inverse of `dump`."""
        fold = cls.__new__(cls)
        for name, value in zip(Fold.__slots__, values, strict=True):
            setattr(fold, name, value)
        fold.keys = tuple(fold.keys)
        fold.history = tuple((time, rank) for time, rank in fold.history)
        fold.past = tuple(Spell(*spell) for spell in fold.past)
        return fold

    def spell(self) -> Spell:
        """The current spell."""
        return Spell(self.start, self.end, self.act, self.highest, self.flaps, self.calmed)

    def all_spells(self) -> tuple[Spell, ...]:
        """The current spell, where there is one, and those before it that may still change."""
        return (*self.past, self.spell()) if self.spells else self.past

    def due(self, rules: Rules) -> int:
        """When something happens by itself: the end without news, or the end of flapping; NEVER where nothing does."""
        expiry = self.expires if self.raw else NEVER
        if not self.flapping:
            return expiry
        checks = flapping.quiet_checks_until(self.window, rules.stop)
        return min(expiry, self.last + max(checks, 1) * rules.steady)


_slots: Callable[[Fold], tuple[object, ...]] = attrgetter(*Fold.__slots__)


def settle(fold: Fold, until: int, rules: Rules) -> None:
    """Let happen what happens by itself up to and including `until`."""
    while (due := fold.due(rules)) <= until:
        if fold.raw and fold.expires == due:
            fold.raw, fold.calm, fold.keys = False, due, ()
            if not fold.flapping:
                _close(fold, due)
            continue
        fold.window = flapping.quiet(fold.window, max(1, (due - fold.last) // rules.steady))
        fold.last = due
        _steady(fold, due, rules)


def step(fold: Fold, point: Point, rules: Rules) -> str:
    """Apply one event, in order. Returns the named reason: what it did to the alert ("repeat" for nothing)."""
    time = point.time
    due = fold.expires if fold.raw else NEVER
    if fold.flapping or due < time:
        before = (fold.raw, fold.flapping)
        settle(fold, time - 1, rules)
        if before != (fold.raw, fold.flapping):
            reason = step(fold, point, rules)
            return "settled" if reason == "repeat" else reason
    if time - fold.last > rules.forget and fold.total and not fold.raw and not fold.flapping:
        _forget(fold)
    problem = point.order == 0 or (fold.raw and not _ends(fold, point))
    changed = problem != fold.raw
    if fold.total:
        gap = (time - fold.last) // rules.steady
        if gap > 1 and fold.window:
            fold.window = flapping.quiet(fold.window, min(gap - 1, CHECKS))
    fold.window = (fold.window << 1 | changed) & flapping.MASK
    fold.last = time
    fold.total += 1
    fold.raw = problem
    if changed and not problem:
        fold.calm = time
    if point.order == 0:
        fold.expires = point.ends or time + rules.expire
        if point.key and point.key not in fold.keys:
            fold.keys = (*fold.keys[1 - SIBLINGS :], point.key)
    if fold.flapping or (fold.window and flapping.share(fold.window) > rules.start):
        return _flap(fold, point, rules)
    if problem:
        return _problem(fold, point, rules) if point.order == 0 else "sibling"
    if fold.open:
        _close(fold, time)
        return "resolved"
    return "repeat"


def _forget(fold: Fold) -> None:
    """By the times of events alone, whenever the state itself is dropped: see `Rules.forget`."""
    if fold.spells:
        fold.past = (*fold.past, fold.spell())
    fold.count = fold.total = fold.spells = fold.reopened = fold.late = fold.highest = fold.window = 0
    fold.flaps = fold.calmed = NEVER
    fold.keys, fold.history = (), ()


def _ends(fold: Fold, point: Point) -> bool:
    """Whether a resolution ends the alert: not while a sibling of the problem that it names goes on."""
    if point.key and fold.keys:
        fold.keys = tuple(key for key in fold.keys if key != point.key)
    else:
        fold.keys = ()
    return not fold.keys


def _flap(fold: Fold, point: Point, rules: Rules) -> str:
    """One event while it flaps, or that makes it flap: nothing opens or closes until it is steady again."""
    _tell(fold, point, rules)
    if not fold.flapping:
        fold.flapping, fold.flaps, fold.calmed = True, point.time, NEVER
        if fold.act > point.time:
            fold.act = NEVER
        return "flapping"
    return _steady(fold, point.time, rules) if flapping.share(fold.window) <= rules.stop else "repeat"


def _tell(fold: Fold, point: Point, rules: Rules) -> None:
    """Take over what a problem says without opening or closing anything."""
    if point.order == 0:
        if not fold.spells:
            _begin(fold, point, rules)
            fold.act = NEVER
        fold.count += 1
        fold.rank = point.rank
        fold.highest = max(fold.highest, point.rank)
        fold.summary, fold.labels, fold.url = point.summary, point.labels, point.url


def _steady(fold: Fold, time: int, rules: Rules) -> str:
    """Flapping is over: the spell follows what the monitor last said."""
    fold.flapping, fold.calmed = False, time
    if fold.raw and not fold.open:
        _reopen(fold, time, rules)
    elif not fold.raw and fold.open:
        _close(fold, max(fold.calm, fold.start))
    if fold.open and fold.act == NEVER:
        fold.act = time
    return "steady"


def _problem(fold: Fold, point: Point, rules: Rules) -> str:
    rank, time = point.rank, point.time
    reason = "repeat"
    if not fold.open:
        if fold.spells and time - fold.end <= rules.reopen:
            _reopen(fold, time, rules)
            reason = "reopened"
        else:
            if fold.spells:
                fold.past = (*fold.past, fold.spell())
            _begin(fold, point, rules)
            reason = "opened"
    elif rank != fold.rank:
        reason = "escalated" if rank > fold.rank else "lowered"
    if reason != "repeat":
        fold.history = (*fold.history[1 - HISTORY :], (time, rank))
        if (act := time + rules.holds[rank]) < fold.act:
            fold.act = act
    fold.rank = rank
    if rank > fold.highest:
        fold.highest = rank
    fold.count += 1
    fold.summary, fold.labels, fold.url = point.summary, point.labels, point.url
    return reason


def _begin(fold: Fold, point: Point, rules: Rules) -> None:
    fold.open = True
    fold.start, fold.end = point.time, NEVER
    fold.flaps = fold.calmed = NEVER
    fold.act = point.time + rules.holds[point.rank]
    fold.highest = point.rank
    fold.count = fold.reopened = 0
    fold.spells += 1


def _reopen(fold: Fold, time: int, rules: Rules) -> None:
    """The spell goes on. One that had ended as a transient is held anew: it never was open long enough to count."""
    if fold.end <= fold.act:
        fold.act = time + rules.holds[fold.rank]
    fold.open = True
    fold.end = NEVER
    fold.reopened += 1


def _close(fold: Fold, time: int) -> None:
    fold.open = False
    fold.end = time
    fold.history = (*fold.history[1 - HISTORY :], (time, 0))


def point_of(event: Arrival, time: int, rank: int) -> Point:
    """What the fold needs of a problem or a resolution."""
    resolution = event.kind == "resolution"
    ends = 0 if event.ends_at is None else max(event.ends_at, time)
    return Point(
        time, int(resolution), event.id, rank, ends, event.summary, event.labels, event.url, event.clear_key or ""
    )
