"""tocsin why."""

from __future__ import annotations

from collections.abc import Iterable

import click
from rich.padding import Padding
from rich.text import Text

from agents.cli import proof
from agents.cli.command import command
from agents.cli.desk import Desk, find, found_by, opened
from agents.cli.output import console, json_option, print_json, store_option
from schemas.alert import Alert, LedgerEntry, Placement
from schemas.base import ConfigError
from schemas.command import AuditEntry
from schemas.incident import Incident


@command("tocsin why INCIDENT", "tocsin why ALERT", "tocsin why INCIDENT --json")
@click.argument("name", metavar="INCIDENT|ALERT")
@store_option
@json_option
def why(name: str, store: str, *, as_json: bool) -> None:
    """Explain an incident or an alert: every join, suppression and rank, in words, and what would have changed it.

    An id may be shortened to its first characters.
    """
    desk = opened(store)
    incidents, alerts = found_by(Incident, name, desk), found_by(Alert, name, desk)
    if not incidents and not alerts:
        raise ConfigError(
            f"no incident and no alert begins with {name!r}; see `tocsin incidents` and `tocsin alerts --all`"
        )
    if incidents and not alerts:
        _incident(find(Incident, name, desk), desk, as_json=as_json)
    elif alerts and not incidents:
        _alert(find(Alert, name, desk), desk, as_json=as_json)
    else:
        raise ConfigError(f"incidents and alerts begin with {name!r}; give more of its characters")


def _evidence(desk: Desk, alerts: set[str], target: str) -> proof.Evidence:
    return proof.Evidence(
        {alert.fingerprint: alert for alert in desk.all(Alert) if alert.fingerprint in alerts},
        {place.alert: place for place in desk.all(Placement) if place.alert in alerts},
        [entry for entry in desk.all(LedgerEntry) if entry.alert in alerts],
        [entry for entry in desk.all(AuditEntry) if entry.target == target],
    )


def _incident(incident: Incident, desk: Desk, *, as_json: bool) -> None:
    evidence = _evidence(desk, {member.alert for member in incident.members}, incident.id)
    if as_json:
        print_json({"incident": incident, **evidence._asdict()})
    else:
        _print(proof.of_incident(incident, evidence))


def _alert(alert: Alert, desk: Desk, *, as_json: bool) -> None:
    evidence = _evidence(desk, {alert.fingerprint}, alert.fingerprint)
    place = evidence.placements.get(alert.fingerprint)
    incident = desk.get(Incident, place.incident) if place is not None and place.incident is not None else None
    if as_json:
        print_json({"alert": alert, "incident": incident, **evidence._asdict()})
    else:
        _print(proof.of_alert(alert, evidence, incident))


def _print(lines: Iterable[proof.Line]) -> None:
    out = console()
    for line in lines:
        out.print(Padding(Text(line.text, style=line.style), (0, 0, 0, 2 * line.depth), expand=False))
