"""tocsin close."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin close INCIDENT")
@click.argument("incident")
@click.option("--note", default="", help="Written on the incident.")
@asking
def close(incident: str, note: str, ask: Asking) -> None:
    """Close a resolved incident."""
    ask(Action.CLOSE, incident, note=note)
