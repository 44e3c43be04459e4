"""tocsin simulate."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from agents.cli.command import command
from agents.cli.output import console, count, json_option, print_json
from agents.simulate import simulate as make
from agents.simulate import write_day


@command("tocsin simulate --seed 7 --out day", "tocsin simulate --json")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed, the same day.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("day"),
    show_default=True,
    help="The folder.",
)
@json_option
def simulate(seed: int, out: Path, *, as_json: bool) -> None:
    """Write a made-up data centre and a day of its monitors' payloads, with the truth.

    The folder then holds the recording, the reference data, and the truth about each payload.
    """
    day = make(seed)
    write_day(day, out)
    sources = Counter(line.raw.source for line in day.lines)
    files = {
        "recording": str(out / "day.ndjson.gz"),
        "items": str(out / "items.json"),
        "truth": str(out / "truth.json"),
    }
    if as_json:
        told = {"seed": seed, "payloads": len(day.lines), "sources": sources, "faults": len(day.faults), "files": files}
        print_json(told)
        return
    parts = ", ".join(f"{count(number)} {name}" for name, number in sources.most_common())
    console().print(f"{count(len(day.lines))} payloads ({parts})", markup=False)
    console().print(f"{len(day.centre.items)} items, {len(day.centre.relations)} relations, {len(day.faults)} faults")
    console().print(f"Replay it: tocsin replay {files['recording']} --items {files['items']}", markup=False)
