"""Service levels: what is owned or solved late is told of in time; the incident itself is left alone."""

from __future__ import annotations

import pytest

from pipeline.flow import Flow
from pipeline.output import Output
from pipeline.settings import DedupSettings, FlowSettings, IncidentSettings
from schemas.base import DAY, HOUR, MINUTE
from schemas.command import Action, Command
from schemas.event import Event, EventKind, fingerprint
from schemas.incident import Clock, Incident, ServiceLevelNotice
from schemas.reference import Calendar, ServiceTarget
from schemas.severity import Severity

MONDAY = 1_772_409_600_000
"""2026-03-02T00:00:00Z."""
TARGETS = (ServiceTarget(priority=2, own=HOUR, resolve=4 * HOUR),)


def flow(targets: tuple[ServiceTarget, ...] = TARGETS, calendars: tuple[Calendar, ...] = ()) -> Flow:
    known = (Calendar(id="always"), *calendars)
    open_for_long = DedupSettings(expire=30 * DAY)
    return Flow(FlowSettings(dedup=open_for_long, incident=IncidentSettings(targets=targets, calendars=known)))


def event(at: int, kind: EventKind = EventKind.PROBLEM) -> Event:
    return Event(
        id=f"e{at}",
        kind=kind,
        time=at,
        received=at,
        source="test",
        resource="web1",
        check="ping",
        severity=Severity.CRITICAL,
        fingerprint=fingerprint("default", "web1", "", "ping"),
    )


def assign(incident: str, at: int) -> Command:
    return Command(id="a", action=Action.ASSIGN, target=incident, by="ann", time=at, arguments={"assignee": "bob"})


def notices(outputs: list[Output]) -> list[tuple[str, str, int]]:
    return [(one.clock, one.state, one.at - MONDAY) for one in outputs if isinstance(one, ServiceLevelNotice)]


def lapse(made: Flow, until: int) -> list[Output]:
    """Time passes, as a host tells it: a tick a minute."""
    found: list[Output] = []
    for now in range(MONDAY, MONDAY + until + 1, MINUTE):
        found += made.tick(now + made.settings.time.lateness)
    return found


def test_an_incident_that_nobody_owns_or_solves_warns_at_three_quarters_and_breaches_at_the_whole_time() -> None:
    made = flow()
    opened = made.event(event(MONDAY))
    assert [type(one) for one in opened].count(Incident) == 1
    assert notices(lapse(made, DAY)) == [
        ("own", "warned", 45 * MINUTE),
        ("own", "breached", HOUR),
        ("resolve", "warned", 3 * HOUR),
        ("resolve", "breached", 4 * HOUR),
    ]


def test_passing_time_makes_no_new_version_of_the_incident() -> None:
    made = flow()
    made.event(event(MONDAY))
    assert not [one for one in lapse(made, DAY) if isinstance(one, Incident)]


def test_who_takes_it_in_time_is_not_told_that_nobody_owns_it() -> None:
    made = flow()
    made.event(event(MONDAY))
    (incident,) = made.incidents()
    made.command(assign(incident.id, MONDAY + 10 * MINUTE))
    found = notices(lapse(made, DAY))
    assert found == [("resolve", "warned", 3 * HOUR), ("resolve", "breached", 4 * HOUR)]


def test_nothing_is_told_of_what_was_solved_in_time() -> None:
    made = flow()
    made.event(event(MONDAY))
    made.event(event(MONDAY + 20 * MINUTE, EventKind.RESOLUTION))
    assert notices(lapse(made, DAY)) == []


def test_a_notice_says_whose_it_is_and_how_much_is_left() -> None:
    made = flow()
    made.event(event(MONDAY))
    (incident,) = made.incidents()
    warned = next(one for one in lapse(made, DAY) if isinstance(one, ServiceLevelNotice))
    assert (warned.incident, warned.priority, warned.target, warned.used) == (incident.id, 2, HOUR, 45 * MINUTE)
    assert warned.breaches == MONDAY + HOUR


def test_office_hours_stop_the_clock_over_night() -> None:
    office = Calendar(id="office", weekdays=(0, 1, 2, 3, 4), opens="08:00", closes="10:00")
    made = flow((ServiceTarget(priority=2, own=3 * HOUR, resolve=9 * DAY, calendar="office"),), (office,))
    made.event(event(MONDAY))
    assert notices(lapse(made, 2 * DAY)) == [
        ("own", "warned", DAY + 8 * HOUR + 15 * MINUTE),
        ("own", "breached", DAY + 9 * HOUR),
    ]


@pytest.mark.parametrize("cut", [10 * MINUTE, 50 * MINUTE, 2 * HOUR])
def test_a_restart_in_between_tells_the_same_once(cut: int) -> None:
    made = flow()
    made.event(event(MONDAY))
    before = lapse(made, cut)
    again = flow()
    again.restore(made.drain())
    assert notices([*before, *lapse(again, DAY)]) == notices(_undisturbed())


def _undisturbed() -> list[Output]:
    made = flow()
    made.event(event(MONDAY))
    return lapse(made, DAY)


def resolve_clock(made: Flow) -> Clock:
    (incident,) = (one for one in made.incidents() if one.status != "closed")
    assert incident.resolve is not None
    return incident.resolve


def live_through(made: Flow, lasting: list[int]) -> int:
    """Incidents one after the other, each over after so long; when the last one was closed."""
    at = MONDAY
    for spell in lasting:
        made.event(event(at))
        made.event(event(at + spell, EventKind.RESOLUTION))
        at += spell + 3 * HOUR
        made.tick(at)
    return at


def test_an_open_incident_has_the_odds_of_being_late_once_enough_others_were_closed() -> None:
    made = flow()
    at = live_through(made, [HOUR, 2 * HOUR, 5 * HOUR] * 5)
    made.event(event(at))
    early = resolve_clock(made).odds
    assert early == pytest.approx(1 / 3, abs=0.1)
    (incident,) = (one for one in made.incidents() if one.status == "new")
    made.command(assign(incident.id, at + 3 * HOUR))
    late = resolve_clock(made).odds
    assert late is not None
    assert late > 0.75, "of those that lasted three hours nearly all lasted five"


def test_nobody_guesses_while_too_few_were_closed() -> None:
    made = flow()
    made.event(event(live_through(made, [HOUR] * 5)))
    assert resolve_clock(made).odds is None


def test_the_odds_survive_a_restart() -> None:
    made = flow()
    at = live_through(made, [HOUR, 5 * HOUR] * 6)
    again = flow()
    again.restore(made.drain())
    for one in (made, again):
        one.event(event(at))
    assert resolve_clock(again) == resolve_clock(made)
    assert resolve_clock(again).odds is not None
