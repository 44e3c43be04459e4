"""What the commands see of a store: its records by kind, and how to find one by the first characters of its id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import click
import orjson
from pydantic import BaseModel

from agents.embedded.host import CURRENT, KINDS
from agents.embedded.reader import Reader, connect
from pipeline.state import Entry
from schemas.alert import Alert
from schemas.base import ConfigError
from schemas.event import DeadLetter
from schemas.incident import Incident
from schemas.reference import Silence

R = TypeVar("R", bound=BaseModel)

NAMES: dict[type[BaseModel], tuple[str, str, str]] = {
    Incident: ("incident", "id", "tocsin incidents --all"),
    Alert: ("alert", "fingerprint", "tocsin alerts --all"),
    DeadLetter: ("dead letter", "id", "tocsin dead list"),
    Silence: ("silence", "id", "tocsin silence list"),
}
"""Of each kind that one can ask for by name: the word for it, the field with its id, and the command that lists it."""


class Desk(Protocol):
    """The current records of a store."""

    def all(self, model: type[R]) -> Iterable[R]:
        """All records of a kind, in the order of their ids."""
        ...

    def get(self, model: type[R], name: str) -> R | None:
        """One record by its whole id."""
        ...

    def counters(self) -> Mapping[str, int]:
        """What the flow counted since the beginning."""
        ...


class StoreDesk:
    """The embedded store, read as records. A host may write to it meanwhile. Raises ConfigError; see `connect`."""

    def __init__(self, path: str) -> None:
        self._db = connect(path)
        self._read = Reader(self._db)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def all(self, model: type[R]) -> Iterator[R]:
        """See `Desk.all`; silences are those that were added while running."""
        return (model.model_validate_json(value) for value in self._values(model))

    def _values(self, model: type[BaseModel]) -> Iterator[bytes]:
        if model is DeadLetter:
            return self._read.dead()
        if model is Silence:
            entries = self._read.state("reference", "silence:")
            return (orjson.dumps(orjson.loads(entry.value or b"")[1]) for entry in entries)
        kind, _ = KINDS[model]
        return self._read.records(kind) if kind in CURRENT else self._read.log(kind)

    def get(self, model: type[R], name: str) -> R | None:
        """See `Desk.get`."""
        field = NAMES[model][1]
        if model in (DeadLetter, Silence):
            return next((record for record in self.all(model) if getattr(record, field) == name), None)
        found = (model.model_validate_json(value) for value in self._read.find(KINDS[model][0], name))
        return next((record for record in found if getattr(record, field) == name), None)

    def state(self, table: str) -> Iterator[Entry]:
        """The entries of one table of the state."""
        return self._read.state(table)

    def counters(self) -> Mapping[str, int]:
        """See `Desk.counters`."""
        return self._read.counters()


def opened(path: str) -> StoreDesk:
    """The store at `path`, to be read. Raises ConfigError where there is none."""
    if not Path(path).is_file():
        raise ConfigError(f"there is no store {path}; name one with --store, or make one with `tocsin demo`")
    return desk_at(path)


def desk_at(path: str) -> StoreDesk:
    """A store that is closed with the command that opened it."""
    desk = StoreDesk(path)
    context = click.get_current_context(silent=True)
    if context is not None:
        context.call_on_close(desk.close)
    return desk


def found_by(model: type[R], start: str, desk: Desk) -> list[R]:
    """The record of this id, or all whose id begins so."""
    exact = desk.get(model, start)
    if exact is not None:
        return [exact]
    field, wanted = NAMES[model][1], start.casefold()
    return [record for record in desk.all(model) if _begins(str(getattr(record, field)).casefold(), wanted)]


def _begins(name: str, wanted: str) -> bool:
    """Ids are matched in any case, and INC- may be left out."""
    return name.startswith(wanted) or name.removeprefix("inc-").startswith(wanted)


def find(model: type[R], start: str, desk: Desk) -> R:
    """The one record whose id is this or begins so. Raises ConfigError where there is none, or several."""
    found = found_by(model, start, desk)
    word, field, listing = NAMES[model]
    if not found:
        raise ConfigError(f"no {word} begins with {start!r}; list them with `{listing}`")
    if len(found) > 1:
        some = ", ".join(str(getattr(record, field)) for record in found[:5])
        raise ConfigError(f"{len(found)} {word}s begin with {start!r}: {some}{', ...' if len(found) > 5 else ''}")
    return found[0]
