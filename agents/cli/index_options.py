"""How the commands that talk to Elasticsearch are told where it is."""

from __future__ import annotations

from pathlib import Path

import click

from agents import loader
from agents.cli.output import F
from agents.config import Config
from agents.index.settings import ElasticsearchOutput
from schemas.base import ConfigError


def index_options(function: F) -> F:
    """The `--config`, `--url` and `--prefix` of every command that talks to Elasticsearch."""
    function = click.option(
        "--prefix", envvar="TOCSIN_INDEX_PREFIX", show_envvar=True, help="How the names of its indices begin."
    )(function)
    function = click.option(
        "--url",
        envvar="TOCSIN_ELASTICSEARCH",
        show_envvar=True,
        metavar="URL",
        help="Nodes, separated by commas, instead of those of the configuration.",
    )(function)
    return click.option(
        "--config",
        "-c",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The configuration; without it tocsin.yaml where that is, else the defaults.",
    )(function)


def configured(config: Path | None, url: str | None, prefix: str | None) -> tuple[Config, ElasticsearchOutput]:
    """The configuration, and its first output to Elasticsearch with what was asked for. Raises ConfigError."""
    beside = Path("tocsin.yaml")
    if config is None and beside.is_file():
        config = beside
    settings = loader.load(config) if config is not None else Config()
    outputs = [one for one in settings.outputs if isinstance(one, ElasticsearchOutput)]
    if not outputs and config is not None and not url:
        raise ConfigError(f"{config}: there is no output of type elasticsearch; add one, or give --url")
    output = outputs[0] if outputs else ElasticsearchOutput(type="elasticsearch")
    asked: dict[str, object] = {"nodes": tuple(url.split(","))} if url else {}
    if prefix:
        asked["prefix"] = prefix
    try:
        return settings, ElasticsearchOutput.model_validate({**output.model_dump(), **asked})
    except ValueError as error:
        raise ConfigError(f"--url {url} --prefix {prefix}: not like https://host:9200 and a name") from error
