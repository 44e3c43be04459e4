"""tocsin assign."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin assign INCIDENT --group network", "tocsin assign INCIDENT --to kim --group network")
@click.argument("incident")
@click.option("--to", "assignee", default="", help="The person.")
@click.option("--group", default="", help="The group.")
@click.option("--note", default="", help="Written on the incident.")
@asking
def assign(incident: str, assignee: str, group: str, note: str, ask: Asking) -> None:
    """Give an incident to a person, a group, or both."""
    if not assignee and not group:
        raise click.UsageError("give --to, --group, or both")
    ask(Action.ASSIGN, incident, assignee=assignee, group=group, note=note)
