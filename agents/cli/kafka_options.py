"""How the commands that talk to Kafka are told where it is."""

from __future__ import annotations

from pathlib import Path

import click

from agents import loader
from agents.cli.output import F
from agents.config import Config
from schemas.base import ConfigError


def kafka_options(function: F) -> F:
    """The `--config` and `--bootstrap` of every command that talks to Kafka."""
    function = click.option(
        "--bootstrap",
        envvar="TOCSIN_BOOTSTRAP",
        show_envvar=True,
        metavar="HOST:PORT",
        help="Brokers to ask first, separated by commas, instead of those of the configuration.",
    )(function)
    return click.option(
        "--config",
        "-c",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The configuration; without it tocsin.yaml where that is, else the defaults.",
    )(function)


def configured(config: Path | None, bootstrap: str | None) -> Config:
    """The configuration, with the brokers asked for. Raises ConfigError."""
    beside = Path("tocsin.yaml")
    if config is None and beside.is_file():
        config = beside
    settings = loader.load(config) if config is not None else Config()
    if not bootstrap:
        return settings
    fields = settings.kafka.model_dump() | {"bootstrap_servers": tuple(bootstrap.split(","))}
    try:
        kafka = type(settings.kafka).model_validate(fields)
    except ValueError as error:
        raise ConfigError(f"--bootstrap: {bootstrap!r} is not like kafka1:9092,kafka2:9092") from error
    return settings.model_copy(update={"kafka": kafka})
