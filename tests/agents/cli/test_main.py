"""The command line answers at once, and tells what to do when it is used wrongly."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from agents.cli.command import examples_of
from agents.cli.main import COMMANDS, cli

HEAVY = ("pydantic", "rich", "uvicorn", "starlette", "httpx", "orjson", "yaml", "schemas", "pipeline")

ALWAYS_JSON = ("worker", "index kibana")
"""Commands that print nothing but JSON lines: logs, and what Kibana imports."""


def commands() -> list[tuple[str, click.Command]]:
    """Every command, those below others too, by what one types."""

    def below(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
        children = command.commands if isinstance(command, click.Group) else {}
        deeper = [pair for child, found in children.items() for pair in below(f"{name} {child}", found)]
        return [(name, command), *deeper]

    context = click.Context(cli)
    return [pair for name in COMMANDS for pair in below(name, cli.get_command(context, name) or click.Command(name))]


def test_help_lists_every_command_and_loads_none() -> None:
    code = (
        "import sys\n"
        "from agents.cli.main import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    for name, lazy in COMMANDS.items():
        assert f"\n  {name} " in ended.stdout
        assert lazy.help.split()[0] in ended.stdout


@pytest.mark.parametrize(("name", "command"), commands())
def test_each_command_says_what_it_does_and_how_it_is_used(name: str, command: click.Command) -> None:
    shown = CliRunner().invoke(cli, [*name.split(), "--help"])
    assert shown.exit_code == 0
    assert command.help
    examples = examples_of(command)
    assert examples
    assert all(example.startswith("tocsin ") for example in examples)
    if not isinstance(command, click.Group):
        assert all(f"  {example}\n" in shown.output for example in examples)
        assert ("--json" in shown.output) is (name not in ALWAYS_JSON)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_the_command_says(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    first = " ".join((command.help or "").split("\n\n")[0].split())
    assert first.startswith(COMMANDS[name].help.rstrip(".").split(":")[0].split(",")[0])


def test_a_mistyped_command_is_guessed() -> None:
    shown = CliRunner().invoke(cli, ["incidnts"])
    assert shown.exit_code == 2
    assert "did you mean 'incidents'?" in shown.stderr
    assert shown.stdout == ""


def test_our_own_errors_are_a_message_and_exit_code_1() -> None:
    shown = CliRunner().invoke(cli, ["schema", "incidnt"])
    assert shown.exit_code == 1
    assert shown.stderr.startswith("Error: there is no schema 'incidnt'; did you mean 'incident'?")
    assert shown.stdout == ""


def test_the_installed_program_runs() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from agents.cli.main import main; main()", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split()[-1] == "0.1.0"
