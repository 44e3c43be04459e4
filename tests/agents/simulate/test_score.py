"""Small examples, reckoned by hand."""

import pytest

from agents.simulate.score import SLACK, score
from schemas.event import Event, EventKind
from schemas.incident import Candidate, Incident, IncidentStatus, Join, Member
from schemas.severity import Severity

AT = 10_000_000
ROOTS = {"F1": "power", "F2": "disk"}


def event(alert: str, at: int = AT, kind: EventKind = EventKind.PROBLEM) -> Event:
    return Event(
        id=f"{alert}-{at}",
        kind=kind,
        time=at,
        received=at,
        source="test",
        resource=alert,
        check="check",
        severity=Severity.MAJOR,
        fingerprint=alert,
    )


def incident(
    name: str, alerts: str, *candidates: str, status: IncidentStatus = IncidentStatus.NEW, start: int = AT
) -> Incident:
    return Incident(
        id=name,
        version=1,
        tenant="default",
        scope="default",
        status=status,
        reason="opened",
        title=name,
        severity=Severity.MAJOR,
        impact=1,
        urgency=1,
        priority=1,
        opened=start,
        changed=start,
        started=start,
        alerts=len(alerts),
        active=len(alerts),
        members=tuple(
            Member(
                alert=alert,
                start=start,
                severity=Severity.MAJOR,
                resource=alert,
                check="check",
                join=Join(alert=alert, start=start, reason="first"),
            )
            for alert in alerts
        ),
        candidates=tuple(Candidate(item=item, name=item, odds=0.5) for item in candidates),
    )


def labelled(**truths: str) -> list[tuple[Event, str]]:
    """Letters are alerts: F1="abc" is three alerts of the first fault."""
    return [(event(alert), truth) for truth, alerts in truths.items() for alert in alerts]


def test_all_right() -> None:
    got = score(ROOTS, labelled(F1="abc", F2="de"), [incident("I1", "abc", "power"), incident("I2", "de", "disk")])
    assert (got.precision, got.recall, got.f1, got.top1, got.top3) == (1, 1, 1, 1, 1)
    assert (got.faults, got.missed, got.extra, got.wrong_roots) == (2, (), (), ())


def test_one_incident_for_two_faults() -> None:
    # Ten pairs are told, of which three are of F1 and one of F2; all four true pairs are together.
    got = score(ROOTS, labelled(F1="abc", F2="de"), [incident("I1", "abcde", "power")])
    assert got.precision == pytest.approx(4 / 10)
    assert got.recall == 1
    assert got.f1 == pytest.approx(2 * 0.4 / 1.4)
    assert got.missed == ("F2",)
    assert (got.top1, got.top3) == (0.5, 0.5)


def test_one_fault_in_two_incidents() -> None:
    # Of the six true pairs of abcd only ab and cd are together.
    got = score({"F1": "power"}, labelled(F1="abcd"), [incident("I1", "ab", "power"), incident("I2", "cd", "power")])
    assert got.precision == 1
    assert got.recall == pytest.approx(2 / 6)
    assert [(name, dict(made_of)) for name, made_of in got.extra] == [("I1", {"F1": 2})]


def test_noise_in_an_incident_costs_precision_only() -> None:
    got = score({"F1": "power"}, labelled(F1="ab", noise="x"), [incident("I1", "abx", "power")])
    assert got.precision == pytest.approx(1 / 3)
    assert (got.recall, got.missed) == (1, ())


def test_an_incident_of_noise_is_one_too_many() -> None:
    truth = labelled(F1="ab", noise="xyz")
    got = score({"F1": "power"}, truth, [incident("I1", "ab", "power"), incident("I2", "xyz")])
    assert got.precision == pytest.approx(1 / 4)
    assert got.extra == (("I2", (("noise", 3),)),)


def test_nothing_told() -> None:
    got = score(ROOTS, labelled(F1="abc", F2="de"), [])
    assert (got.precision, got.recall, got.f1, got.top1, got.top3) == (0, 0, 0, 0, 0)
    assert got.missed == ("F1", "F2")


def test_the_place_of_the_root_among_the_candidates() -> None:
    second = incident("I1", "abc", "rack", "power")
    fourth = incident("I2", "de", "one", "two", "three", "disk")
    got = score(ROOTS, labelled(F1="abc", F2="de"), [second, fourth])
    assert (got.top1, got.top3) == (0, 0.5)
    assert got.wrong_roots == (("F1", "power", "rack"), ("F2", "disk", "one"))


@pytest.mark.parametrize("status", [IncidentStatus.MERGED, IncidentStatus.WITHDRAWN])
def test_what_was_merged_or_withdrawn_counts_for_nothing(status: IncidentStatus) -> None:
    got = score({"F1": "power"}, labelled(F1="ab"), [incident("I1", "ab", "power", status=status)])
    assert (got.recall, got.missed, got.extra) == (0, ("F1",), ())


def test_repeats_and_ends_of_an_alert_are_no_further_units() -> None:
    events = [(event(alert, AT + more), "F1") for alert in "ab" for more in range(5)]
    events.append((event("c", AT, EventKind.RESOLUTION), "F1"))
    got = score({"F1": "power"}, events, [incident("I1", "ab", "power")])
    assert (got.precision, got.recall) == (1, 1)


def test_an_event_long_before_the_member_is_not_in_the_incident() -> None:
    told = [incident("I1", "ab", "power", start=AT + SLACK)]
    late = [incident("I1", "ab", "power", start=AT + SLACK + 1)]
    assert score({"F1": "power"}, labelled(F1="ab"), told).recall == 1
    assert score({"F1": "power"}, labelled(F1="ab"), late).recall == 0


def test_what_nobody_could_tell_from_a_fault_is_not_scored() -> None:
    got = score({"F1": "power"}, labelled(F1="a", chance="x"), [incident("I1", "ax", "power")])
    assert (got.precision, got.missed, got.extra, got.top1) == (0, (), (), 1)
    got = score({"F1": "power"}, labelled(F1="ab", chance="x"), [incident("I1", "abx", "power")])
    assert (got.precision, got.recall, got.f1) == (1, 1, 1)
