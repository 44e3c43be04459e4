"""`tocsin why` tells all of the proof: every join with its terms and what would have kept it apart, and the rest."""

from __future__ import annotations

from collections.abc import Iterable

from agents.cli.proof import Evidence, Line, of_alert, of_incident
from schemas.alert import SuppressionReason
from schemas.base import HOUR
from schemas.command import Action, AuditEntry, Role
from tests.agents.cli.made import NOON, alert, entry, incident, placement


def evidence() -> Evidence:
    return Evidence({"aaaa1111": alert()}, {"aaaa1111": placement()}, [entry()], [])


def told(lines: Iterable[Line]) -> str:
    return "\n".join("  " * line.depth + line.text for line in lines)


def test_an_incident_tells_what_belongs_together_and_why() -> None:
    text = told(of_incident(incident(), evidence()))
    assert "Incident inc-1: Core switch 1: link down" in text
    assert "priority 1, from impact 1 and urgency 1" in text
    first, second = text.index("sw1/Gi0/1 link"), text.index("web1/Gi0/1 link")
    assert first < second, "members in the order in which they began"
    assert "    joined to sw1/Gi0/1 link: depends" in text
    assert "      +0.62  topology: web1 needs sw1, one relation apart" in text
    assert "      kept apart if: more than 5m between them" in text
    assert "... and 1 more" in text


def test_an_incident_tells_where_it_comes_from_with_odds_and_reasons() -> None:
    text = told(of_incident(incident(), evidence()))
    assert "1.  80%  Core switch 1 (its link alert)" in text
    assert "2.  20%  UPS 1 (no alert of its own: it was silent)" in text


def test_an_incident_tells_its_clocks_changes_and_services() -> None:
    text = told(of_incident(incident(), evidence()))
    assert "time to own: 1m of 15m used (ok, breaches 2026-05-01 12:14:00Z)" in text
    assert "changes on its items: CHG-7" in text
    assert "services: shop" in text
    assert "assigned to: network" in text


def test_what_was_held_back_is_told() -> None:
    said = "flapping, until 2026-05-01 12:01:00Z: It changed its mind in 40 % of the last 20 checks."
    assert f"2026-05-01 12:00:00Z  sw1/Gi0/1 link: {said}" in told(of_incident(incident(), evidence()))
    assert f"2026-05-01 12:00:00Z  {said}" in told(of_alert(alert(), evidence(), incident()))


def test_what_was_held_back_on_another_part_of_the_day_is_counted_only() -> None:
    early = entry().model_copy(update={"id": "l0", "since": NOON - 9 * HOUR, "until": NOON - 8 * HOUR})
    text = told(of_incident(incident(), evidence()._replace(ledger=[early, entry()])))
    assert "2026-05-01 12:00:00Z  sw1/Gi0/1 link: flapping" in text
    assert "2026-05-01 03:00:00Z" not in text
    assert "at other times: 1 flapping (`tocsin why ALERT` tells of each)" in text
    assert "2026-05-01 03:00:00Z  flapping" in told(
        of_alert(alert(), evidence()._replace(ledger=[early, entry()]), incident())
    )


def test_what_people_asked_for_is_told_refusals_too() -> None:
    asked = AuditEntry(
        id="1",
        time=NOON,
        by="kim",
        role=Role.VIEWER,
        action=Action.CLOSE,
        target="inc-1",
        ok=False,
        reason="not-allowed",
        text="a viewer may not close",
    )
    text = told(of_incident(incident(), evidence()._replace(audit=[asked])))
    assert "kim: close, refused (not-allowed): a viewer may not close" in text


def test_an_alert_tells_what_it_went_through_and_where_it_was_put() -> None:
    text = told(of_alert(alert(), evidence(), incident()))
    assert "17 problem events folded into this spell, 18 events in all, spell 2; reopened 1 times; 4 came late" in text
    assert "2026-05-01 12:00:30Z  resolved" in text
    assert "It is flapping" in text
    assert "incident: inc-1" in text
    assert "the first of it" in text


def test_an_alert_in_no_incident_says_why() -> None:
    nowhere = told(of_alert(alert(), evidence()._replace(placements={}), None))
    assert "nowhere yet" in nowhere
    alone = told(of_alert(alert(), evidence()._replace(placements={"aaaa1111": placement(name=None)}), None))
    assert "in no incident: it opens none by itself" in alone
    muted = placement(name=None).model_copy(update={"suppressed": SuppressionReason.SILENCE})
    held = told(of_alert(alert(), evidence()._replace(placements={"aaaa1111": muted}), None))
    assert "it opens nothing now: silence" in held
