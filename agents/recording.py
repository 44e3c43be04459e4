"""Recordings: raw payloads as they came, a JSON object a line, compressed where the name ends in .gz.

A line is {"received": ms, "source": name, "origin": text, "text": payload}; "base64" stands instead of "text" where
the payload is not UTF-8.
"""

from __future__ import annotations

import gzip
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from schemas.event import RawRecord

BROKEN = "recording"
"""Source given to a line that is no record, so that it ends as a dead letter with its bytes."""


def to_line(raw: RawRecord) -> bytes:
    """One line, without its end."""
    line: dict[str, object] = {"received": raw.received, "source": raw.source}
    if raw.origin:
        line["origin"] = raw.origin
    try:
        line["text"] = raw.payload.decode()
    except UnicodeDecodeError:
        line["base64"] = b64encode(raw.payload).decode()
    return orjson.dumps(line)


def from_line(line: bytes, received: int, origin: str) -> RawRecord:
    """One record. A line that is none comes back as a payload of the source `BROKEN`, received with the one before."""
    try:
        value = orjson.loads(line)
        payload = value["text"].encode() if "text" in value else b64decode(value["base64"], validate=True)
        return RawRecord(
            source=value["source"], received=value["received"], payload=payload, origin=value.get("origin", origin)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return RawRecord(source=BROKEN, received=received, payload=line, origin=origin)


def open_lines(path: str) -> BinaryIO:
    """A file of lines to read: '-' is standard input, .gz is decompressed."""
    if path == "-":
        return sys.stdin.buffer
    if path.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    return Path(path).open("rb")


def read(path: str) -> Iterator[RawRecord]:
    """All records of a recording, in its order."""
    received = 0
    with open_lines(path) as lines:
        for line in lines:
            if line.strip():
                raw = from_line(line.rstrip(b"\r\n"), received, path)
                received = raw.received
                yield raw


def write(path: Path, records: Iterable[RawRecord]) -> int:
    """Write a recording whole or not at all; the same records give the same bytes. Returns how many."""
    count = 0
    part = path.with_name(path.name + ".part")
    with part.open("wb") as plain:
        out = gzip.GzipFile("", "wb", 6, plain, mtime=0) if path.suffix == ".gz" else plain
        for raw in records:
            out.write(to_line(raw) + b"\n")
            count += 1
        if out is not plain:
            out.close()
    part.replace(path)
    return count
