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
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MOST_CONNECTIONS = 512
SILENT_SECONDS = 6.0  # for a connection without a Watch: longer than the Hello of one may take
CHUNK = 64 * 1024
FLUSH_SECONDS = 1.0  # for the last bytes of a connection that has ended
LOG_SECONDS = 1.0  # at most one line about refused peers in that time

Admit = Callable[[socket.socket, int], str | None]
"""Why a peer is refused, or None; the number is the socket's group."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Connection:
    writer: asyncio.StreamWriter
    watches: int = 0
    cutting: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """A Watch keeps it."""
        self.watches += 1
        self.spare()

    def end(self) -> None:
        self.watches -= 1
        if not self.watches:
            self.doom()

    def doom(self) -> None:
        loop = asyncio.get_running_loop()
        self.cutting = loop.call_later(SILENT_SECONDS, self.writer.transport.abort)

    def spare(self) -> None:
        if self.cutting:
            self.cutting.cancel()


class Door:
    """`admit` is asked once for each connection, as it comes in."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit
        self._open: dict[str, _Connection] = {}  # by gRPC's name of the connection
        self._tasks: set[asyncio.Task[None]] = set()  # one for each connection
        self._silent_until = 0.0
        self._unsaid = 0

    def is_admitted(self, peer: str) -> bool:
        """Tell whether the connection, by gRPC's name of it, came through here."""
        return peer in self._open

    def cut(self, peer: str) -> None:
        """Close a connection at once, whatever is under way on it."""
        if connection := self._open.get(peer):
            connection.writer.transport.abort()

    @contextmanager
    def watched(self, peer: str) -> Iterator[None]:
        """Leave the connection be for the length of the block."""
        connection = self._open.get(peer)
        if connection is None:  # it was lost meanwhile
            yield
            return
        connection.begin()
        try:
            yield
        finally:
            connection.end()

    async def run(self, listener: socket.socket, private: Path) -> None:
        """Let peers in until cancelled; then listener and connections are closed."""
        group_id = os.stat(listener.getsockname()).st_gid  # noqa: PTH116 - a socket's name is text
        async with asyncio.TaskGroup() as group:

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                refusal = self._refusal(writer.get_extra_info("socket"), group_id)
                if refusal is None:
                    task = group.create_task(self._pass_on(reader, writer, private), name="registry connection")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                else:
                    self._log_refused(refusal)
                    writer.transport.abort()

            server = await asyncio.start_unix_server(accept, sock=listener, limit=CHUNK)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                server.close()

    def _refusal(self, connection: socket.socket, group_id: int) -> str | None:
        if len(self._tasks) >= MOST_CONNECTIONS:
            return f"refused: {MOST_CONNECTIONS} connections are open"
        try:
            return self._admit(connection, group_id)
        except OSError as error:
            return f"refused: cannot see who calls: {error.strerror}"

    def _log_refused(self, refusal: str) -> None:
        now = time.monotonic()
        if now < self._silent_until:
            self._unsaid += 1
            return
        log.warning("host refused", extra={"why": refusal, "more": self._unsaid})
        self._silent_until, self._unsaid = now + LOG_SECONDS, 0

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, private: Path) -> None:
        try:
            with suppress(OSError), self._named(writer) as inner:
                await asyncio.get_running_loop().sock_connect(inner, os.fspath(private))
                back, forth = await asyncio.open_unix_connection(sock=inner, limit=CHUNK)
                try:
                    await _until_either(_pour(reader, forth), _pour(back, writer))
                finally:
                    forth.transport.abort()
                writer.close()
                async with asyncio.timeout(FLUSH_SECONDS):
                    await writer.wait_closed()
        finally:
            writer.transport.abort()

    @contextmanager
    def _named(self, writer: asyncio.StreamWriter) -> Iterator[socket.socket]:
        name = f"pluginmgr-{secrets.token_hex(12)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as inner:
            inner.setblocking(False)
            inner.bind(f"\0{name}")
            connection = self._open[f"unix-abstract:{name}"] = _Connection(writer)
            connection.doom()
            try:
                yield inner
            finally:
                del self._open[f"unix-abstract:{name}"]
                connection.spare()


async def _until_either(*ways: Coroutine[None, None, None]) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(way, name="registry bytes") for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until either side is closed; no more than a chunk or two is held for a side that does not read."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
