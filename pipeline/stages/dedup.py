"""Dedup: repeats become one alert. Keyed by fingerprint; knows nothing of other alerts.

Every alert keeps the events that may still be overtaken (newer than the watermark) in order beside the fold of all
before them. An event that comes in order costs one step; one that comes out of order makes the fold be taken again
from the settled part, or from a mark on the way, so the result never depends on the order of arrival inside the
lateness. A flood of equal repeats changes nothing but counts, in whatever order it comes, and is not folded again.
"""

from __future__ import annotations

from bisect import bisect_left
from sys import intern
from typing import Any, NamedTuple

import orjson

from pipeline.stages.arrival import Arrival
from pipeline.stages.fold import NEVER, Fold, Point, Rules, Spell, settle, step
from schemas.alert import Alert, AlertStatus, SeverityChange
from schemas.event import Signal
from schemas.severity import BY_RANK

REMEMBERED_IDS = 32
"""Ids of settled events kept to know a late repeated delivery."""
SETTLE_EVERY = 16
MARK_EVERY = 64
"""A copy of the fold is kept after so many events, to begin at where a later one comes out of order."""
MANY = 64
"""Of more events that may be overtaken the ids are kept in a set as well."""
SETTLED = (-1,)
"""Before all events that are not settled."""
NO_RULES = Rules(0, 0, 0, 0.0, 0.0, ())
"""For a state that is only shown."""
_SIGNALS = {one.value: one for one in Signal}
_SPELLS = Fold.__slots__.index("spells")


_SUMMARY, _LABELS, _URL = (Fold.__slots__.index(name) for name in ("summary", "labels", "url"))


class _Said:
    """Summary, labels and address of the parts of one alert, each different one once."""

    def __init__(self) -> None:
        self._places: dict[tuple[Any, ...], int] = {}
        self._last: tuple[tuple[Any, ...], int] = ((), 0)

    @property
    def all(self) -> list[tuple[Any, ...]]:
        """In the order of their places."""
        return [(summary, dict(labels), *rest) for summary, labels, *rest in self._places]

    def place(self, said: tuple[Any, ...]) -> int:
        """Where it stands: mostly where the one before it does."""
        last, place = self._last
        if said != last:
            summary, labels, *rest = said
            place = self._places.setdefault((summary, tuple(sorted(labels.items())), *rest), len(self._places))
            self._last = said, place
        return place

    def without(self, fold: list[Any]) -> list[Any]:
        """The values of a fold with the place instead of the labels, and neither of the others."""
        place = self.place((fold[_SUMMARY], fold[_LABELS], fold[_URL]))
        fold[_SUMMARY], fold[_LABELS], fold[_URL] = "", place, ""
        return fold


def _with(said: list[Any], fold: list[Any]) -> list[Any]:
    """The inverse of `_Said.without`."""
    fold[_SUMMARY], fold[_LABELS], fold[_URL] = said[fold[_LABELS]]
    return fold


class Identity(NamedTuple):
    """What never changes about an alert."""

    tenant: str
    scope: str
    source: str
    resource: str
    component: str
    check: str
    signal: str


class Mark(NamedTuple):
    """How it stood after so many of the events that may be overtaken."""

    events: int
    fold: Fold
    calm: tuple[Any, ...] | None


