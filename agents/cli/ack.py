"""tocsin ack."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin ack INCIDENT", 'tocsin ack INCIDENT --by kim --note "on it"')
@click.argument("incident")
@click.option("--note", default="", help="Written on the incident.")
@asking
def ack(incident: str, note: str, ask: Asking) -> None:
    """Acknowledge an incident: somebody is looking at it."""
    ask(Action.ACKNOWLEDGE, incident, note=note)
