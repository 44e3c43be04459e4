"""The few parts of ASGI that the busy paths need, without a framework between them and the server."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"


class TooLarge(Exception):
    """A body is longer than it may be."""


class Gone(Exception):
    """The client has gone before its request was whole."""


def header(scope: Scope, name: bytes) -> str:
    """The first header of a name, which must be in small letters; empty where there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body. Raises TooLarge, before it is read where its length was told; and Gone."""
    told = header(scope, b"content-length")
    if told.isdigit() and int(told) > most:
        raise TooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise TooLarge
        if not message.get("more_body", False):
            return b"".join((*parts, part)) if parts else bytes(part)
        parts.append(part)


def unzipped(body: bytes, most: int) -> bytes:
    """A body that came with content-encoding gzip. Raises TooLarge, before it is unpacked further; and zlib.error."""
    unpacking = zlib.decompressobj(wbits=31)
    found = unpacking.decompress(body, most + 1)
    if len(found) > most:
        raise TooLarge
    if not unpacking.eof or unpacking.unused_data:
        raise zlib.error("it is cut off, or more follows")
    return found


async def respond(
    send: Send, status: int, body: bytes = b"", kind: bytes = JSON, headers: Mapping[bytes, bytes] | None = None
) -> None:
    """Send a whole answer."""
    fields = [(b"content-length", str(len(body)).encode())]
    if body:
        fields.append((b"content-type", kind))
    if headers:
        fields += headers.items()
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def as_error(text: str) -> bytes:
    """The body of an answer that says what was wrong."""
    return orjson.dumps({"error": text})
