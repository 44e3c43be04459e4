"""What an output gathers is told when its time comes, whenever the host was killed in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agents.embedded.outputs.outbox import Ticket
from agents.embedded.outputs.timed import Gathered
from agents.embedded.rows import Checkpoint, Dead, Step
from agents.embedded.store import Store
from pipeline.practices.notify import NotifyTiming
from schemas.base import HOUR, MINUTE, SECOND
from schemas.incident import Incident, IncidentStatus
from tests.agents.cli import made

Told = list[tuple[str, int]]


class Output:
    """A gathering outbox whose host is killed before and after everything it does."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self.now = 0
        with self._opened():
            pass

    @contextmanager
    def _opened(self) -> Iterator[tuple[Store, Gathered]]:
        with closing(Store(self._path)) as store:
            yield store, Gathered(store, "webhook", NotifyTiming(), lambda: self.now)

    def change(self, version: int, *firing: str, status: IncidentStatus = IncidentStatus.NEW) -> None:
        """Write a version of the incident in which these alerts fire."""
        whole = made.incident(status=status)
        members = tuple(made.member(name, name, whole.members[0].join) for name in firing)
        value = whole.model_copy(update={"version": version, "members": members}).model_dump_json().encode()
        with self._opened() as (store, _):
            store.write(Checkpoint(version, [], [], [Step(version, 0, "incident", whole.id, value)], []))
        with self._opened() as (_, outbox):
            outbox.next(10)

    def tell(self, then: Callable[[Gathered, Ticket], None] = lambda outbox, ticket: outbox.done([ticket])) -> Told:
        """What is told now: reason, version."""
        with self._opened() as (_, outbox):
            tickets = outbox.next(10)
            for ticket in tickets:
                then(outbox, ticket)
        return [(ticket.reason, Incident.model_validate_json(ticket.value).version) for ticket in tickets]

    def marks(self) -> list[str]:
        """Marks of what is to be told now, which is not told."""
        with self._opened() as (_, outbox):
            return [ticket.mark for ticket in outbox.next(10)]

    def delay(self) -> float | None:
        """Seconds to the next notice."""
        with self._opened() as (_, outbox):
            return outbox.delay()


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(tmp_path / "store.db")


def test_changes_are_gathered_and_told_in_time(output: Output) -> None:
    output.change(1, "a")
    output.change(2, "a", "b")
    assert (output.tell(), output.delay()) == ([], 30)
    output.now = 30 * SECOND
    assert output.tell() == [("first", 2)]
    output.change(3, "a", "b", "c")
    output.change(4, "a", "c")
    assert (output.tell(), output.delay()) == ([], 300)
    output.now += 5 * MINUTE
    assert output.tell() == [("new alerts", 4)]
    output.now += 4 * HOUR
    assert output.tell() == [("repeat", 4)]
    output.change(5, "a", "c", status=IncidentStatus.RESOLVED)
    output.now += 5 * MINUTE
    assert output.tell() == [("all resolved", 5)]
    assert (output.tell(), output.delay()) == ([], None)


def test_what_heals_before_its_first_notice_is_never_told(output: Output) -> None:
    output.change(1, "a")
    output.change(2, status=IncidentStatus.RESOLVED)
    output.now = HOUR
    assert output.tell() == []


def test_a_notice_that_was_not_taken_before_a_crash_is_the_same_one_afterwards(output: Output) -> None:
    output.change(1, "a")
    output.now = 30 * SECOND
    before = output.marks()
    assert len(before) == 1
    assert output.marks() == before
    assert output.tell() == [("first", 1)]
    output.now += 4 * HOUR
    assert output.marks() != before


def test_what_can_not_be_told_is_a_dead_letter_and_counts_as_told(output: Output) -> None:
    output.change(1, "a")
    output.now = 30 * SECOND
    letter = Dead("d", 1, "undelivered", b"{}")
    assert output.tell(lambda outbox, ticket: outbox.give_up(ticket, letter)) == [("first", 1)]
    assert output.tell() == []
    output.change(2)
    output.now += 5 * MINUTE
    assert output.tell() == [("all resolved", 2)]
