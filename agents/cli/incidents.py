"""tocsin incidents."""

from __future__ import annotations

from collections.abc import Iterable

import click

from agents.cli.command import command
from agents.cli.desk import find, opened
from agents.cli.output import console, json_option, moment, print_json, rows, span, store_option, table
from agents.cli.proof import what
from schemas.incident import Incident, IncidentStatus

OPEN = (IncidentStatus.NEW, IncidentStatus.ASSIGNED, IncidentStatus.PENDING)
OVER = (IncidentStatus.MERGED, IncidentStatus.WITHDRAWN)


@command(
    "tocsin incidents",
    "tocsin incidents --priority 1 --priority 2 --status new",
    "tocsin incidents --all --service mail --json",
    "tocsin incidents INCIDENT",
)
@click.argument("name", metavar="[INCIDENT]", required=False)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in IncidentStatus]),
    help="Only these; without it, those that are not over.",
)
@click.option("--priority", "priorities", multiple=True, type=click.IntRange(1, 5), help="Only these.")
@click.option("--service", help="Only those that this service depends on.")
@click.option("--all", "every", is_flag=True, help="Those that are over too.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
@store_option
@json_option
def incidents(
    name: str | None,
    statuses: tuple[str, ...],
    priorities: tuple[int, ...],
    service: str | None,
    limit: int,
    store: str,
    *,
    every: bool,
    as_json: bool,
) -> None:
    """List incidents, the most urgent first, or show one.

    INCIDENT may be shortened to its first characters.
    """
    desk = opened(store)
    if name is not None:
        _show(find(Incident, name, desk), as_json=as_json)
        return
    wanted = set(statuses) or {status.value for status in (IncidentStatus if every else OPEN)}
    found = [
        incident
        for incident in desk.all(Incident)
        if incident.status.value in wanted
        and (not priorities or incident.priority in priorities)
        and (service is None or service in incident.services)
    ]
    found.sort(key=lambda incident: (incident.priority, -incident.started, incident.id))
    if as_json:
        print_json(found[:limit])
        return
    console().print(listing(found[:limit]))
    more = f", {len(found) - limit} more with --limit" if len(found) > limit else ""
    over = "" if every or statuses else "; --all lists those that are over too"
    console().print(f"{min(len(found), limit)} incidents{more}{over}")


def listing(found: Iterable[Incident]) -> object:
    """Incidents as a table for a person."""
    made = table("incident", "P", "status", "severity", "since", "lasts", "alerts", "what", right=("P", "alerts"))
    return rows(
        made,
        (
            (
                incident.id,
                incident.priority,
                incident.status.value,
                incident.severity.value,
                moment(incident.started),
                span((incident.resolved or incident.changed) - incident.started),
                incident.alerts,
                incident.title,
            )
            for incident in found
        ),
    )


def _show(incident: Incident, *, as_json: bool) -> None:
    if as_json:
        print_json(incident)
        return
    out = console()
    out.print(listing([incident]))
    made = table("alert", "since", "until", "severity", "what", "summary", title="Alerts")
    out.print(
        rows(
            made,
            (
                (
                    member.alert[:12],
                    moment(member.start),
                    moment(member.end),
                    member.severity.value,
                    what(member.resource, member.component, member.check),
                    member.summary,
                )
                for member in sorted(incident.members, key=lambda member: (member.start, member.alert))
            ),
        )
    )
    causes = table("odds", "root cause candidate", "for", right=("odds",), title="Where it comes from")
    for candidate in incident.candidates:
        reasons = "; ".join(term.text for term in candidate.terms)
        rows(causes, [(f"{candidate.odds:.0%}", candidate.name, reasons)])
    out.print(causes)
    out.print(f"The whole proof: tocsin why {incident.id}", markup=False)
