"""Service levels: time to own and time to resolve on business calendars, and who is told when it runs out."""

from __future__ import annotations

from typing import NamedTuple

from models.lasting import Lasting
from pipeline.practices.clock import BusinessTime
from pipeline.settings import IncidentSettings
from pipeline.stages.fold import NEVER
from pipeline.stages.groups import Group
from pipeline.state import Table
from schemas.incident import Clock, ServiceLevelNotice
from schemas.reference import ServiceTarget

RUNNING = {"own": frozenset({"new"}), "resolve": frozenset({"new", "assigned"})}
"""In which statuses a clock runs: time to own until somebody has it, time to resolve except while pending."""
WARN_AT = 0.75
ODDS = {"own": "own_odds", "resolve": "resolve_odds"}
"""Where a group has the odds of each clock."""
LEVEL = {"ok": 0, "met": 0, "warned": 1, "breached": 2}
"""How bad a state is; a notice goes out when a clock gets worse than was told before."""


class Reading(NamedTuple):
    """A clock at a moment. Amounts in milliseconds of business time; `warns` and `breaches` NEVER where not ahead."""

    target: int
    used: int
    running: bool
    warns: int
    breaches: int
    state: str


class Clocks:
    """The clocks of all incidents. An incident is left alone until one of its clocks reaches 75 % or 100 %."""

    def __init__(self, settings: IncidentSettings) -> None:
        self._targets: dict[int, ServiceTarget] = {target.priority: target for target in settings.targets}
        self._calendars = {calendar.id: BusinessTime(calendar) for calendar in settings.calendars}
        self.lasting: Table[Lasting] = Table("lasting", Lasting.dump, lambda _, state: Lasting.load(state))
        """How much of their time the incidents of each tenant and priority have used, by clock."""

    def read(self, group: Group, name: str, priority: int, at: int) -> Reading | None:
        """One clock at a time; None where the priority has no target."""
        target = self._targets.get(priority)
        if target is None:
            return None
        allowed = target.own if name == "own" else target.resolve
        calendar, runs, work = self._calendars[target.calendar], RUNNING[name], group.work
        used, last = 0, len(work) - 1
        for number, (since, status) in enumerate(work):
            if status in runs:
                used += calendar.elapsed(since, at if number == last else work[number + 1][0])
        running = last >= 0 and work[last][1] in runs
        state = "breached" if used >= allowed else "warned" if used >= WARN_AT * allowed else "ok"
        if not running and state != "breached" and (name == "own" or group.status in ("resolved", "closed")):
            state = "met"
        warns = calendar.after(at, int(WARN_AT * allowed) - used) if running and used < WARN_AT * allowed else NEVER
        breaches = calendar.after(at, allowed - used) if running and used < allowed else NEVER
        return Reading(allowed, used, running, warns, breaches, state)

    def learn(self, group: Group, at: int) -> None:
        """An incident is closed: what its clocks came to counts for those that are open."""
        for name in RUNNING:
            found = self.read(group, name, group.priority, at)
            if found is not None:
                key = _kind(group, name, group.priority)
                lasting = self.lasting.get(key) or Lasting()
                lasting.learn_one(found.used)
                self.lasting[key] = lasting

    def _odds(self, group: Group, name: str, priority: int, found: Reading) -> float | None:
        """By what became of incidents of this priority; None where that is unknown, or where it is decided already."""
        lasting = self.lasting.get(_kind(group, name, priority))
        if lasting is None or found.state not in ("ok", "warned"):
            return None
        odds = lasting.odds_one(found.used, found.target)
        return None if odds is None else round(odds, 3)

    def clock(self, group: Group, name: str, priority: int, *, anew: bool) -> Clock | None:
        """The public record of one clock when its incident last changed; `anew`: with the odds as they are now."""
        at = group.changed
        found = self.read(group, name, priority, at)
        if found is None:
            return None
        if anew:
            setattr(group, ODDS[name], self._odds(group, name, priority, found))
        return Clock(
            target=found.target,
            used=found.used,
            at=at,
            running=found.running,
            warns=None if found.warns == NEVER else found.warns,
            breaches=None if found.breaches == NEVER else found.breaches,
            state=found.state,
            odds=getattr(group, ODDS[name]),
        )

    def look(self, group: Group, at: int, version: int) -> tuple[list[ServiceLevelNotice], int]:
        """What is to be told of the clocks at a time, and when to look again (NEVER: when something happens)."""
        notices: list[ServiceLevelNotice] = []
        due = NEVER
        for name, told in (("own", "own_level"), ("resolve", "resolve_level")):
            found = self.read(group, name, group.priority, at)
            if found is None:
                continue
            due = min(due, found.warns, found.breaches)
            level = LEVEL[found.state]
            if level > getattr(group, told):
                odds = self._odds(group, name, group.priority, found)
                notices.append(_notice(group, name, found, at, version, odds))
            setattr(group, told, level)
        return notices, due


def _kind(group: Group, name: str, priority: int) -> str:
    return f"{group.tenant}\x1f{name}\x1f{priority}"


def _notice(group: Group, name: str, found: Reading, at: int, version: int, odds: float | None) -> ServiceLevelNotice:
    return ServiceLevelNotice(
        id=f"{group.incident}/{name}/{found.state}/{at}",
        incident=group.incident,
        version=version,
        tenant=group.tenant,
        scope=group.scope,
        clock=name,
        state=found.state,
        at=at,
        priority=group.priority,
        target=found.target,
        used=found.used,
        breaches=None if found.breaches == NEVER else found.breaches,
        odds=odds,
        assignee=group.assignee,
        group=group.group,
    )
