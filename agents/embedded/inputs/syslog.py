"""Syslog over UDP, a datagram a message, and over TCP."""

from __future__ import annotations

import asyncio
import socket

from agents.config import SyslogInput
from agents.embedded.inputs.framing import Frames
from agents.embedded.live import Live
from schemas.event import RawRecord

CHUNK = 65_536
RECEIVE_BUFFER = 8 * 1024 * 1024
"""Bytes that the system may hold for us; it gives less where its own limit is lower."""


class _Datagrams(asyncio.DatagramProtocol):
    """UDP can't be made to wait: what comes while there is no room is counted and gone."""

    def __init__(self, source: str, live: Live) -> None:
        self._source, self._live = source, live

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._live.full:
            self._live.drop(self._source)
        elif data:
            self._live.offer([RawRecord(source=self._source, received=self._live.now(), payload=data, origin=addr[0])])


async def listen_udp(settings: SyslogInput, live: Live, sock: socket.socket) -> None:
    """Take in datagrams until cancelled."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(settings.source, live), sock=sock)
    try:
        await asyncio.Event().wait()
    finally:
        transport.close()


async def listen_tcp(settings: SyslogInput, live: Live, sock: socket.socket) -> None:
    """Take in connections until cancelled. A connection is not read on before what it sent is kept."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            connections.add(task)
            task.add_done_callback(connections.discard)
        try:
            await _read(reader, str(writer.get_extra_info("peername")[0]), settings.source, live)
        except ConnectionError:
            pass  # the sender is gone; what it sent in whole is kept
        except asyncio.CancelledError:
            pass  # the host stops
        finally:
            writer.close()

    server = await asyncio.start_server(serve, sock=sock, limit=CHUNK)
    try:
        await server.serve_forever()
    finally:
        server.close()
        for task in connections:
            task.cancel()


async def _read(reader: asyncio.StreamReader, origin: str, source: str, live: Live) -> None:
    frames = Frames()
    while data := await reader.read(CHUNK):
        if found := frames.feed(data):
            await live.keep([_raw(message, source, origin, live) for message in found])
    if last := frames.end():
        await live.keep([_raw(last, source, origin, live)])


def _raw(message: bytes, source: str, origin: str, live: Live) -> RawRecord:
    return RawRecord(source=source, received=live.now(), payload=message, origin=origin)