class AlertState:
    """One alert: identity, the settled fold, the events after it, and the fold of all."""

    __slots__ = (
        *("base", "calm", "identity", "ids", "known", "marks", "recent", "rules", "settled", "version", "view"),
        "wake",
    )

    def __init__(self, identity: Identity, rules: Rules) -> None:
        self.identity = identity
        self.rules = rules
        self.base: Fold | None = None
        self.settled = -1
        self.recent: list[Point] = []
        self.ids: tuple[str, ...] = ()
        self.view = Fold()
        self.version = 0
        self.wake = NEVER
        self.calm: tuple[Any, ...] | None = None
        """The event since when only equal repeats came, and nothing had changed in the checks before; None while not.
        This, the marks and what is known follow from the rest of the state."""
        self.marks: tuple[Mark, ...] = ()
        self.known: set[str] | None = None
        """Ids of the events that may be overtaken, where there are many."""

    def dump(self) -> list[object]:
        """JSON-able state. What repeats say again (summary, labels, address) is in it once."""
        said = _Said()
        base = None if self.base is None else said.without(self.base.dump())
        recent = [(*point[:5], said.place(point[5:])) for point in self.recent]
        view = said.without(self.view.dump())
        return [
            self.identity, base, self.settled, recent, self.ids, view, self.version, self.wake, said.all,
            self.rules.holds,
        ]  # fmt: skip

    def load(self, values: list[Any]) -> None:
        """Fill in from what `dump` wrote; say `resume` where more is to be inserted."""
        _, base, self.settled, recent, ids, view, self.version, self.wake, said, _ = values
        self.base = None if base is None else Fold.load(_with(said, base))
        self.recent = [Point(*point[:5], *said[point[5]]) for point in recent]
        self.ids = tuple(ids)
        self.view = Fold.load(_with(said, view))

    def resume(self) -> None:
        """After `load`, to go on: since when it is calm, as it was before."""
        if _calm(self.view):
            fold = self._from_settled()
            for point in self.recent:
                self._step(fold, point)

    def _from_settled(self) -> Fold:
        """A copy of the settled fold, to go on from."""
        fold = Fold() if self.base is None else self.base.copy()
        self.calm = SETTLED if _calm(fold) else None
        return fold

    def insert(self, point: Point, watermark: int, moved: bool = False) -> str:
        """Put one event in its place. Returns the reason of `step`, or duplicate, late, revised.

        `moved` says that its time was corrected, so that an earlier delivery may stand at another time.
        """
        recent = self.recent
        if moved and self._knows(point.id):
            return "duplicate"
        if point.time <= self.settled:
            return self._late(point)
        if not recent:
            self.recent = [point]  # an appended one would reserve room for more
            reason = self._step(self.view, point)
        elif point.time > recent[-1].time:
            recent.append(point)
            reason = self._step(self.view, point)
            self._mark(self.view, len(recent))
        else:
            time, order, name = point[:3]
            if any(_has(recent, (time, either, name)) for either in (0, 1)):
                return "duplicate"
            at = bisect_left(recent, (time, order, name))
            recent.insert(at, point)
            if at == len(recent) - 1:
                reason = self._step(self.view, point)
                self._mark(self.view, len(recent))
            elif self._says_nothing(point, recent[at + 1]):
                self.marks = tuple(mark for mark in self.marks if mark.events <= at)
                self.view.count += 1
                self.view.total += 1
                reason = "repeat"
            else:
                self._again(watermark, at)
                reason = "revised"
        if self.known is not None:
            self.known.add(point.id)
        if len(recent) >= SETTLE_EVERY and recent[len(recent) // 2].time < watermark:
            self._settle(watermark)
        return reason

    def _knows(self, name: str) -> bool:
        """Whether an event that may be overtaken is there already, at whatever time."""
        if self.known is None and len(self.recent) >= MANY:
            self.known = {other.id for other in self.recent}
        return name in self.known if self.known is not None else any(other.id == name for other in self.recent)

    def _step(self, fold: Fold, point: Point) -> str:
        """One event in order; notes whether the alert is calm."""
        before = _calm(fold)
        reason = step(fold, point, self.rules)
        if not _calm(fold):
            self.calm = None
        elif self.calm is None or not before or reason != "repeat" or point.order:
            self.calm = point
        return reason

    def _says_nothing(self, point: Point, following: Point) -> bool:
        """Whether a problem out of order repeats what is said before and after it, so that it only counts."""
        calm, view = self.calm, self.view
        if calm is None or not calm < point or not _calm(view) or point.order or point.key or point.rank != view.rank:
            return False
        return following.time <= (point.ends or point.time + self.rules.expire)  # it goes on until then

    def _mark(self, fold: Fold, count: int) -> None:
        if count % MARK_EVERY == 0:
            self.marks = (*self.marks, Mark(count, fold.copy(), self.calm))

    def _late(self, point: Point) -> str:
        """Beyond what can be put in its place: counted once, marked, never allowed to undo what is newer."""
        if point.id in self.ids:
            return "duplicate"
        self.ids = (*self.ids[1 - REMEMBERED_IDS :], point.id)
        self.view.late += 1
        self.view.total += 1
        if self.base is not None:
            self.base.late += 1
            self.base.total += 1
        return "late"

    def _again(self, watermark: int, at: int) -> None:
        """Fold again from the last mark before a place."""
        self.marks = tuple(mark for mark in self.marks if mark.events <= at)
        if self.marks:
            done, fold, self.calm = self.marks[-1]
            view = fold.copy()
        else:
            done, view = 0, self._from_settled()
        for count in range(done, len(self.recent)):
            self._step(view, self.recent[count])
            self._mark(view, count + 1)
        settle(view, watermark, self.rules)
        self.view = view

    def _settle(self, watermark: int) -> None:
        """Take what can no longer be overtaken into the settled fold."""
        count = bisect_left(self.recent, (watermark,))
        if not count:
            return
        base = self.base or Fold()
        base.past = ()
        for point in self.recent[:count]:
            step(base, point, self.rules)
        self.base = base
        self.settled = self.recent[count - 1].time
        self.ids = (*self.ids, *(point.id for point in self.recent[max(0, count - REMEMBERED_IDS) : count]))[
            -REMEMBERED_IDS:
        ]
        while len(self.recent) > count and self.recent[count].time <= self.settled:
            step(base, self.recent[count], self.rules)
            count += 1
        del self.recent[:count]
        if not self.recent:
            self.base.past = ()
        self.view.past = tuple(spell for spell in self.view.past if spell.end > self.settled)
        self.marks, self.known = (), None
        if self.calm is not None and self.calm[0] <= self.settled:
            self.calm = SETTLED

    def settle_to(self, watermark: int) -> None:
        """Timers: everything that happens by itself up to the watermark."""
        self._settle(watermark)
        settle(self.view, watermark, self.rules)

    def spells(self) -> dict[int, Spell]:
        """Spells that may have changed since the settled part, by start."""
        view = self.view
        if not view.past:
            return {view.start: view.spell()} if view.spells else {}
        return {spell.start: spell for spell in view.all_spells()}

    def opening(self, start: int) -> Point | None:
        """The event that began a spell; None once nothing can come before it any more."""
        at = bisect_left(self.recent, (start,))
        return self.recent[at] if at < len(self.recent) and self.recent[at].time == start else None


def _calm(fold: Fold) -> bool:
    """Whether it is open, and none of the last checks changed anything."""
    return fold.open and fold.raw and not fold.window and not fold.flapping


def _has(recent: list[Point], place: tuple[int, int, str]) -> bool:
    at = bisect_left(recent, place)
    return at < len(recent) and recent[at][:3] == place


def record_of(fingerprint: str, state: AlertState) -> Alert:
    """The public record of an alert that has had at least one problem."""
    view, identity = state.view, state.identity
    fields: dict[str, Any] = {
        "fingerprint": fingerprint,
        "version": state.version,
        "tenant": identity.tenant,
        "scope": identity.scope,
        "source": identity.source,
        "resource": identity.resource,
        "component": identity.component,
        "check": identity.check,
        "signal": _SIGNALS[identity.signal],
        "status": AlertStatus.OPEN if view.open else AlertStatus.RESOLVED,
        "severity": BY_RANK[view.rank],
        "highest": BY_RANK[view.highest],
        "summary": view.summary,
        "labels": dict(sorted(view.labels.items())),  # a restored state has them sorted
        "count": view.count,
        "total": view.total,
        "spells": view.spells,
        "reopened": view.reopened,
        "first": view.start,
        "last": view.last,
        "ended": None if view.end == NEVER else view.end,
        "expires": view.expires if view.raw else None,
        "flapping": view.flapping,
        "late": view.late,
        "history": tuple(
            [
                SeverityChange.trusted({"time": time, "severity": BY_RANK[rank] if rank else None})
                for time, rank in view.history
            ]
        ),
        "url": view.url,
    }
    return Alert.trusted(fields)


def stored_alert(fingerprint: str, value: bytes) -> Alert | None:
    """The public record of one entry of the table of alerts; None for an alert that has had no problem yet."""
    values = orjson.loads(value)
    if not values[5][_SPELLS]:
        return None
    state = AlertState(Identity(*values[0]), NO_RULES)
    state.load(values)
    return record_of(fingerprint, state)


def identity_of(event: Arrival, scope: str) -> Identity:
    """Identity of the alert that an event belongs to."""
    words = (event.tenant, scope, event.source, event.resource, event.component, event.check, event.signal.value)
    return Identity._make(map(intern, words))  # many alerts share them
