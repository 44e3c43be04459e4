"""tocsin replay."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from agents import collector, feeding, loader, mapping_files, recording
from agents.cli.command import command
from agents.cli.desk import StoreDesk, desk_at
from agents.cli.incidents import listing
from agents.cli.output import console, json_option, print_json, progress_wanted
from agents.cli.summary import Summary, as_data, collect, shown
from agents.config import Config
from agents.embedded.host import Host
from agents.embedded.store import Store
from agents.reference_files import load_all
from agents.source_files import make_sources
from pipeline.flow import Flow
from pipeline.sources.base import Source
from pipeline.sources.mapped import Mapped
from pipeline.sources.normalise import Normaliser
from schemas.base import ConfigError
from schemas.event import RawRecord
from schemas.faults import unknown
from schemas.incident import Incident, IncidentStatus

SHOWN = 10
Progress = Callable[[int], None]


@command(
    "tocsin replay day/day.ndjson.gz --items day/items.json",
    "tocsin replay --source syslog messages.log",
    "tocsin replay --mapping examples/mappings/doors.yaml examples/door-controller.jsonl --json",
)
@click.argument("files", nargs=-1, required=True)
@click.option("--source", help="The files hold payloads of this source, one a line (or, .json, one in all).")
@click.option(
    "--mapping",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The files hold JSON or CSV that this mapping file describes.",
)
@click.option("--items", multiple=True, type=click.Path(dir_okay=False), help="Reference data: CSV, JSON or YAML.")
@click.option(
    "--config", "-c", type=click.Path(dir_okay=False, path_type=Path), help="Settings, sources and reference data."
)
@click.option("--store", type=click.Path(dir_okay=False), help="Keep what came out here; without it, nothing is kept.")
@json_option
def replay(
    files: tuple[str, ...],
    source: str | None,
    mapping: Path | None,
    items: tuple[str, ...],
    config: Path | None,
    store: str | None,
    *,
    as_json: bool,
) -> None:
    """Read files through the whole flow and show what came out.

    FILES are recordings (which name the source of each payload) unless --source or --mapping says what they are;
    '-' is standard input, and names that end in .gz are decompressed.
    """
    if source is not None and mapping is not None:
        raise click.UsageError("give --source or --mapping, not both")
    settings = loader.load(config) if config is not None else Config()
    sources = make_sources(settings.sources)
    raws = _raws(files, source, mapping, sources)
    with _place(store) as path:
        summary, desk = run_replay(
            path, settings, sources, [*settings.reference, *items], raws, quiet=not progress_wanted(as_json=as_json)
        )
        top = top_incidents(desk)
        if as_json:
            print_json({**as_data(summary), "top": top, "store": store})
            return
        out = console()
        out.print(shown(summary))
        if top:
            out.print(listing(top))
        if store is not None:
            out.print(f"Look around: tocsin incidents --all --store {store}", markup=False)


def _raws(
    files: tuple[str, ...], source: str | None, mapping: Path | None, sources: dict[str, Source]
) -> Iterable[RawRecord]:
    missing = [path for path in files if path != "-" and not Path(path).is_file()]
    if missing:
        raise ConfigError(f"there is no file {missing[0]}")
    if mapping is not None:
        sources[mapping.stem] = Mapped(mapping_files.load(mapping))
        return feeding.feed(files, mapping.stem, sources[mapping.stem])
    if source is None:
        return (raw for path in files for raw in recording.read(path))
    if source not in sources:
        raise ConfigError(f"there is no source {source!r}; {unknown(source, sorted(sources))}")
    return feeding.feed(files, source, sources[source])


@contextmanager
def _place(store: str | None) -> Iterator[str]:
    """The path of the store: the one that was named, which must be new, or one that is gone afterwards."""
    if store is None:
        with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
            yield str(Path(folder) / "replay.db")
        return
    if Path(store).exists():
        raise ConfigError(f"{store} is there already; remove it, or name another one")
    Path(store).parent.mkdir(parents=True, exist_ok=True)
    yield store


def run_replay(
    path: str,
    settings: Config,
    sources: dict[str, Source],
    references: Iterable[str],
    raws: Iterable[RawRecord],
    *,
    quiet: bool,
) -> tuple[Summary, StoreDesk]:
    """Handle all of `raws` in a new store at `path`; the figures, and the store to read from."""
    records = load_all(references)
    store = Store(path)
    host = Host(Flow(settings.flow), Normaliser(sources), store, settings.store.checkpoint_every)
    host.refer(records, 0)
    collector.settle()
    begin = time.perf_counter()
    with _bar(quiet=quiet) as progress:
        done = host.replay("replay", raws, progress)
    seconds = time.perf_counter() - begin
    store.close()
    desk = desk_at(path)
    return collect(desk, done.inputs, seconds), desk


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Progress | None]:
    if quiet:
        yield None
        return
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} payloads"), TimeElapsedColumn())
    with Bar(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("replay", total=None)
        yield lambda count: bar.advance(task, count)


def top_incidents(desk: StoreDesk) -> list[Incident]:
    """The incidents that matter most, whether or not they are over."""
    gone = (IncidentStatus.MERGED, IncidentStatus.WITHDRAWN)
    found = [incident for incident in desk.all(Incident) if incident.status not in gone]
    found.sort(key=lambda incident: (incident.priority, -incident.alerts, incident.id))
    return found[:SHOWN]
