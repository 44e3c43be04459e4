"""tocsin sources."""

from __future__ import annotations

import sys

from agents.cli.command import command
from agents.cli.output import console, json_option, print_json, rows, table
from pipeline.sources.registry import SOURCES


@command("tocsin sources")
@json_option
def sources(*, as_json: bool) -> None:
    """List the monitors that are understood, and where each is described.

    The name is what goes into `source` of a configuration, into the address POST /v1/events/NAME, and into
    `tocsin replay --source NAME`.
    """
    listed = [
        {"name": name, "reads": _first_line(sys.modules[factory.__module__].__doc__), "page": f"docs/sources/{name}.md"}
        for name, factory in SOURCES.items()
        if isinstance(factory, type)
    ]
    if as_json:
        print_json(listed)
        return
    made = table("name", "reads", "page")
    console().print(rows(made, ([entry["name"], entry["reads"], entry["page"]] for entry in listed)))
    console().print("Any other JSON or CSV: write a mapping file, see docs/sources/mapped.md")


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]
