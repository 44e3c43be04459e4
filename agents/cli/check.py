"""tocsin check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from agents import loader
from agents.cli.command import command
from agents.cli.output import console, count, json_option, print_json
from agents.config import Config, FileInput, JsonLinesOutput, SyslogInput, WebhookOutput
from agents.config_keys import written_span
from agents.reference_files import load_all
from pipeline.practices.configuration import loose_ends
from schemas.reference import Reference

MOST_LOOSE_ENDS = 10


@command("tocsin check examples/tocsin.yaml", "tocsin check examples/tocsin.yaml --json")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path), default="tocsin.yaml")
@json_option
def check(config: Path, *, as_json: bool) -> None:
    """Check a configuration and say what it would do.

    CONFIG is read, and all files that it names: mappings, reference data, secrets.

    Exit code 0: the host would start. 1: it would not; every reason is told.
    """
    read = loader.load(config)
    records = load_all(read.reference)
    loose = loose_ends(records)
    if as_json:
        print_json({"ok": True, "config": read, "reference": _kinds(records), "warnings": loose})
        return
    out = console()
    for line in _summary(read, records):
        out.print(line, markup=False)
    for line in loose[:MOST_LOOSE_ENDS]:
        out.print(f"note: {line}", style="yellow", markup=False)
    if len(loose) > MOST_LOOSE_ENDS:
        out.print(f"note: ... and {len(loose) - MOST_LOOSE_ENDS} more like these", style="yellow")
    out.print(f"{config} is good. Start it: tocsin run --config {config}", style="green", markup=False)


def _kinds(records: list[Reference]) -> dict[str, int]:
    return dict(Counter(type(record).__name__ for record in records))


def _summary(config: Config, records: list[Reference]) -> Iterator[str]:
    yield from coming_in(config)
    known = ", ".join(f"{count(number)} {kind}" for kind, number in _kinds(records).items())
    yield f"knows: {known or 'no reference data: alerts are joined by time and by what they have in common only'}"
    flow, incident = config.flow, config.flow.incident
    yield (
        f"mutes: {len(flow.silences)} silences, {len(flow.inhibitions)} inhibition rules, {len(flow.changes)} changes, "
        f"{len(flow.holds)} hold times"
    )
    yield (
        f"opens an incident: at one alert of {incident.open_at.value} or worse, or at {incident.open_count} lesser "
        f"ones on two items; {len(flow.correlate.rules)} rules of your own"
    )
    for target in incident.targets:
        own, resolve = written_span(target.own), written_span(target.resolve)
        yield f"priority {target.priority}: owned in {own}, resolved in {resolve}, on calendar {target.calendar}"
    yield from going_out(config)
    yield f"keeps: {config.store.path}, raw payloads for {written_span(config.store.keep_raw)} after they were handled"


def coming_in(config: Config) -> Iterator[str]:
    """A line for each input and each source of the configuration."""
    if not config.inputs:
        yield "reads: nothing; name at least one under inputs"
    for entry in config.inputs:
        if isinstance(entry, FileInput):
            name = "standard input" if entry.path == loader.STDIO else entry.path
            how = "as it grows" if entry.follow else "once"
            yield f"reads: {name} {how}, {f'lines of {entry.source}' if entry.source else 'a recording'}"
        elif isinstance(entry, SyslogInput):
            yield f"reads: syslog on {entry.protocol} {entry.host}:{entry.port}, as {entry.source}"
        else:
            yield f"reads: http://{entry.host}:{entry.port}/v1/events/SOURCE and /api/v2/alerts"
            who = f"who has a token of {entry.token_file}" if entry.token_file else "this machine only"
            yield f"obeys: {who}, at http://{entry.host}:{entry.port}/v1/commands"
    for name, settings in config.sources.items():
        by = f"by {settings.mapping}" if settings.mapping else f"with {settings.options or 'no options'}"
        yield f"source {name}: {by}, tenant {settings.tenant}"


def going_out(config: Config) -> Iterator[str]:
    """A line for each output."""
    for target in config.outputs:
        if isinstance(target, JsonLinesOutput):
            yield f"tells: {'standard output' if target.path == loader.STDIO else target.path}, JSON lines"
        elif isinstance(target, WebhookOutput):
            signed = f"signed by {target.secret_file}" if target.secret_file else "unsigned"
            yield f"tells: {target.url}, {target.format}, {signed}, tries for {written_span(target.give_up)}"
    if not config.outputs:
        yield "tells: nobody; what comes out is in the store"
