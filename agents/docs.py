"""Writes the generated parts of the documentation: `python -m agents.docs` brings docs/ up to what the code says.

A generated part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; all around it is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from agents.cli.command import examples_of
from agents.cli.main import COMMANDS, cli
from agents.config_keys import table
from schemas.base import ConfigError


def command_reference() -> str:
    """Every command with its options and examples, as Markdown."""
    return "\n".join(
        line for section in dict.fromkeys(lazy.section for lazy in COMMANDS.values()) for line in _of(section)
    )


def _of(section: str) -> Iterator[str]:
    yield from (f"### {section}", "")
    context = click.Context(cli, info_name="tocsin")
    for name, lazy in COMMANDS.items():
        if lazy.section == section:
            found = cli.get_command(context, name)
            if found is None:
                raise ConfigError(f"there is no command {name!r}")
            yield from _command(found, context, name)


def _command(found: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    context = click.Context(found, info_name=name, parent=parent)
    below = found.commands if isinstance(found, click.Group) else {}
    yield from (f"#### {context.command_path}", "", _paragraphs(found.help or ""), "")
    if not below:
        yield f"`{' '.join([context.command_path, *found.collect_usage_pieces(context)])}`"
        yield ""
        records = [record for option in found.get_params(context) if (record := option.get_help_record(context))]
        yield from (f"- `{names}`: {_tidy(text)}" for names, text in records if "--help" not in names)
        yield ""
        yield from ("```sh", *examples_of(found), "```", "")
    for child, command in below.items():
        yield from _command(command, context, child)


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _tidy(text: str) -> str:
    return " ".join(text.split())


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "configuration.md": {"keys": table},
    "cli.md": {"commands": command_reference},
}
"""The pages with generated parts."""


def renewed(text: str, parts: dict[str, Callable[[], str]]) -> str:
    """A page with its generated parts made anew. Raises ConfigError where a part has no place in it."""
    for name, make in parts.items():
        place = re.compile(rf"(<!-- begin {name} -->\n).*?(\n<!-- end {name} -->)", re.DOTALL)
        if not place.search(text):
            raise ConfigError(
                f"no place for the generated part {name!r}: <!-- begin {name} --> ... <!-- end {name} -->"
            )
        made = make().strip()
        text = place.sub(partial(_put, made), text)
    return text


def _put(made: str, place: re.Match[str]) -> str:
    return f"{place[1]}\n{made}\n{place[2]}"


def main(folder: Path) -> None:
    """Renew all pages in `folder`."""
    for page, parts in PARTS.items():
        path = folder / page
        path.write_text(renewed(path.read_text(encoding="utf-8"), parts), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
