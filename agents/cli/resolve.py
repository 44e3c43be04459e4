"""tocsin resolve."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin resolve INCIDENT --note 'cable replaced'")
@click.argument("incident")
@click.option("--note", default="", help="Written on the incident.")
@asking
def resolve(incident: str, note: str, ask: Asking) -> None:
    """Say that an incident is resolved."""
    ask(Action.RESOLVE, incident, note=note)
