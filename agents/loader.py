"""Reads the configuration file of an installation, and words everything that is wrong with it in one message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from agents import mapping_files
from agents.config import Config, FileInput, HttpInput, Input, SourceSettings, WebhookOutput
from agents.embedded import tokens
from agents.reading import read_document
from agents.stream.settings import KafkaSettings
from pipeline.practices.configuration import humane
from pipeline.sources.registry import SOURCES, make_source
from schemas.base import ConfigError
from schemas.faults import Fault, faults, unknown
from schemas.faults import Path as Keys

STDIO = "-"

_RECORDS: tuple[tuple[str, ...], ...] = (
    ("flow", "silences"),
    ("flow", "changes"),
    ("flow", "holds"),
    ("flow", "inhibitions"),
    ("flow", "correlate", "rules"),
    ("flow", "incident", "targets"),
)
"""Lists of records in which people may write times, spans and matchers as text."""

_KAFKA_FILES: dict[str, tuple[str, ...]] = {
    "tls": ("ca_file", "certificate_file", "key_file", "key_password_file"),
    "sasl": ("password_file",),
}
"""Keys of files below kafka.*."""

_OUTPUT_PATHS: dict[str, tuple[str, ...]] = {
    "jsonl": ("path",),
    "webhook": ("secret_file",),
    "elasticsearch": ("api_key_file", "password_file", "ca_file", "certificate_file", "key_file"),
}
"""Keys of an output that are paths, by its type."""


def load(path: str | Path) -> Config:
    """The configuration of a YAML, JSON or TOML file, its relative paths resolved against the file's folder.

    Raises ConfigError: one message, a line for each thing that is wrong, as FILE:LINE: KEY: what, and what is allowed.
    """
    document = read_document(Path(path))
    data, wrong = _humane(document.data)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        rest = [fault for fault in faults(error, Config, data) if not _told(fault, wrong)]
        raise document.complain([*wrong, *rest]) from None
    config = _resolved(config, document.path.parent)
    wrong += [
        *_twice(config),
        *_sources(config),
        *_calendars(config),
        *_urls(config),
        *_files(config),
        *_tokens(config),
    ]
    if wrong:
        raise document.complain(wrong)
    return config


def _told(fault: Fault, before: list[Fault]) -> bool:
    """Whether it only repeats that something at or below its place could not be read."""
    return any(other.path[: len(fault.path)] == fault.path for other in before)


def _humane(data: object) -> tuple[object, list[Fault]]:
    """The document with times, spans and matchers in the form the records know."""
    wrong: list[Fault] = []
    for keys in _RECORDS:
        data, faulty = _humane_at(data, keys, ())
        wrong += faulty
    return data, wrong


def _humane_at(data: object, keys: tuple[str, ...], at: Keys) -> tuple[object, list[Fault]]:
    if not keys:
        if not isinstance(data, list):
            return data, []
        pairs = [humane(entry, (*at, index)) for index, entry in enumerate(data)]
        return [ready for ready, _ in pairs], [fault for _, faulty in pairs for fault in faulty]
    if not isinstance(data, Mapping) or keys[0] not in data:
        return data, []
    ready, wrong = _humane_at(data[keys[0]], keys[1:], (*at, keys[0]))
    return {**data, keys[0]: ready}, wrong


# --- what a model cannot see ---


def _twice(config: Config) -> Iterator[Fault]:
    flow = config.flow
    lists: dict[Keys, Iterable[str]] = {
        ("flow", "silences"): [entry.id for entry in flow.silences],
        ("flow", "changes"): [entry.id for entry in flow.changes],
        ("flow", "holds"): [entry.id for entry in flow.holds],
        ("flow", "inhibitions"): [entry.id for entry in flow.inhibitions],
        ("flow", "correlate", "rules"): [entry.id for entry in flow.correlate.rules],
        ("flow", "incident", "calendars"): [entry.id for entry in flow.incident.calendars],
        ("flow", "incident", "targets"): [f"priority {entry.priority}" for entry in flow.incident.targets],
    }
    for keys, names in lists.items():
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            if first.setdefault(name, index) != index:
                yield Fault((*keys, index), f"{name!r} is already given by [{first[name]}]")


def _sources(config: Config) -> Iterator[Fault]:
    known = sorted({*SOURCES, *config.sources})
    for name, settings in config.sources.items():
        if settings.mapping:
            yield from _mapping(name, settings)
            continue
        if name not in SOURCES:
            text = f"no built-in source, so it needs a mapping; {unknown(name, sorted(SOURCES))}"
            yield Fault(("sources", name), text)
            continue
        try:
            make_source(name, tenant=settings.tenant, options=settings.options)
        except ConfigError as error:
            yield Fault(("sources", name, "options"), str(error))
    for index, entry in enumerate(config.inputs):
        name = "" if isinstance(entry, HttpInput) else entry.source
        if name and name not in known:
            yield Fault(("inputs", index, "source"), f"there is no source {name!r}; {unknown(name, known)}")


def _mapping(name: str, settings: SourceSettings) -> Iterator[Fault]:
    if Path(settings.mapping).is_file():  # that it is missing is told with the other files
        try:
            mapping_files.load(settings.mapping)
        except ConfigError as error:
            yield Fault(("sources", name, "mapping"), str(error))


def _calendars(config: Config) -> Iterator[Fault]:
    for index, calendar in enumerate(config.flow.incident.calendars):
        try:
            ZoneInfo(calendar.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            keys = ("flow", "incident", "calendars", index, "timezone")
            yield Fault(keys, f"there is no time zone {calendar.timezone!r}; one is like UTC or Europe/Berlin")


def _urls(config: Config) -> Iterator[Fault]:
    for index, target in enumerate(config.outputs):
        if isinstance(target, WebhookOutput):
            parts = urlsplit(target.url)
            keys = ("outputs", index, "url")
            if parts.scheme not in ("http", "https") or not parts.hostname:
                yield Fault(keys, "must be like https://host/path")
            elif parts.password:
                yield Fault(keys, "holds a password; secrets are given by secret_file only")


def _tokens(config: Config) -> Iterator[Fault]:
    for index, entry in enumerate(config.inputs):
        # That it is missing is told with the other files.
        if isinstance(entry, HttpInput) and Path(entry.token_file).is_file():
            try:
                tokens.load(entry.token_file)
            except ConfigError as error:
                yield Fault(("inputs", index, "token_file"), str(error))


def _files(config: Config) -> Iterator[Fault]:
    for keys, name, whole in _named_files(config):
        path = Path(name)
        if not path.is_file():
            yield Fault(keys, f"there is no file {name}")
        elif whole and path.stat().st_size == 0:
            yield Fault(keys, f"the file {name} is empty")


def _named_files(config: Config) -> Iterator[tuple[Keys, str, bool]]:
    """Every file that must be there at the start: keys, path, whether it must hold something."""
    for index, entry in enumerate(config.inputs):
        if isinstance(entry, FileInput) and entry.path != STDIO and not entry.follow:
            yield ("inputs", index, "path"), entry.path, False
        elif isinstance(entry, HttpInput) and entry.token_file:
            yield ("inputs", index, "token_file"), entry.token_file, True
    for index, target in enumerate(config.outputs):
        named = {key: str(getattr(target, key)) for key in _OUTPUT_PATHS[target.type] if key != "path"}
        yield from ((("outputs", index, key), name, True) for key, name in named.items() if name)
    for name, settings in config.sources.items():
        if settings.mapping:
            yield ("sources", name, "mapping"), settings.mapping, True
    for index, name in enumerate(config.reference):
        yield ("reference", index), name, True
    for part, files in _KAFKA_FILES.items():
        access = getattr(config.kafka, part)
        for key in files if access else ():
            if name := getattr(access, key):
                yield ("kafka", part, key), name, True


# --- paths ---


def _paths(entry: Input) -> list[tuple[str, str]]:
    """The keys of an input that are paths, with their values."""
    if isinstance(entry, FileInput):
        return [("path", entry.path)]
    return [("token_file", entry.token_file)] if isinstance(entry, HttpInput) else []


def _kafka_resolved(kafka: KafkaSettings, at: Callable[[str], str]) -> KafkaSettings:
    update = {}
    for part, keys in _KAFKA_FILES.items():
        settings = getattr(kafka, part)
        if settings is not None:
            update[part] = settings.model_copy(update={key: at(getattr(settings, key)) for key in keys})
    return kafka.model_copy(update=update)


def _resolved(config: Config, folder: Path) -> Config:
    """The configuration with each path made to start where the file lies."""

    def at(name: str) -> str:
        return name if name in ("", STDIO) else str(folder / Path(name).expanduser())

    def source(settings: SourceSettings) -> SourceSettings:
        return settings.model_copy(update={"mapping": at(settings.mapping)})

    outputs = [
        target.model_copy(update={key: at(getattr(target, key)) for key in _OUTPUT_PATHS[target.type]})
        for target in config.outputs
    ]
    inputs = [entry.model_copy(update={key: at(name) for key, name in _paths(entry)}) for entry in config.inputs]
    return config.model_copy(
        update={
            "inputs": tuple(inputs),
            "outputs": tuple(outputs),
            "store": config.store.model_copy(update={"path": at(config.store.path)}),
            "sources": {name: source(settings) for name, settings in config.sources.items()},
            "reference": tuple(at(name) for name in config.reference),
            "kafka": _kafka_resolved(config.kafka, at),
        }
    )
