"""The lifecycle of an incident, as one table that code, tests and the drawn diagram share."""

from __future__ import annotations

from schemas.incident import IncidentStatus

NEW, ASSIGNED, PENDING = IncidentStatus.NEW, IncidentStatus.ASSIGNED, IncidentStatus.PENDING
RESOLVED, CLOSED, MERGED = IncidentStatus.RESOLVED, IncidentStatus.CLOSED, IncidentStatus.MERGED
WITHDRAWN = IncidentStatus.WITHDRAWN

TRANSITIONS: dict[tuple[IncidentStatus, str], IncidentStatus] = {
    (NEW, "acknowledge"): ASSIGNED,
    (NEW, "assign"): ASSIGNED,
    (ASSIGNED, "assign"): ASSIGNED,
    (PENDING, "assign"): ASSIGNED,
    (NEW, "pend"): PENDING,
    (ASSIGNED, "pend"): PENDING,
    (PENDING, "resume"): ASSIGNED,
    (NEW, "resolve"): RESOLVED,
    (ASSIGNED, "resolve"): RESOLVED,
    (PENDING, "resolve"): RESOLVED,
    (NEW, "restored"): RESOLVED,
    (ASSIGNED, "restored"): RESOLVED,
    (PENDING, "restored"): RESOLVED,
    (RESOLVED, "reopened"): ASSIGNED,
    (CLOSED, "reopened"): ASSIGNED,
    (RESOLVED, "close"): CLOSED,
    (NEW, "merge"): MERGED,
    (ASSIGNED, "merge"): MERGED,
    (PENDING, "merge"): MERGED,
    (RESOLVED, "merge"): MERGED,
    (NEW, "withdraw"): WITHDRAWN,
    (ASSIGNED, "withdraw"): WITHDRAWN,
    (PENDING, "withdraw"): WITHDRAWN,
    (RESOLVED, "withdraw"): WITHDRAWN,
}
"""(status, trigger) to the next status. What is not here is refused."""


def next_status(status: IncidentStatus, trigger: str) -> IncidentStatus | None:
    """The status after a trigger; None where the lifecycle does not allow it."""
    return TRANSITIONS.get((status, trigger))


def diagram() -> str:
    """The table as a mermaid state diagram."""
    lines = [f"    {status.value} --> {after.value}: {trigger}" for (status, trigger), after in TRANSITIONS.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> new: open", *lines, "    closed --> [*]"])
