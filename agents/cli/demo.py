"""tocsin demo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agents import recording
from agents.cli.command import command
from agents.cli.desk import StoreDesk
from agents.cli.incidents import listing
from agents.cli.output import console, count, json_option, print_json, progress_wanted, rows, table
from agents.cli.replay import run_replay, top_incidents
from agents.cli.summary import as_data, shown
from agents.config import Config
from agents.simulate import Day, simulate, write_day
from agents.simulate.score import Score, score
from agents.source_files import make_sources
from pipeline.sources.normalise import Normaliser
from schemas.alert import LedgerEntry
from schemas.base import ConfigError
from schemas.event import Event
from schemas.incident import Incident

if TYPE_CHECKING:
    from rich.table import Table

MADE = ("day.ndjson.gz", "items.json", "truth.json", "README.txt", "tocsin.db", "tocsin.db-wal", "tocsin.db-shm")
"""The files of a demonstration: these, and no others, are replaced when it is run again."""


@command("tocsin demo", "tocsin demo --seed 7 --out other --json")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed, the same day.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="The folder.",
)
@json_option
def demo(seed: int, out: Path, *, as_json: bool) -> None:
    """Simulate a day in a data centre, correlate it, and show what came out.

    What came out is compared with the truth, and kept in the folder to look around in.
    """
    quiet = not progress_wanted(as_json=as_json)
    _clear(out)
    if not as_json:
        console().print(f"Simulating a day in a data centre (seed {seed}) into {out}/ ...", markup=False)
    day = simulate(seed)
    write_day(day, out)
    store, items, recorded = out / "tocsin.db", out / "items.json", out / "day.ndjson.gz"
    settings = Config()
    sources = make_sources(settings.sources)
    raws = recording.read(str(recorded))
    summary, desk = run_replay(str(store), settings, sources, [str(items)], raws, quiet=quiet)
    judged = judge(day, desk, Normaliser(sources))
    top = top_incidents(desk)
    if as_json:
        print_json({**as_data(summary), "score": judged._asdict(), "top": top, "store": str(store)})
        return
    out_to = console()
    out_to.print(f"{count(len(day.centre.items))} items, {len(day.faults)} faults, {count(len(day.lines))} payloads")
    out_to.print(shown(summary))
    out_to.print(_judged(judged))
    out_to.print(listing(top))
    for line in _next(store, top, desk):
        out_to.print(line, markup=False)


def _clear(out: Path) -> None:
    """Remove what an earlier demonstration left; nothing else may be in the folder."""
    if not out.exists():
        return
    strange = sorted(path.name for path in out.iterdir() if path.name not in MADE)
    if strange:
        raise ConfigError(f"{out} holds {strange[0]}, which is not of a demonstration; name another folder with --out")
    shutil.rmtree(out)


def judge(day: Day, desk: StoreDesk, normaliser: Normaliser) -> Score:
    """What came out, compared with what was put in."""
    return score({fault.id: fault.root for fault in day.faults}, _labelled(day, normaliser), desk.all(Incident))


def _labelled(day: Day, normaliser: Normaliser) -> Iterator[tuple[Event, str]]:
    for line in day.lines:
        for event in normaliser.normalise(line.raw).events:
            yield event, line.truth


def _judged(judged: Score) -> Table:
    made = table("against the truth", "", right=("",))
    missed = ", ".join(judged.missed) or "none"
    return rows(
        made,
        [
            ("grouping, pairwise F1", f"{judged.f1:.3f}"),
            ("precision, recall", f"{judged.precision:.3f}, {judged.recall:.3f}"),
            ("root cause first", f"{judged.top1:.0%} of {judged.faults} faults"),
            ("root cause among three", f"{judged.top3:.0%}"),
            ("faults missed", missed),
            ("incidents too many", len(judged.extra)),
        ],
    )


def _next(store: Path, top: list[Incident], desk: StoreDesk) -> Iterator[str]:
    yield "What to look at next (the commands live in .venv/bin):"
    if top:
        yield f"  tocsin why {top[0].id} --store {store}"
    held = next(iter(desk.all(LedgerEntry)), None)
    if held is not None:
        yield f"  tocsin why {held.alert} --store {store}"
    yield f"  tocsin incidents --all --store {store}"
    yield f"  tocsin alerts --suppressed --all --store {store}"
    yield f"  tocsin dead list --store {store}"
