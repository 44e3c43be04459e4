"""Groups: the connected components of the graph, kept as nodes come and go, and the incident each may have."""

from __future__ import annotations

from typing import Any

from pipeline.stages.fold import NEVER
from schemas.event import content_id


class Group:
    """Spells that belong together, and the state of their incident once it has opened (`incident` not empty)."""

    __slots__ = (
        "acknowledged_by", "active", "assignee", "begun", "by_hand", "changed", "closed", "group", "id",
        "incident", "members", "merged_from", "multi", "notes", "opened", "own_level", "own_odds", "priority",
        "reason", "resolve_level", "resolve_odds", "resolved", "scope", "severity", "shown", "stale", "status",
        "tenant", "told", "top", "version", "wake", "work",
    )  # fmt: skip

    def __init__(self, group_id: str, tenant: str = "default", scope: str = "default") -> None:
        self.id = group_id
        self.tenant = tenant
        self.scope = scope
        self.members: list[str] = []
        """Each once, in any order. Most groups have one: a list takes a quarter of what a set would."""
        self.incident = ""
        self.version = 0
        self.active = self.top = 0
        """Members that are open; the worst rank of any."""
        self.begun = ""
        """What the first member is about; `multi` once another member is about something else."""
        self.multi = False
        self.by_hand = False
        """Resolved by a person: only something new reopens it."""
        self.stale = NEVER
        """When a member was taken out: once the watermark is past it, the links of the rest are looked at anew."""
        self.told = 0
        self.status = "new"
        self.reason = "opened"
        self.opened = self.changed = 0
        self.resolved = self.closed = NEVER
        self.severity = self.priority = 0
        self.shown = 0
        """Members when it was last told of."""
        self.acknowledged_by = self.assignee = self.group = ""
        self.merged_from: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        self.work: tuple[tuple[int, str], ...] = ()
        """(time, status) of every change of status: what the clocks are reckoned from."""
        self.own_level = self.resolve_level = 0
        """How bad the service-level clocks were when they were last looked at."""
        self.own_odds: float | None = None
        self.resolve_odds: float | None = None
        """Those of a breach when it was last told of."""
        self.wake = NEVER

    def dump(self) -> dict[str, object]:
        """JSON-able state."""
        state = {name: getattr(self, name) for name in Group.__slots__}
        state["members"] = sorted(self.members)
        return state

    @classmethod
    def load(cls, state: dict[str, Any]) -> Group:
        """Inverse of `dump`."""
        group = cls(str(state["id"]))
        for name, value in state.items():
            setattr(group, name, value)
        group.merged_from, group.notes = tuple(group.merged_from), tuple(group.notes)
        group.work = tuple((time, status) for time, status in group.work)
        return group

    def turn(self, status: str, at: int) -> None:
        """Change the status, noting when for the clocks."""
        self.status = status
        self.work = (*self.work, (at, status))


def incident_id(scope: str, first: str) -> str:
    """Id of an incident from its scope and first spell: a replay gives the same one."""
    return "INC-" + content_id(scope, first)[:12]
