"""Every source of an installation by name: the built-in ones with their options, and those of mapping files."""

from __future__ import annotations

from collections.abc import Mapping

from agents import mapping_files
from agents.config import SourceSettings
from pipeline.sources.base import Source
from pipeline.sources.mapped import Mapped
from pipeline.sources.registry import SOURCES, make_source
from pipeline.stages.node import OURS
from schemas.base import ConfigError


def make_sources(settings: Mapping[str, SourceSettings]) -> dict[str, Source]:
    """All sources. Raises ConfigError for a mapping file or an option that is wrong."""
    made: dict[str, Source] = {name: make_source(name) for name in SOURCES}
    for name, wanted in settings.items():
        if name in OURS:
            raise ConfigError(f"sources.{name}: that is the name of our own models; choose another one")
        if wanted.mapping:
            mapping = mapping_files.load(wanted.mapping)
            made[name] = Mapped(mapping, tenant=wanted.tenant, options=wanted.options)
        else:
            made[name] = make_source(name, tenant=wanted.tenant, options=wanted.options)
    return made
