"""tocsin version."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed

import click

from agents.cli.command import command
from agents.cli.output import json_option, print_json


@command("tocsin version")
@json_option
def version(*, as_json: bool) -> None:
    """Show the version."""
    versions = {"tocsin": installed("tocsin"), "python": platform.python_version()}
    if as_json:
        print_json(versions)
    else:
        click.echo(f"tocsin {versions['tocsin']} on Python {versions['python']}")
