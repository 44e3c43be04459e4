"""What commands print: tables and colour for a person, one JSON document for a machine; errors never on stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE = 160
"""Columns where the output is no terminal: a pipe or a file cuts nothing off sooner."""

F = TypeVar("F", bound=Callable[..., object])

COLOURS: dict[str, str] = {
    "critical": "bold red",
    "major": "red",
    "minor": "yellow",
    "warning": "cyan",
    "info": "dim",
    "new": "bold",
    "resolved": "green",
    "closed": "dim",
    "merged": "dim",
    "withdrawn": "dim",
}


def json_option(function: F) -> F:
    """The `--json` of every command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for a machine, and nothing else.")(function)


def store_option(function: F) -> F:
    """The `--store` of every command that reads or writes one."""
    return click.option(
        "--store",
        envvar="TOCSIN_STORE",
        default="tocsin.db",
        show_default=True,
        show_envvar=True,
        type=click.Path(dir_okay=False),
        help="The host's store.",
    )(function)


def print_json(data: object) -> None:
    """Write one JSON document to stdout; indented where a person watches."""
    import orjson
    from pydantic import BaseModel

    def dumped(value: object) -> object:
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
        raise TypeError(f"{type(value).__name__} is no JSON")

    option = orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0
    click.echo(orjson.dumps(data, default=dumped, option=option).decode())


def console(*, stderr: bool = False) -> Console:
    """Where tables go. Colour only on a terminal, and not where NO_COLOR is set."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else WIDE, highlight=False, soft_wrap=False)


def table(*columns: str, right: Sequence[str] = (), title: str = "") -> Table:
    """An empty table; the columns named in `right` are for numbers."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def rows(made: Table, entries: Iterable[Sequence[object]]) -> Table:
    """Add rows of plain text: nothing in them is read as markup."""
    from rich.text import Text

    for entry in entries:
        made.add_row(*(Text(str(cell), style=COLOURS.get(str(cell), "")) for cell in entry))
    return made


def moment(millis: int | None) -> str:
    """A time for a person, in UTC: 2026-05-01 22:00:05Z."""
    if millis is None:
        return ""
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def span(millis: int | None) -> str:
    """A length of time for a person: its two largest units."""
    if millis is None:
        return ""
    units = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000))
    parts = []
    rest = max(millis, 0)
    for unit, size in units:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or f"{rest}ms"


def count(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}"


def progress_wanted(*, as_json: bool) -> bool:
    """Whether a bar would be seen: only a person at a terminal wants one."""
    return not as_json and sys.stderr.isatty()
