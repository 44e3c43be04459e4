"""The entry point of `tocsin`: which commands there are, and nothing of what they need."""

from __future__ import annotations

import importlib
from typing import NamedTuple

import click


class Lazy(NamedTuple):
    """A command that is imported when it is called."""

    section: str
    help: str


RUN, LOOK, ACT, SETUP = "Run", "Look", "Act", "Set up"

COMMANDS: dict[str, Lazy] = {
    "demo": Lazy(RUN, "Simulate a day in a data centre, correlate it, and show what came out."),
    "run": Lazy(RUN, "Run the host: read the inputs of a configuration, until stopped."),
    "worker": Lazy(RUN, "Run a worker of the stream on Kafka, until stopped."),
    "replay": Lazy(RUN, "Read files through the whole flow and show what came out."),
    "simulate": Lazy(RUN, "Write a made-up data centre and a day of its monitors' payloads, with the truth."),
    "incidents": Lazy(LOOK, "List incidents, or show one."),
    "alerts": Lazy(LOOK, "List alerts, or show one."),
    "search": Lazy(LOOK, "Find incidents or alerts by words, in the store or in Elasticsearch."),
    "count": Lazy(LOOK, "Count records by a field, in the store or in Elasticsearch."),
    "why": Lazy(LOOK, "Explain an incident or an alert: every join, suppression and rank, in words."),
    "dead": Lazy(LOOK, "List, show and replay payloads that could not be understood."),
    "models": Lazy(LOOK, "See what is learned of metric samples, tell it what was right, try a detector on history."),
    "ack": Lazy(ACT, "Acknowledge an incident: somebody is looking at it."),
    "assign": Lazy(ACT, "Give an incident to a person, a group, or both."),
    "pend": Lazy(ACT, "Set an incident to pending: its clocks stop."),
    "resume": Lazy(ACT, "Take an incident out of pending: its clocks go on."),
    "resolve": Lazy(ACT, "Say that an incident is resolved."),
    "close": Lazy(ACT, "Close a resolved incident."),
    "reopen": Lazy(ACT, "Open a resolved or closed incident again."),
    "merge": Lazy(ACT, "Put other incidents into one."),
    "split": Lazy(ACT, "Take alerts out of an incident into one of their own."),
    "note": Lazy(ACT, "Write a note on an incident."),
    "silence": Lazy(ACT, "Add, list and expire silences."),
    "kafka": Lazy(SETUP, "Start, stop and look at a real Kafka broker on this machine."),
    "topics": Lazy(SETUP, "Make, check and list the topics of an installation on Kafka."),
    "index": Lazy(SETUP, "Set up, look at, migrate and check what is in Elasticsearch."),
    "backup": Lazy(SETUP, "Back up, verify and restore the store and what is in Elasticsearch."),
    "check": Lazy(SETUP, "Check a configuration and say what it would do."),
    "sources": Lazy(SETUP, "List the monitors that are understood."),
    "states": Lazy(SETUP, "Show the lifecycle of an incident."),
    "schema": Lazy(SETUP, "Show, write or check the JSON Schema of every record."),
    "version": Lazy(SETUP, "Show the version."),
}
"""Every command; its function has the command's name, in the file of that name in this folder."""

EPILOG = "Start with `tocsin demo`. Exit codes: 0 done, 1 refused or wrong configuration, 2 wrong use."


class LazyGroup(click.Group):
    """Knows its commands by name and help alone; words our own errors; lists commands by section."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the parent's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the parent's signature
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"agents.cli.{cmd_name}"), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"agents.cli.{cmd_name} holds no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from schemas.faults import unknown

            raise click.UsageError(f"{error.message.rstrip('.')}; {unknown(args[0], list(COMMANDS))}", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the parent's signature
        for section in dict.fromkeys(command.section for command in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items() if lazy.section == section])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except _ours() as error:
            raise click.ClickException(str(error)) from error


def _ours() -> type[Exception]:
    """Our own errors become a message without a traceback; all others are faults of the program and stay what they are.

    Looked up only when something was raised: the help needs no pydantic.
    """
    from schemas.base import TocsinError

    return TocsinError


@click.group(
    cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(None, "--version", package_name="tocsin", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn a flood of monitoring events into a few incidents that say what is broken, and why."""


def main() -> None:
    """Run the command line."""
    cli()
