"""tocsin pend."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin pend INCIDENT --note 'waiting for a spare part'")
@click.argument("incident")
@click.option("--note", default="", help="Written on the incident.")
@asking
def pend(incident: str, note: str, ask: Asking) -> None:
    """Set an incident to pending: its clocks stop."""
    ask(Action.PEND, incident, note=note)
