"""tocsin merge."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin merge INCIDENT OTHER")
@click.argument("incident")
@click.argument("others", metavar="OTHER...", nargs=-1, required=True)
@asking
def merge(incident: str, others: tuple[str, ...], ask: Asking) -> None:
    """Put other incidents into one.

    INCIDENT keeps its id; each OTHER ends as merged into it, and what comes later about its alerts goes there.
    """
    into = ask.whole(incident)
    for other in others:
        ask(Action.MERGE, other, into=into)
