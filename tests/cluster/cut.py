"""A wire to a real server that a test can cut, hold or pull out: TCP, byte for byte."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.loop_thread import LoopThread
from tests.cluster.ports import free_ports


class Wire:
    """Listens at `address` and forwards to the server until told otherwise; `accepted` counts connections."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.accepted = 0
        self.forwarded = 0
        self._thread = LoopThread("wire")
        self._flows = self._thread.call(asyncio.Event)  # set while bytes may pass
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None
        self.address = self._open(*free_ports(1))

    def cut(self) -> int:
        """Reset all connections that are open now, in whatever they were saying; how many."""
        return self._thread.call(self._reset)

    def swallow(self) -> None:
        """Keep and accept connections, and let nothing through any more, in neither direction."""
        self._thread.call(self._flows.clear)

    def refuse(self) -> None:
        """Reset all connections and accept no new ones."""
        self._thread.run(self._stop_listening())
        self.cut()

    def mend(self) -> None:
        """Let everything through again, what was held back first, on the same port."""
        if self._listener is None:
            self._open(self.address[1])
        self._thread.call(self._flows.set)

    def close(self) -> None:
        """End it for good."""
        self.refuse()
        self._thread.close()

    def _open(self, port: int) -> tuple[str, int]:
        address: tuple[str, int] = self._thread.run(self._listen(port))
        self._thread.call(self._flows.set)
        return address

    async def _listen(self, port: int) -> tuple[str, int]:
        self._listener = await asyncio.start_server(self._connect, "127.0.0.1", port)
        host, bound = self._listener.sockets[0].getsockname()
        return host, bound

    async def _stop_listening(self) -> None:
        if self._listener:
            self._listener.close()
            self._listener = None

    def _reset(self) -> int:
        count = len(self._writers) // 2
        for each in self._writers:
            connection = each.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST instead of FIN
            each.transport.abort()
        self._writers.clear()
        return count

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        ends = {writer}
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.server)
            ends.add(far_writer)
            self._writers.add(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forward(reader, far_writer))
                both.create_task(self._forward(far_reader, writer))
        except* OSError:  # either end is gone, so both are
            pass
        finally:
            for each in ends:
                each.transport.abort()
            self._writers -= ends

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65536):
            await self._flows.wait()
            self.forwarded += len(some)
            writer.write(some)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


@contextmanager
def wire_to(server: tuple[str, int]) -> Iterator[Wire]:
    """A wire that is gone at the end of the block."""
    made = Wire(server)
    try:
        yield made
    finally:
        made.close()
