"""Which role may ask for what."""

from __future__ import annotations

from schemas.command import Action, Role

_WORK = frozenset(
    {
        Action.ACKNOWLEDGE,
        Action.ASSIGN,
        Action.PEND,
        Action.RESUME,
        Action.RESOLVE,
        Action.CLOSE,
        Action.REOPEN,
        Action.MERGE,
        Action.SPLIT,
        Action.NOTE,
        Action.SILENCE,
        Action.UNSILENCE,
        Action.FEEDBACK,
    }
)
_REFERENCE = frozenset({Action.PUT_REFERENCE, Action.DELETE_REFERENCE})

ALLOWED: dict[Role, frozenset[Action]] = {
    Role.VIEWER: frozenset(),
    Role.OPERATOR: _WORK,
    Role.SPECIALIST: _WORK,
    Role.MANAGER: _WORK | _REFERENCE,
    Role.ADMINISTRATOR: frozenset(Action),
    Role.INTEGRATION: _REFERENCE | {Action.ACKNOWLEDGE, Action.NOTE, Action.RESOLVE},
}
