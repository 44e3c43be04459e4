"""Syslog over UDP (a datagram a message) and TCP (RFC 6587: counted octets, or a message a line)."""

from __future__ import annotations

import asyncio

from agents.config import SyslogInput
from agents.embedded.live import Live
from schemas.event import RawRecord

LONGEST = 65_536


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, settings: SyslogInput, live: Live) -> None:
        self._settings, self._live = settings, live

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        raw = RawRecord(source=self._settings.source, received=self._live.now(), payload=data, origin=addr[0])
        self._live.offer([raw])


async def listen_syslog(settings: SyslogInput, live: Live) -> None:
    """Listen until cancelled."""
    loop = asyncio.get_running_loop()
    address = (settings.host, settings.port)
    if settings.protocol == "udp":
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(settings, live), local_addr=address)
        try:
            await asyncio.Event().wait()
        finally:
            transport.close()
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[0]
        try:
            while (message := await _next(reader)) is not None:
                raw = RawRecord(source=settings.source, received=live.now(), payload=message, origin=peer)
                await live.keep([raw])
        finally:
            writer.close()

    server = await asyncio.start_server(serve, *address, limit=LONGEST)
    async with server:
        await server.serve_forever()


async def _next(reader: asyncio.StreamReader) -> bytes | None:
    """The next message of a stream, None at its end. A message that is cut off is kept as it is."""
    first = await reader.read(1)
    if not first:
        return None
    if not first.isdigit():
        return (first + await reader.readline()).rstrip(b"\r\n")
    digits = first
    while len(digits) < 6 and (one := await reader.read(1)).isdigit():
        digits += one
    try:
        return await reader.readexactly(min(int(digits), LONGEST))
    except asyncio.IncompleteReadError as error:
        return error.partial
