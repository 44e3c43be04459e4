"""Turns files of payloads, as a monitor wrote them, into records with the time at which each will be taken as received.

A file does not say when its payloads arrived. Taken as received now, a day of last month would look like a clock
that is a month slow; so each is received at its own event time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agents.recording import open_lines
from pipeline.sources.base import Source
from pipeline.sources.mapped import Mapped
from schemas.base import BadRecord, ConfigError
from schemas.event import RawRecord

WHOLE = (".json", ".json.gz")
"""Endings of files that are one payload; of all others each line is one."""


def payloads(path: str) -> Iterator[bytes]:
    """The payloads of one file; '-' is standard input. Raises ConfigError where it cannot be read."""
    try:
        with open_lines(path) as lines:
            if path.endswith(WHOLE):
                yield lines.read()
            else:
                yield from (line.rstrip(b"\r\n") for line in lines if line.strip())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error


def feed(paths: Iterable[str], name: str, source: Source) -> Iterator[RawRecord]:
    """The payloads of all files as records of source `name`, in the order of their times where its mapping says so."""
    if isinstance(source, Mapped) and source.sort_by_time:
        return iter(sorted(_timed(paths, name, source), key=lambda raw: raw.received))
    return _timed(paths, name, source)


def _timed(paths: Iterable[str], name: str, source: Source) -> Iterator[RawRecord]:
    for path in paths:
        last = 0 if path == "-" else int(Path(path).stat().st_mtime * 1000)
        for number, payload in enumerate(payloads(path), 1):
            raw = RawRecord(source=name, received=last, payload=payload, origin=f"{path}:{number}")
            last = _time(raw, source)
            yield raw.model_copy(update={"received": last})


def _time(raw: RawRecord, source: Source) -> int:
    """The latest event time of a payload; that of the one before where it has none, or cannot be understood."""
    try:
        decoded = source.decode(raw)
    except BadRecord:
        return raw.received
    times = [event.time for event in decoded.events] + [sample.time for sample in decoded.samples]
    return max(times, default=raw.received)
