"""tocsin states."""

from __future__ import annotations

import click

from agents.cli.command import command
from agents.cli.output import console, json_option, print_json, rows, table
from pipeline.practices.lifecycle import TRANSITIONS, diagram


@command("tocsin states", "tocsin states --mermaid")
@click.option("--mermaid", is_flag=True, help="As a diagram for Markdown.")
@json_option
def states(*, mermaid: bool, as_json: bool) -> None:
    """Show the lifecycle of an incident: what leads from which state to which."""
    if as_json:
        print_json([{"from": status, "by": trigger, "to": after} for (status, trigger), after in TRANSITIONS.items()])
    elif mermaid:
        click.echo(diagram())
    else:
        made = table("from", "by", "to")
        entries = [(status.value, trigger, after.value) for (status, trigger), after in TRANSITIONS.items()]
        console().print(rows(made, entries))
        console().print("restored: all its alerts are over; withdraw: late news showed that it was none")
