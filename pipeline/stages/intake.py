"""The alert step: events in, spells out. Keyed by alert, so that it can be spread over workers.

Dedup, flapping and holds are decided here, on the fold of each alert alone (see `fold` and `dedup`).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, NamedTuple

from pipeline.settings import FlowSettings
from pipeline.stages.arrival import Arrival
from pipeline.stages.dedup import AlertState, Identity, identity_of, record_of
from pipeline.stages.fold import NEVER, Fold, Rules, Spell, point_of, settle
from pipeline.stages.match import compile_matchers
from pipeline.state import Table
from schemas.alert import Alert
from schemas.base import HOUR
from schemas.severity import BY_RANK, RANK

QUIET = frozenset({"repeat", "sibling", "duplicate", "late"})


class Change(NamedTuple):
    """What one input did to one alert."""

    fingerprint: str
    state: AlertState
    reason: str
    time: int
    spells: tuple[Spell, ...]
    gone: tuple[int, ...]


class Intake:
    """All alerts in memory, and the memory of those that ended."""

    def __init__(self, settings: FlowSettings) -> None:
        self._settings = settings
        flap, dedup = settings.flapping, settings.dedup
        forget = max(dedup.reopen, 12 * flap.steady)
        self._base = Rules(dedup.reopen, dedup.expire, flap.steady, flap.start, flap.stop, (0,) * 6, forget)
        self._rules: dict[tuple[int, ...], Rules] = {}
        self._holds = [(compile_matchers(rule.matchers), rule) for rule in settings.holds]
        self.alerts: Table[AlertState] = Table("alerts", AlertState.dump, lambda _, value: self._load(value))
        self.tombs: Table[list[int]] = Table("tombs", lambda value: value, lambda _, value: value)
        self.clears: Table[list[Any]] = Table("clears", lambda value: value, lambda _, value: value)
        self._forget_after = forget + settings.time.lateness
        self._timers: list[tuple[int, str]] = []
        self._tomb_timers: list[tuple[int, str]] = []
        self.parted: list[Alert] = []
        self.last_reason = ""
        self.watermark = -1
        self.seq = 0

    # -- events ----------------------------------------------------------------------------------------------------

    def event(self, event: Arrival, time: int, moved: bool) -> Change | None:
        """One problem or resolution at a time by our clock. `moved` says that it is not its own.

        None where it changed nothing but counts; the reason is in `last_reason`.
        """
        fingerprint = self._target(event, time)
        state = self.alerts.live.get(fingerprint)
        if state is None:
            tomb = self.tombs.get(fingerprint)
            if tomb is not None and time <= tomb[0]:
                self.last_reason = "late"
                return None
            state = self.alerts[fingerprint] = AlertState(
                identity_of(event, self._scope(event)), self._rules_for(event)
            )
        old = state.view
        if old.spells and time - old.last > state.rules.forget and (not old.raw or old.expires < time):
            self.parted.append(record_of(fingerprint, state))  # what it was is told before it is forgotten
        reason = self.last_reason = state.insert(point_of(event, time, RANK[event.severity]), self.watermark, moved)
        if reason == "duplicate":
            return None
        state.version = self.seq
        self.alerts.touch(fingerprint)
        view = state.view
        due = view.expires if view.raw else NEVER if view.flapping else view.last + self._forget_after
        if view.flapping:
            due = min(due, view.due(state.rules))
        if due < state.wake:
            state.wake = due
            heappush(self._timers, (due, fingerprint))
        if reason in QUIET:
            return None
        return self._change(fingerprint, state, old, reason, time)

    def _change(self, fingerprint: str, state: AlertState, old: Fold, reason: str, time: int) -> Change:
        now = state.spells()
        gone: tuple[int, ...] = ()
        if old is not state.view:
            before = {spell.start for spell in old.all_spells()}
            gone = tuple(sorted(before - now.keys()))
        return Change(fingerprint, state, reason, time, tuple(now[start] for start in sorted(now)), gone)

    def _target(self, event: Arrival, time: int) -> str:
        """The alert that an event belongs to: a resolution finds its problem by clear key, else by fingerprint."""
        key = event.clear_key
        if key is None:
            return event.fingerprint
        name = f"{event.tenant}\x1f{key}"
        if event.kind == "problem":
            self._clear(name, event.fingerprint, time - time % HOUR + HOUR)
            return event.fingerprint
        found = self.clears.get(name)
        return event.fingerprint if found is None else str(found[0])

    def _clear(self, name: str, fingerprint: str, hour: int) -> None:
        """Whom a clear key ends. It is known since an hour, not a moment, so that a repeat changes nothing."""
        found = self.clears.get(name)
        if found is None:
            heappush(self._tomb_timers, (hour + self._settings.dedup.remember, name))
        elif found[0] == fingerprint and found[1] >= hour:
            return
        self.clears[name] = [fingerprint, hour]

    def _scope(self, event: Arrival) -> str:
        settings = self._settings.scope
        if settings.by == "label" and settings.label in event.labels:
            return f"{event.tenant}/{event.labels[settings.label]}"
        return event.tenant

    def _rules_for(self, event: Arrival) -> Rules:
        labels = event.labels | {"resource": event.resource, "check": event.check, "source": event.source}
        labels["component"] = event.component
        matching = [rule for test, rule in self._holds if test(labels)]
        holds = [0] * 6
        for rank, severity in BY_RANK.items():
            for rule in matching:
                if not rule.severities or severity in rule.severities:
                    holds[rank] = rule.hold
                    break
        return self._with_holds(tuple(holds))

    def _with_holds(self, holds: tuple[int, ...]) -> Rules:
        rules = self._rules.get(holds)
        if rules is None:
            rules = self._rules[holds] = self._base._replace(holds=holds)
        return rules

    # -- time ------------------------------------------------------------------------------------------------------

    def advance(self, watermark: int) -> list[Change]:
        """Move the watermark. What happened by itself up to it: ends without news, ends of flapping; and forgetting."""
        self.watermark = watermark
        changes: list[Change] = []
        while self._timers and self._timers[0][0] <= self.watermark:
            at, fingerprint = heappop(self._timers)
            state = self.alerts.get(fingerprint)
            if state is None or state.wake != at:
                continue
            change = self._fire(fingerprint, state, at)
            if change is not None:
                changes.append(change)
        while self._tomb_timers and self._tomb_timers[0][0] <= self.watermark:
            _, key = heappop(self._tomb_timers)
            if (tomb := self.tombs.get(key)) is not None and tomb[1] <= self.watermark:
                del self.tombs[key]
            if (clear := self.clears.get(key)) is not None:
                until = clear[1] + self._settings.dedup.remember
                if until <= self.watermark:
                    del self.clears[key]
                else:
                    heappush(self._tomb_timers, (until, key))
        return changes

    def _fire(self, fingerprint: str, state: AlertState, at: int) -> Change | None:
        view = state.view
        before = (view.raw, view.flapping, view.open, view.end)
        settle(view, self.watermark, state.rules)
        after = (view.raw, view.flapping, view.open, view.end)
        over = not view.raw and not view.flapping
        due = view.last + self._forget_after if over else view.due(state.rules)
        if over and due <= self.watermark and after == before:  # an end is told first
            self._forget(fingerprint, state)
            return None
        state.settle_to(self.watermark)
        self.alerts.touch(fingerprint)
        state.wake = NEVER
        if due < NEVER:
            state.wake = due
            heappush(self._timers, (due, fingerprint))
        if after == before:
            return None
        state.version = self.seq
        reason = "expired" if before[0] and not after[0] else "steady"
        return self._change(fingerprint, state, view, reason, at)

    def _forget(self, fingerprint: str, state: AlertState) -> None:
        if state.view.spells:
            self.parted.append(record_of(fingerprint, state))
        until = state.view.last + self._settings.dedup.remember
        self.tombs[fingerprint] = [state.view.last, until]
        heappush(self._tomb_timers, (until, fingerprint))
        del self.alerts[fingerprint]

    # -- reading and restoring -------------------------------------------------------------------------------------

    def record(self, fingerprint: str) -> Alert | None:
        """The public record; None for an alert that has had no problem yet, or is forgotten."""
        state = self.alerts.get(fingerprint)
        return record_of(fingerprint, state) if state is not None and state.view.spells else None

    def _load(self, values: list[Any]) -> AlertState:
        state = AlertState(Identity(*values[0]), self._with_holds(tuple(values[-1])))
        state.load(values)
        state.resume()
        return state

    def resume(self) -> None:
        """After a restore: the timers that follow from the state."""
        self._timers = [(s.wake, key) for key, s in self.alerts.live.items() if s.wake < NEVER]
        self._tomb_timers = [(tomb[1], key) for key, tomb in self.tombs.live.items()]
        self._tomb_timers += [(c[1] + self._settings.dedup.remember, key) for key, c in self.clears.live.items()]
        self._timers.sort()
        self._tomb_timers.sort()
