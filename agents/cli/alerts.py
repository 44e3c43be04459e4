"""tocsin alerts."""

from __future__ import annotations

import click

from agents.cli.command import command
from agents.cli.desk import find, opened
from agents.cli.output import console, json_option, moment, print_json, rows, store_option, table
from agents.cli.proof import what
from schemas.alert import Alert, AlertStatus, LedgerEntry, Placement
from schemas.incident import Incident
from schemas.severity import RANK


@command(
    "tocsin alerts",
    "tocsin alerts --severity critical --resource sw1",
    "tocsin alerts --all --incident INCIDENT --json",
    "tocsin alerts ALERT",
)
@click.argument("name", metavar="[ALERT]", required=False)
@click.option("--severity", "severities", multiple=True, type=click.Choice(list(RANK)), help="Only these.")
@click.option("--resource", help="Only those whose resource contains this.")
@click.option("--incident", help="Only those of this incident.")
@click.option("--suppressed", is_flag=True, help="Only those that are held back; with --all, that ever were.")
@click.option("--all", "every", is_flag=True, help="Those that are resolved too.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
@store_option
@json_option
def alerts(
    name: str | None,
    severities: tuple[str, ...],
    resource: str | None,
    incident: str | None,
    limit: int,
    store: str,
    *,
    suppressed: bool,
    every: bool,
    as_json: bool,
) -> None:
    """List alerts, the worst first, or show one.

    ALERT is a fingerprint, and may be shortened to its first characters.
    """
    desk = opened(store)
    if name is not None:
        found = [find(Alert, name, desk)]
    else:
        of = {member.alert for member in find(Incident, incident, desk).members} if incident is not None else None
        found = [
            alert
            for alert in desk.all(Alert)
            if (every or alert.status is AlertStatus.OPEN)
            and (not severities or alert.severity.value in severities)
            and (resource is None or resource in alert.resource)
            and (of is None or alert.fingerprint in of)
        ]
    placed = {place.alert: place for place in desk.all(Placement)}
    if suppressed:
        held = {entry.alert for entry in desk.all(LedgerEntry) if every or entry.until is None}
        found = [alert for alert in found if alert.fingerprint in held]
    found.sort(key=lambda alert: (-RANK[alert.severity], -alert.last, alert.fingerprint))
    if as_json:
        pairs = [
            {**alert.model_dump(mode="json"), "placement": placed.get(alert.fingerprint)} for alert in found[:limit]
        ]
        print_json(pairs[0] if name is not None else pairs)
        return
    _print(found[:limit], placed)
    if name is not None:
        console().print(f"All about it: tocsin why {found[0].fingerprint}")
    else:
        console().print(f"{min(limit, len(found))} of {len(found)} alerts")


def _print(found: list[Alert], placed: dict[str, Placement]) -> None:
    made = table("alert", "severity", "status", "last", "count", "what", "summary", "where", right=("count",))
    console().print(
        rows(
            made,
            (
                (
                    alert.fingerprint[:12],
                    alert.severity.value,
                    "flapping" if alert.flapping else alert.status.value,
                    moment(alert.last),
                    alert.count,
                    what(alert.resource, alert.component, alert.check),
                    alert.summary,
                    _where(placed.get(alert.fingerprint)),
                )
                for alert in found
            ),
        )
    )


def _where(place: Placement | None) -> str:
    if place is None:
        return ""
    return place.suppressed.value if place.suppressed is not None else place.incident or ""
