"""Service levels: time to own and time to resolve on business calendars, and who is told when it runs out."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.practices.clock import BusinessTime
from pipeline.settings import IncidentSettings
from pipeline.stages.fold import NEVER
from pipeline.stages.groups import Group
from schemas.incident import Clock, ServiceLevelNotice
from schemas.reference import ServiceTarget

RUNNING = {"own": frozenset({"new"}), "resolve": frozenset({"new", "assigned"})}
"""In which statuses a clock runs: time to own until somebody has it, time to resolve except while pending."""
WARN_AT = 0.75
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

    def clock(self, group: Group, name: str, priority: int, at: int) -> Clock | None:
        """The public record of one clock at a time."""
        found = self.read(group, name, priority, at)
        if found is None:
            return None
        return Clock(
            target=found.target,
            used=found.used,
            at=at,
            running=found.running,
            warns=None if found.warns == NEVER else found.warns,
            breaches=None if found.breaches == NEVER else found.breaches,
            state=found.state,
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
                notices.append(_notice(group, name, found, at, version))
            setattr(group, told, level)
        return notices, due


def _notice(group: Group, name: str, found: Reading, at: int, version: int) -> ServiceLevelNotice:
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
        assignee=group.assignee,
        group=group.group,
    )
