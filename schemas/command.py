"""What people and systems ask for, what they are told, and the trail of it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Millis, Name, Record


class Action(StrEnum):
    """Everything that may be asked of a running flow."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    PEND = "pend"
    RESUME = "resume"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"
    SPLIT = "split"
    NOTE = "note"
    SILENCE = "silence"
    UNSILENCE = "unsilence"
    PUT_REFERENCE = "put-reference"
    DELETE_REFERENCE = "delete-reference"
    FEEDBACK = "feedback"


class Role(StrEnum):
    """Who may ask for what; see pipeline/practices/command.py for the table."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    SPECIALIST = "specialist"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"
    INTEGRATION = "integration"


class Command(Record):
    """One thing asked for. The same id twice is one command."""

    id: Name
    time: Millis
    action: Action
    by: Name
    role: Role = Role.OPERATOR
    tenant: Name = "default"
    target: str = Field(default="", description="Incident, silence or reference id; of feedback, an alert.")
    arguments: dict[str, str | list[str]] = Field(default_factory=dict)
    body: dict[str, object] = Field(
        default_factory=dict, description="The record of put-reference and silence, as JSON."
    )


class Reply(Record):
    """The answer to one command."""

    command: Name
    time: Millis
    ok: bool
    reason: Name = Field(description="done, not-found, not-allowed, wrong-state, wrong-arguments or repeated.")
    text: str


class AuditEntry(Record):
    """One line of the audit trail: every command, whether it was done or refused."""

    id: Name
    time: Millis
    by: Name
    role: Role
    action: Action
    target: str
    ok: bool
    reason: Name
    text: str
