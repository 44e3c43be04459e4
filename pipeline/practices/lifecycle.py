"""The lifecycle of an incident, as one table that code, tests and the drawn diagram share."""

from __future__ import annotations

from schemas.incident import IncidentStatus

NEW, ASSIGNED, PENDING = IncidentStatus.NEW, IncidentStatus.ASSIGNED, IncidentStatus.PENDING
RESOLVED, CLOSED, MERGED = IncidentStatus.RESOLVED, IncidentStatus.CLOSED, IncidentStatus.MERGED
WITHDRAWN = IncidentStatus.WITHDRAWN

TRANSITIONS: dict[tuple[IncidentStatus, str], IncidentStatus] = {
    (NEW, "acknowledge"): ASSIGNED,
    (NEW, "assign"): ASSIGNED,
    (ASSIGNED, "acknowledge"): ASSIGNED,
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
    (RESOLVED, "returned"): NEW,
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

TRIGGERS: dict[str, str] = {
    "acknowledge": "somebody says: I have seen it, it is mine",
    "assign": "it is given to a person or a group",
    "pend": "work waits for somebody else: a supplier, the user, a part",
    "resume": "the waiting is over",
    "resolve": "somebody says: service is restored",
    "restored": "all its alerts have ended",
    "reopened": "one of its alerts came back to whoever had it, or somebody asked for it",
    "returned": "one of its alerts came back, and nobody has had it yet",
    "close": "it stayed resolved for `incident.close_after`, or somebody confirmed it",
    "merge": "it turned out to be part of another incident, which goes on",
    "withdraw": "late news showed that it was none",
}
"""What each trigger means."""


def next_status(status: IncidentStatus, trigger: str) -> IncidentStatus | None:
    """The status after a trigger; None where the lifecycle does not allow it."""
    return TRANSITIONS.get((status, trigger))


def diagram() -> str:
    """The table as a mermaid state diagram."""
    arrows = [f"    {status.value} --> {after.value}: {trigger}" for (status, trigger), after in TRANSITIONS.items()]
    left = {status for status, _ in TRANSITIONS}
    ends = [f"    {status.value} --> [*]" for status in IncidentStatus if status not in left]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {NEW.value}: open", *arrows, *ends])
