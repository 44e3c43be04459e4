"""Least privilege: each role may do its work and no more."""

from __future__ import annotations

import pytest

from pipeline.practices.roles import ALLOWED
from schemas.command import Action, Role

WORK = "acknowledge assign pend resume resolve close reopen merge split note silence unsilence feedback"
REFERENCE = "put-reference delete-reference"


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        (Role.VIEWER, ""),
        (Role.OPERATOR, WORK),
        (Role.SPECIALIST, WORK),
        (Role.MANAGER, f"{WORK} {REFERENCE}"),
        (Role.ADMINISTRATOR, f"{WORK} {REFERENCE}"),
        (Role.INTEGRATION, f"{REFERENCE} acknowledge note resolve"),
    ],
)
def test_a_role_may_do_exactly_this(role: Role, actions: str) -> None:
    assert {action.value for action in ALLOWED[role]} == set(actions.split())


def test_every_role_is_in_the_table() -> None:
    assert set(ALLOWED) == set(Role)


def test_nothing_is_left_to_nobody() -> None:
    assert ALLOWED[Role.ADMINISTRATOR] == set(Action)
