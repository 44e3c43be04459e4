"""tocsin note."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin note INCIDENT 'The supplier was called.'")
@click.argument("incident")
@click.argument("text")
@asking
def note(incident: str, text: str, ask: Asking) -> None:
    """Write a note on an incident."""
    ask(Action.NOTE, incident, text=text)
