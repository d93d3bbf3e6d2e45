"""Listening sockets, and the one task group that owns every connection made to them.

A small server instead of a framework: the controller answers probes and one person, and pays for it in resident memory
in every pod (docs/adr). Nothing in here knows what is served.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

from controller.errors import PluginmgrError, StateDirError
from controller.http.connection import Connection, Limits
from controller.http.exchange import Handler

Admit = Callable[[socket.socket], str | None]
"""Why a peer is refused, or None; asked once per connection, as it comes in."""

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
BACKLOG = 128
HIGHEST_PORT = 65535


async def serve(
    handler: Handler, listener: socket.socket, *, admit: Admit | None = None, limits: Limits | None = None
) -> None:
    """Answer until cancelled; then listener and connections are closed, an answer under way is cut off."""
    async with asyncio.TaskGroup() as group:
        server = _Server(handler, admit, limits or Limits(), group)
        start = asyncio.start_unix_server if listener.family == socket.AF_UNIX else asyncio.start_server
        accepting = await start(server.accept, sock=listener)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            accepting.close()


class _Server:
    """Counts connections; over the limit the one that has been idle longest goes, so that a probe always gets in."""

    def __init__(self, handler: Handler, admit: Admit | None, limits: Limits, group: asyncio.TaskGroup) -> None:
        self._handler = handler
        self._admit = admit
        self._limits = limits
        self._group = group
        self._connections: dict[Connection, None] = {}  # in order of their coming

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._limits.connections and not self._evict():
            writer.write(BUSY)
            writer.close()
            return
        refusal = self._admit(writer.get_extra_info("socket")) if self._admit else None
        connection = Connection(reader, writer, self._limits, refusal)
        self._connections[connection] = None
        self._group.create_task(self._run(connection), name="http connection")

    async def _run(self, connection: Connection) -> None:
        try:
            await connection.run(self._handler)
        finally:
            self._connections.pop(connection, None)

    def _evict(self) -> bool:
        for connection in self._connections:
            if connection.is_idle:
                del self._connections[connection]
                connection.abort()
                return True
        return False


def listen_tcp(address: str) -> socket.socket:
    """A listening socket for HOST:PORT (`[::1]:8080` for IPv6, `:8080` for all addresses, port 0 for any free one)."""
    host, port = _split(address)
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, where = min(found, key=lambda info: info[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise PluginmgrError(f"cannot listen on {address}: {error.strerror}, choose another --http") from error
    return listener


def listen_unix(path: Path, mode: int = 0o600) -> socket.socket:
    """A listening socket at `path`. The caller holds the lock of the directory: a file there is a leftover."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(os.fspath(path))
        path.chmod(mode)  # before listen: nobody connects in between
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StateDirError(f"cannot listen on {path}: {error.strerror or error}") from error
    return listener


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise PluginmgrError(f"cannot listen on {address!r}: not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)
