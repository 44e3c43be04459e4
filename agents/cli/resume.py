"""tocsin resume."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin resume INCIDENT")
@click.argument("incident")
@click.option("--note", default="", help="Written on the incident.")
@asking
def resume(incident: str, note: str, ask: Asking) -> None:
    """Take an incident out of pending: its clocks go on."""
    ask(Action.RESUME, incident, note=note)
