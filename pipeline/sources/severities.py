"""The words monitors and people use for how bad something is."""

from __future__ import annotations

from schemas.base import BadRecord, ConfigError
from schemas.severity import Severity

WORDS: dict[str, Severity] = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "emerg": Severity.CRITICAL,
    "disaster": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "sev1": Severity.CRITICAL,
    "major": Severity.MAJOR,
    "high": Severity.MAJOR,
    "error": Severity.MAJOR,
    "err": Severity.MAJOR,
    "p2": Severity.MAJOR,
    "sev2": Severity.MAJOR,
    "minor": Severity.MINOR,
    "average": Severity.MINOR,
    "medium": Severity.MINOR,
    "p3": Severity.MINOR,
    "sev3": Severity.MINOR,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "low": Severity.WARNING,
    "p4": Severity.WARNING,
    "sev4": Severity.WARNING,
    "info": Severity.INFO,
    "information": Severity.INFO,
    "informational": Severity.INFO,
    "notice": Severity.INFO,
    "debug": Severity.INFO,
    "none": Severity.INFO,
    "p5": Severity.INFO,
    "sev5": Severity.INFO,
}
"""Lower-case word to severity."""


def severity_of(word: str) -> Severity:
    """The severity a word stands for; raises BadRecord bad-severity."""
    severity = WORDS.get(word) or WORDS.get(word.strip().lower())
    if severity is None:
        raise BadRecord("bad-severity", f"{word[:80]!r} is none of {', '.join(WORDS)}")
    return severity


def severity_option(source: str, key: str, word: str) -> Severity:
    """The severity of an option; raises ConfigError."""
    try:
        return Severity(word)
    except ValueError:
        allowed = ", ".join(Severity)
        raise ConfigError(f"source {source}: option {key}: {word!r} is no severity; allowed: {allowed}") from None
