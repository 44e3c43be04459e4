"""A command that carries its examples: shown by --help, printed in docs/cli.md, and run by the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click


class Command(click.Command):
    """A click command with examples."""

    examples: tuple[str, ...] = ()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"  {example}\n")
        super().format_epilog(ctx, formatter)


def command(*examples: str) -> Callable[[Callable[..., object]], Command]:
    """Make a function a command with `examples`, at least one."""

    def decorate(function: Callable[..., object]) -> Command:
        made = click.command(cls=Command)(function)
        made.examples = examples
        return made

    return decorate


class Group(click.Group):
    """A command with commands below it, such as `tocsin dead list`."""

    command_class = Command


def subcommand(group: click.Group, name: str, *examples: str) -> Callable[[Callable[..., object]], Command]:
    """Make a function the command `name` below `group`."""

    def decorate(function: Callable[..., object]) -> Command:
        made = click.command(name, cls=Command)(function)
        made.examples = examples
        group.add_command(made)
        return made

    return decorate


def examples_of(found: click.Command) -> Sequence[str]:
    """The examples of a command, and of those below it."""
    own = found.examples if isinstance(found, Command) else ()
    below = found.commands.values() if isinstance(found, click.Group) else ()
    return [*own, *(example for child in below for example in examples_of(child))]
