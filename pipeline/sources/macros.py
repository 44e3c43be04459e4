"""Fields that a monitor filled in from its macros: names in many spellings, values that were never filled in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pipeline.sources.common import text_of
from schemas.base import BadRecord

_MARKS = frozenset("{$*")


@lru_cache(maxsize=1024)
def macro_name(key: str) -> str:
    """One spelling of a macro's name: "EVENT.ID", "{EVENT.ID}" and "event_id" are "event_id"; prefixes are dropped."""
    name = key.strip("{}$ ").lower().replace(".", "_")
    for prefix in ("nagios_", "icinga_"):
        name = name.removeprefix(prefix)
    return name


def macros_of(body: dict[str, Any]) -> dict[str, str]:
    """The macros that have a value, as text, by their one name."""
    names = _macro_names(tuple(body))
    try:
        texts = [*map(str.strip, body.values())]
    except TypeError:  # not all of them are texts
        return _one_by_one(names, body)
    every = "".join(texts)
    if all(texts) and "{" not in every and "$" not in every and "*" not in every:  # as nearly always
        return dict(zip(names, texts, strict=True))
    return _one_by_one(names, body)


def _one_by_one(names: Iterable[str], body: dict[str, Any]) -> dict[str, str]:
    macros: dict[str, str] = {}
    for name, value in zip(names, body.values(), strict=True):
        text = value.strip() if type(value) is str else text_of(value)
        if text and (text[0] not in _MARKS or not _unfilled(text)):
            macros[name] = text
    return macros


@lru_cache(maxsize=256)
def _macro_names(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The names of all macros of a message: nearly all messages of a monitor have the same."""
    return tuple(map(macro_name, keys))


def first_of(macros: dict[str, str], *names: str) -> str:
    """The first of the named macros that has a value; "" where none has."""
    for name in names:
        if text := macros.get(name):
            return text
    return ""


def need(macros: dict[str, str], *names: str) -> str:
    """The same, and BadRecord missing-field where none has."""
    for name in names:
        if text := macros.get(name):
            return text
    raise BadRecord("missing-field", f"{' or '.join(names)} is missing or empty")


def _unfilled(text: str) -> bool:
    """Whether the monitor left the macro itself, or said that it does not know."""
    if text == "*UNKNOWN*":
        return True
    name = text[1:-1].replace(".", "").replace("_", "")
    return text[0] in "{$" and text[-1] in "}$" and name.isalnum()
