"""Fields that a monitor filled in from its macros: names in many spellings, values that were never filled in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pipeline.sources.common import text_of


@lru_cache(maxsize=1024)
def macro_name(key: str) -> str:
    """One spelling of a macro's name: "EVENT.ID", "{EVENT.ID}" and "event_id" are "event_id"; prefixes are dropped."""
    name = key.strip("{}$ ").lower().replace(".", "_")
    for prefix in ("nagios_", "icinga_"):
        name = name.removeprefix(prefix)
    return name


def macros_of(body: dict[str, Any]) -> dict[str, str]:
    """The macros that have a value, as text, by their one name."""
    return {macro_name(key): text for key, value in body.items() if (text := _filled(value))}


def _filled(value: object) -> str:
    """The text of a macro; "" where the monitor left the macro itself, or said that it does not know."""
    text = value if type(value) is str else text_of(value)
    if not text or text == "*UNKNOWN*":
        return ""
    if (
        text[0] in "{$"
        and text[-1] in "}$"
        and len(text) > 2
        and text[1:-1].replace(".", "").replace("_", "").isalnum()
    ):
        return ""
    return text
