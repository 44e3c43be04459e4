"""An incident goes only where its lifecycle leads, and the page that draws it is the table itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.practices.lifecycle import TRANSITIONS, TRIGGERS, diagram, next_status
from schemas.incident import IncidentStatus

PAGE = Path(__file__).resolve().parents[3] / "docs" / "incident-lifecycle.md"
OVER = {IncidentStatus.MERGED, IncidentStatus.WITHDRAWN}
LIVING = [IncidentStatus.NEW, IncidentStatus.ASSIGNED, IncidentStatus.PENDING]


def reached(*triggers: str) -> IncidentStatus | None:
    status: IncidentStatus | None = IncidentStatus.NEW
    for trigger in triggers:
        assert status is not None, f"{trigger} came after a refusal"
        status = next_status(status, trigger)
    return status


@pytest.mark.parametrize(
    ("triggers", "status"),
    [
        (["acknowledge"], IncidentStatus.ASSIGNED),
        (["acknowledge", "assign", "pend", "resume"], IncidentStatus.ASSIGNED),
        (["assign", "resolve", "close"], IncidentStatus.CLOSED),
        (["restored"], IncidentStatus.RESOLVED),
        (["acknowledge", "pend", "restored", "close", "reopened"], IncidentStatus.ASSIGNED),
        (["restored", "reopened", "resolve"], IncidentStatus.RESOLVED),
        (["restored", "merge"], IncidentStatus.MERGED),
        (["withdraw"], IncidentStatus.WITHDRAWN),
    ],
)
def test_the_usual_ways_of_an_incident(triggers: list[str], status: IncidentStatus) -> None:
    assert reached(*triggers) is status


@pytest.mark.parametrize(
    ("status", "trigger"),
    [
        (IncidentStatus.NEW, "resume"),
        (IncidentStatus.NEW, "close"),
        (IncidentStatus.ASSIGNED, "close"),
        (IncidentStatus.ASSIGNED, "reopened"),
        (IncidentStatus.RESOLVED, "acknowledge"),
        (IncidentStatus.CLOSED, "resolve"),
        (IncidentStatus.CLOSED, "merge"),
        (IncidentStatus.NEW, "no such trigger"),
    ],
)
def test_what_makes_no_sense_is_refused(status: IncidentStatus, trigger: str) -> None:
    assert next_status(status, trigger) is None


@pytest.mark.parametrize("status", LIVING)
def test_work_in_hand_can_always_end(status: IncidentStatus) -> None:
    ends = [next_status(status, trigger) for trigger in ("resolve", "restored", "merge", "withdraw")]
    assert ends == [
        IncidentStatus.RESOLVED,
        IncidentStatus.RESOLVED,
        IncidentStatus.MERGED,
        IncidentStatus.WITHDRAWN,
    ]


@given(st.lists(st.sampled_from(sorted(TRIGGERS))))
def test_once_merged_or_withdrawn_it_stays_so(triggers: list[str]) -> None:
    status, over = IncidentStatus.NEW, False
    for trigger in triggers:
        after = next_status(status, trigger)
        assert not (over and after)
        status = after or status
        over = status in OVER


def test_every_status_can_be_reached_and_every_trigger_does_something() -> None:
    assert {IncidentStatus.NEW, *TRANSITIONS.values()} == set(IncidentStatus)
    assert {trigger for _, trigger in TRANSITIONS} == set(TRIGGERS)


def test_the_diagram_has_one_arrow_for_each_line_of_the_table_and_ends_where_nothing_leads_on() -> None:
    lines = [line.strip() for line in diagram().splitlines()]
    assert lines[0] == "stateDiagram-v2"
    assert len(lines) == 1 + 1 + len(TRANSITIONS) + len(OVER)
    assert "[*] --> new: open" in lines
    assert "assigned --> pending: pend" in lines
    assert {line for line in lines if line.endswith("--> [*]")} == {"merged --> [*]", "withdrawn --> [*]"}


def test_the_page_draws_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram()}\n```\n" in text, "put the output of `tocsin states --mermaid` into the page"


def test_the_page_explains_every_trigger_and_every_status() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [trigger for trigger, words in TRIGGERS.items() if f"| `{trigger}` | {words} |\n" not in text] == []
    assert [status for status in IncidentStatus if f"- **{status.value}**: " not in text] == []
