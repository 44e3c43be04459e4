"""tocsin dead."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import click

from agents.cli.asking import reaching
from agents.cli.channel import HttpChannel, StoreChannel
from agents.cli.command import Group, subcommand
from agents.cli.desk import Desk, find, opened
from agents.cli.kafka_options import configured, kafka_options
from agents.cli.output import console, json_option, moment, print_json, rows, store_option, table
from agents.config import Config
from agents.source_files import make_sources
from agents.stream.dead import DeadTopic
from pipeline.sources.normalise import Normaliser
from schemas.base import ConfigError
from schemas.event import DeadLetter, RawRecord


@click.group(cls=Group)
def dead() -> None:
    """List, show and replay payloads that could not be understood."""


@subcommand(
    dead,
    "list",
    "tocsin dead list",
    "tocsin dead list --reason not-json --json",
    "tocsin dead list --bootstrap 127.0.0.1:9092",
)
@click.option("--reason", help="Only those that died of this.")
@click.option("--source", help="Only those of this source.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
@store_option
@kafka_options
@json_option
def listing(
    reason: str | None,
    source: str | None,
    limit: int,
    store: str,
    config: Path | None,
    bootstrap: str | None,
    *,
    as_json: bool,
) -> None:
    """List what could not be understood, and why.

    With --config or --bootstrap in the dead topic on Kafka, else in the store.
    """
    found = [
        letter
        for letter in _desk(store, config, bootstrap).all(DeadLetter)
        if (reason is None or letter.reason == reason) and (source is None or letter.raw.source == source)
    ]
    if as_json:
        print_json(found[:limit])
        return
    made = table("dead letter", "received", "source", "reason", "detail")
    entries = (
        (letter.id[:12], moment(letter.raw.received), letter.raw.source, letter.reason, letter.detail[:80])
        for letter in found[:limit]
    )
    console().print(rows(made, entries))
    console().print(f"{min(limit, len(found))} of {len(found)} dead letters; see one: tocsin dead show DEAD")


@subcommand(dead, "show", "tocsin dead show DEAD", "tocsin dead show DEAD --bytes > payload.json")
@click.argument("name", metavar="DEAD")
@click.option("--bytes", "as_bytes", is_flag=True, help="Only the payload, as it came: to be mended in a file.")
@store_option
@kafka_options
@json_option
def show(name: str, store: str, config: Path | None, bootstrap: str | None, *, as_bytes: bool, as_json: bool) -> None:
    """Show one with its payload."""
    letter = find(DeadLetter, name, _desk(store, config, bootstrap))
    if as_json:
        print_json(letter)
    elif as_bytes:
        click.get_binary_stream("stdout").write(letter.raw.payload)
    else:
        raw = letter.raw
        click.echo(f"{letter.id}: {letter.reason}\n{letter.detail}")
        click.echo(
            f"source {raw.source}, received {moment(raw.received)}{f', from {raw.origin}' if raw.origin else ''}"
            f"{f', read at {letter.coordinates}' if letter.coordinates else ''}"
        )
        click.echo(raw.payload.decode("utf-8", errors="backslashreplace"))


@subcommand(dead, "replay", "tocsin dead replay DEAD", "tocsin dead replay DEAD --edit-file payload.json")
@click.argument("name", metavar="DEAD")
@click.option(
    "--edit-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send what this file holds, instead of the payload as it came.",
)
@click.option("--source", help="Send it as a payload of this source.")
@reaching
@store_option
@kafka_options
@json_option
def replay(
    name: str,
    edit_file: Path | None,
    source: str | None,
    url: str,
    token_file: str,
    store: str,
    config: Path | None,
    bootstrap: str | None,
    *,
    as_json: bool,
) -> None:
    """Put the payload into the inbox again, mended or as it came, and say what became of it.

    A running host is given it by --url, and handles it when its turn comes. With --config or --bootstrap it is taken
    from the dead topic, tried, and sent to the topic of its source.
    """
    if config or bootstrap:
        _replay_on_kafka(name, edit_file, source, configured(config, bootstrap), as_json=as_json)
        return
    if url:
        with closing(HttpChannel(url, token_file)) as host:
            letter = host.letter(name)
            host.receive(_mended(letter, edit_file, source))
        if as_json:
            print_json({"dead": letter.id, "kept": 1})
        else:
            console().print(f"{url} has it; what it does not understand is in `tocsin dead list` again", style="green")
        return
    letter = find(DeadLetter, name, opened(store))
    way = StoreChannel(store)
    try:
        again = way.receive(_mended(letter, edit_file, source))
    finally:
        way.close()
    if as_json:
        print_json({"dead": letter.id, "events": again.events, "refused": again.refused})
    if again.refused:
        raise ConfigError(f"still not understood: {again.refused[0]}")
    if not as_json:
        console().print(f"understood: {again.events} events", style="green")


def _desk(store: str, config: Path | None, bootstrap: str | None) -> Desk:
    """Where dead letters are looked for."""
    return DeadTopic(configured(config, bootstrap).kafka) if config or bootstrap else opened(store)


def _replay_on_kafka(name: str, edit_file: Path | None, source: str | None, settings: Config, *, as_json: bool) -> None:
    topic = DeadTopic(settings.kafka)
    letter = find(DeadLetter, name, topic)
    raw = _mended(letter, edit_file, source)
    decoded = Normaliser(make_sources(settings.sources)).normalise(raw)
    refused = [str(one.error) for one in decoded.refused]
    if as_json:
        print_json({"dead": letter.id, "events": len(decoded.events), "refused": refused})
    if refused:
        raise ConfigError(f"still not understood, and not sent: {refused[0]}")
    topic.replay(raw)
    if not as_json:
        console().print(f"understood, and sent again: {len(decoded.events)} events", style="green")


def _mended(letter: DeadLetter, edit_file: Path | None, source: str | None) -> RawRecord:
    """What is sent in place of a dead letter."""
    payload = edit_file.read_bytes() if edit_file is not None else letter.raw.payload
    raw = letter.raw.model_copy(update={"payload": payload, "source": source or letter.raw.source})
    if edit_file is not None:
        raw = raw.model_copy(update={"origin": f"{raw.origin} edited {time.time_ns() // 1_000_000}".strip()})
    return raw
