"""The way in to the registry: accepts, judges the peer, and passes the bytes on to the gRPC server's private socket.

gRPC does not show who is at the other end of a connection; here the descriptor is at hand. Each connection to the
private socket is made under a name that only its owner can have, so the server can tell those that came through here
from those that did not.
"""

import asyncio
import logging
import os
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SO_PEERGROUPS = 59  # Linux 4.13; Python has no name for it
MOST_GROUP_BYTES = 1024  # 256 groups: the most that Python's getsockopt takes
MOST_CONNECTIONS = 512
CHUNK = 64 * 1024
LOG_SECONDS = 1.0  # at most one line about refused peers in that time

Admit = Callable[[socket.socket], str | None]
"""Why a peer is refused, or None."""

log = logging.getLogger(__name__)


class Door:
    """`is_admitted` knows gRPC's names of the connections that came through. `admit` is asked once for each."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit
        self._prefix = f"pluginmgr-door-{secrets.token_hex(8)}-"
        self._number = 0
        self._open: dict[str, asyncio.StreamWriter] = {}
        self._refused_at = -LOG_SECONDS
        self._unsaid = 0

    def is_admitted(self, peer: str) -> bool:
        """Tell whether the connection came through here."""
        return peer in self._open

    def cut(self, peer: str) -> None:
        """Close a connection at once, whatever is under way on it."""
        if writer := self._open.get(peer):
            writer.transport.abort()

    async def run(self, listener: socket.socket, private: Path) -> None:
        """Let peers in until cancelled; then listener and connections are closed."""
        group_id = os.stat(listener.getsockname()).st_gid  # noqa: PTH116 - a socket's name is text
        async with asyncio.TaskGroup() as group:

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                refusal = self._refusal(writer.get_extra_info("socket"), group_id)
                if refusal is None:
                    group.create_task(self._pass_on(reader, writer, private), name="registry connection")
                else:
                    self._log_refused(refusal)
                    writer.transport.abort()

            server = await asyncio.start_unix_server(accept, sock=listener, limit=CHUNK)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                server.close()

    def _refusal(self, connection: socket.socket, group_id: int) -> str | None:
        if len(self._open) >= MOST_CONNECTIONS:
            return f"refused: {MOST_CONNECTIONS} connections are open"
        try:
            return stranger(connection, group_id) or self._admit(connection)
        except OSError as error:
            return f"refused: cannot see who calls: {error.strerror}"

    def _log_refused(self, refusal: str) -> None:
        now = time.monotonic()
        if now - self._refused_at < LOG_SECONDS:
            self._unsaid += 1
            return
        log.warning("host refused", extra={"why": refusal, "unsaid": self._unsaid})
        self._refused_at, self._unsaid = now, 0

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, private: Path) -> None:
        with self._named(writer) as inner, suppress(OSError):
            await asyncio.get_running_loop().sock_connect(inner, os.fspath(private))
            back, forth = await asyncio.open_unix_connection(sock=inner, limit=CHUNK)
            try:
                async with asyncio.TaskGroup() as group:
                    ways = [
                        group.create_task(_pour(reader, forth), name="registry connection, in"),
                        group.create_task(_pour(back, writer), name="registry connection, out"),
                    ]
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    for way in ways:
                        way.cancel()
            finally:
                forth.transport.abort()

    @contextmanager
    def _named(self, writer: asyncio.StreamWriter) -> Iterator[socket.socket]:
        self._number += 1
        name = f"{self._prefix}{self._number}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as inner:
            inner.setblocking(False)
            inner.bind(f"\0{name}")
            self._open[f"unix-abstract:{name}"] = writer
            try:
                yield inner
            finally:
                del self._open[f"unix-abstract:{name}"]
                writer.transport.abort()


def stranger(connection: socket.socket, group_id: int) -> str | None:
    """Why the peer is nobody who may follow: neither our user, nor root, nor in the group; None if it is."""
    _, uid, gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid in {0, os.geteuid()} or gid == group_id:
        return None
    groups = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MOST_GROUP_BYTES)
    if group_id in struct.unpack(f"{len(groups) // 4}I", groups):
        return None
    return f"refused: uid {uid} is not in the group {group_id} of the run dir"


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until either side is closed; no more than a chunk is held for a side that does not read."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
