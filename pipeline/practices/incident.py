"""Incidents: when a group of alerts becomes one, what is told of it and when, and how it ends."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.practices.lifecycle import next_status
from pipeline.practices.record import build
from pipeline.practices.service_level import Clocks
from pipeline.stages.fold import NEVER
from pipeline.stages.groups import Group, incident_id
from pipeline.stages.node import MODELS, RATES
from pipeline.stages.scope import Scope, over_at
from schemas.incident import Incident, IncidentStatus, ServiceLevelNotice
from schemas.severity import RANK

TOLD_SMALL = 4
"""Up to this many members each new one is told at once; afterwards each quarter more, and the rest in time."""


class Incidents:
    """Turns what the correlating step touched into versions of incidents."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._settings = scope.settings.incident
        self.clocks = Clocks(self._settings)
        self._open_rank = RANK[self._settings.open_at]
        self.by_id: dict[str, str] = {}
        self.notices: list[ServiceLevelNotice] = []
        self.counted: Callable[[Incident], None] = lambda _: None
        """Who counts the versions; nobody unless it is set."""

    # -- after each input ------------------------------------------------------------------------------------------

    def tell(self, now: int) -> list[Incident]:
        """Versions of all incidents that the last input changed and that are worth telling now."""
        scope = self._scope
        out: list[Incident] = []
        while scope.absorbed:
            group, into = scope.absorbed.pop(0)
            out.append(self._ended(group, into, now))
        touched, scope.touched = scope.touched, {}
        for group_id in sorted(touched):
            touching = scope.groups.get(group_id)
            if touching is not None:
                reason = self._judge(touching, touched[group_id], now)
                if reason:
                    out.append(self.version(touching, reason, now))
        return out

    def _judge(self, group: Group, why: str, now: int) -> str:
        """Whether a touched group is worth a version now: the reason, or "" for not yet."""
        if not group.incident:
            if not self._opens(group):
                self._wake_idle(group)
                return ""
            self._open(group, now)
            if not group.active:
                self._scope.wake_group(group, self._scope.watermark + 1)
            return "opened"
        if group.active and group.status == IncidentStatus.RESOLVED and (why == "grown" or not group.by_hand):
            self._turn(group, "reopened" if group.assignee or group.group else "returned", now)
            group.resolved = NEVER
            return "reopened"
        if not group.active and group.status != IncidentStatus.CLOSED:
            ended = max(self._scope.nodes[key].spell.end for key in group.members)
            if group.status != IncidentStatus.RESOLVED or (ended > group.resolved and not group.by_hand):
                self._restored(group, ended)
                return "resolved"
        size = len(group.members)
        if why == "merged":
            return "merged"
        if group.top > group.severity:
            return "escalated"
        if size > group.shown and (size <= TOLD_SMALL or size * 4 >= group.shown * 5):
            return "grown"
        self._scope.wake_group(group, group.told + self._settings.report_every)
        return ""

    def _restored(self, group: Group, ended: int) -> None:
        """All of it is over; where that was told before, a member came that had lasted longer."""
        if group.status == IncidentStatus.RESOLVED:
            group.work = (*group.work[:-1], (ended, group.status))
        self._turn(group, "restored", ended)
        group.resolved = ended
        self._scope.wake_group(group, ended + self._settings.close_after)

    def _opens(self, group: Group) -> bool:
        """What the models say weighs less than what a monitor says: it takes `open_anomalies` of them.

        What they say of the stream itself weighs nothing.
        """
        settings, size = self._settings, len(group.members)
        if group.top < self._open_rank and (not group.multi or size < settings.open_count):
            return False
        sources = [self._scope.nodes[key].about.source for key in group.members]
        told, said = sources.count(RATES), sources.count(MODELS)
        if group.top >= self._open_rank:
            return told < size
        return (size - told - said) / settings.open_count + said / settings.open_anomalies >= 1.0

    def _open(self, group: Group, now: int) -> None:
        first = min(self._scope.nodes[key].order for key in group.members)
        group.incident = incident_id(group.scope, first[1])
        while group.incident in self.by_id:
            group.incident = incident_id(group.scope, group.incident)
        self.by_id[group.incident] = group.id
        self._scope.placed.update(dict.fromkeys(group.members, self._scope.seq))
        group.opened = now
        group.turn(IncidentStatus.NEW.value, now)

    def _wake_idle(self, group: Group) -> None:
        """A group that is no incident is forgotten once all of it is over."""
        if not group.active:
            self._scope.wake_group(group, self._over(group) + self._settings.close_after)

    def _over(self, group: Group) -> int:
        """When all of it is over for good."""
        return max(over_at(self._scope.nodes[key]) for key in group.members)

    def _turn(self, group: Group, trigger: str, at: int) -> None:
        status = next_status(IncidentStatus(group.status), trigger)
        if status is not None:
            group.turn(status.value, at)

    # -- versions --------------------------------------------------------------------------------------------------

    def version(self, group: Group, reason: str, now: int) -> Incident:
        """A new version of the incident."""
        scope = self._scope
        self.by_id[group.incident] = group.id
        group.version, group.reason = scope.seq, reason
        group.changed = max(now, group.changed)
        group.severity, group.shown, group.told = group.top, len(group.members), now
        scope.groups.touch(group.id)
        record = build(scope, group, reason, self.clocks, anew=True)
        group.priority = record.priority
        self.counted(record)
        if reason == "closed":
            self.clocks.learn(group, group.changed)
        scope.wake_group(group, self._look(group, group.changed))
        return record

    def _look(self, group: Group, at: int) -> int:
        """Look at the clocks: notices of what they have reached. Returns when to look again."""
        notices, due = self.clocks.look(group, at, self._scope.seq)
        self.notices += notices
        return due

    def current(self, incident: str) -> Incident:
        """The incident as it is, as its last version."""
        group = self._scope.groups[self.by_id[incident]]
        return build(self._scope, group, group.reason, self.clocks)

    def _ended(self, group: Group, into: str, now: int) -> Incident:
        """The last version of an incident that was merged into another one, or that turned out to be none."""
        self.by_id.pop(group.incident, None)
        group.status = IncidentStatus.MERGED.value if into else IncidentStatus.WITHDRAWN.value
        group.version, group.changed = self._scope.seq, max(now, group.changed)
        group.members, group.active = [], 0
        record = build(self._scope, group, group.status, self.clocks)
        self.counted(record)
        return record.model_copy(update={"merged_into": into or None, "closed": now})

    # -- time ------------------------------------------------------------------------------------------------------

    def fire(self, group_id: str, at: int) -> list[Incident]:
        """A group's timer."""
        scope = self._scope
        group = scope.groups[group_id]
        if group.stale <= scope.watermark:
            scope.rebuild(group)
            return self.tell(at)
        over = not group.active and (not group.incident or group.status == IncidentStatus.CLOSED)
        if over and self._over(group) + self._settings.close_after <= scope.watermark:
            self._forget(group)
            return []
        out: list[Incident] = []
        if group.incident:
            reason = self._due(group, at)
            if reason:
                out.append(self.version(group, reason, at))
            if group.status == IncidentStatus.CLOSED and self._over(group) <= scope.watermark:
                self._forget(group)
        if group_id in scope.groups:
            self._wake_again(group, at)
        return out

    def _due(self, group: Group, at: int) -> str:
        if group.status == IncidentStatus.RESOLVED:
            if group.resolved + self._settings.close_after <= at:
                self._turn(group, "close", at)
                group.closed = at
                return "closed"
            return ""
        if not group.active and group.status != IncidentStatus.CLOSED:
            return self._judge(group, "changed", at)  # it opened when all of it was over already
        size = len(group.members)
        return "grown" if size != group.shown and at >= group.told + self._settings.report_every else ""

    def _wake_again(self, group: Group, at: int) -> None:
        wake = self._scope.wake_group
        due = group.stale
        if group.incident:
            due = min(due, self._look(group, max(at, group.changed)))
            if group.status == IncidentStatus.RESOLVED:
                due = min(due, group.resolved + self._settings.close_after)
            elif len(group.members) != group.shown:
                due = min(due, group.told + self._settings.report_every)
        if not group.active and (not group.incident or group.status == IncidentStatus.CLOSED):
            due = min(due, self._over(group) + self._settings.close_after)
        wake(group, due)

    def _forget(self, group: Group) -> None:
        for key in sorted(group.members):
            self._scope.forget(self._scope.nodes[key])
        del self._scope.groups[group.id]
        self._scope.touched.pop(group.id, None)
        self.by_id.pop(group.incident, None)

    def resume(self) -> None:
        """After a restore: what follows from the groups."""
        self.by_id = {group.incident: group.id for group in self._scope.groups.live.values() if group.incident}
