"""tocsin split."""

from __future__ import annotations

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import command
from schemas.command import Action


@command("tocsin split INCIDENT ALERT")
@click.argument("incident")
@click.argument("alerts", metavar="ALERT...", nargs=-1, required=True)
@asking
def split(incident: str, alerts: tuple[str, ...], ask: Asking) -> None:
    """Take alerts out of an incident into one of their own.

    ALERT is a fingerprint, as `tocsin incidents INCIDENT` shows it.
    """
    ask(Action.SPLIT, incident, alerts=[ask.whole_alert(alert) for alert in alerts])
