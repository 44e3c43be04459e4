"""tocsin reopen."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin reopen INCIDENT --note 'it is back'")
@click.argument("incident")
@click.option("--note", default="", help="Written on the incident.")
@asking
def reopen(incident: str, note: str, ask: Asking) -> None:
    """Open a resolved or closed incident again."""
    ask(Action.REOPEN, incident, note=note)
