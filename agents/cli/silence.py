"""tocsin silence."""

from __future__ import annotations

import time

import click

from agents.cli.asking import Asking, asking
from agents.cli.command import Group, subcommand
from agents.cli.desk import opened
from agents.cli.output import console, json_option, moment, print_json, rows, store_option, table
from pipeline.practices.configuration import parse_matcher, parse_time
from pipeline.settings import parse_duration
from schemas.command import Action
from schemas.reference import Matcher, Silence


@click.group(cls=Group)
def silence() -> None:
    """Add, list and expire silences: what matches opens nothing while one is in force."""


@subcommand(
    silence,
    "add",
    "tocsin silence add site=lab --for 2h --comment 'being rebuilt'",
    "tocsin silence add 'host=~web.*' check=cpu --from 2026-12-01T22:00:00Z --until 2026-12-02T02:00:00Z",
)
@click.argument("matchers", metavar="MATCHER...", nargs=-1, required=True)
@click.option("--for", "lasts", help="How long, such as 2h or 1h30m.")
@click.option("--from", "starts", help="From when; without it, from now.")
@click.option("--until", "ends", help="Until when, such as 2026-12-01T22:00:00Z.")
@click.option("--comment", default="", help="Why.")
@asking
def add(
    matchers: tuple[str, ...], lasts: str | None, starts: str | None, ends: str | None, comment: str, ask: Asking
) -> None:
    """Silence what all MATCHERs match.

    A matcher is LABEL=VALUE, LABEL!=VALUE, LABEL=~EXPRESSION or LABEL!~EXPRESSION.
    """
    if (lasts is None) == (ends is None):
        raise click.UsageError("give --for or --until")
    try:
        begin = _millis(parse_time(starts)) if starts else time.time_ns() // 1_000_000
        end = _millis(parse_time(ends)) if ends else begin + _millis(parse_duration(lasts))
        read = [Matcher.model_validate(parse_matcher(matcher)) for matcher in matchers]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    body = {"matchers": [matcher.model_dump() for matcher in read], "starts": begin, "ends": end, "comment": comment}
    ask.about(Action.SILENCE, "", body=body)


def _millis(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"needs a time or a duration; found {value!r}")
    return value


@subcommand(silence, "list", "tocsin silence list", "tocsin silence list --json")
@store_option
@json_option
def listing(store: str, *, as_json: bool) -> None:
    """List the silences that were added while running; those of the configuration are in its file."""
    found = sorted(opened(store).all(Silence), key=lambda entry: (entry.ends, entry.id))
    if as_json:
        print_json(found)
        return
    made = table("silence", "from", "until", "what", "by", "comment")
    entries = (
        (entry.id, moment(entry.starts), moment(entry.ends), _matchers(entry), entry.author, entry.comment)
        for entry in found
    )
    console().print(rows(made, entries))


def _matchers(entry: Silence) -> str:
    return " ".join(f'{matcher.label}{matcher.op}"{matcher.value}"' for matcher in entry.matchers)


@subcommand(silence, "expire", "tocsin silence expire SILENCE")
@click.argument("name", metavar="SILENCE")
@asking
def expire(name: str, ask: Asking) -> None:
    """End a silence now: what still fires comes back."""
    ask.about(Action.UNSILENCE, name)
