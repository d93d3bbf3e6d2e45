"""A server on a real socket, run by the test's own loop, and a client that writes bytes."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from controller.http import Limits, listen_tcp, listen_unix, serve
from controller.http.exchange import Handler
from controller.http.server import Admit

Serving = Callable[..., Awaitable[tuple[str, int]]]


@asynccontextmanager
async def running(
    handler: Handler, listener: socket.socket, admit: Admit | None = None, limits: Limits | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serve(handler, listener, admit=admit, limits=limits))
        yield task
        task.cancel()


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    """Start a server on loopback; its address."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler, **options: object) -> tuple[str, int]:
            listener = listen_tcp("127.0.0.1:0")
            await stack.enter_async_context(running(handler, listener, **options))
            return listener.getsockname()

        yield start


@pytest.fixture
def short_dir():
    """A directory whose socket paths are short enough."""
    with tempfile.TemporaryDirectory(prefix="pm") as path:
        yield Path(path)


@pytest.fixture
async def control(short_dir: Path):
    """Start a control socket; its path."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler, admit: Admit | None = None) -> Path:
            path = short_dir / "control.sock"
            await stack.enter_async_context(running(handler, listen_unix(path), admit))
            return path

        yield start


class Wire:
    """One client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, text: str | bytes) -> None:
        self.writer.write(text.encode() if isinstance(text, str) else text)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one answer that has a length."""
        status, headers = await self.head()
        return status, headers, await self.reader.readexactly(int(headers["content-length"]))

    async def head(self) -> tuple[int, dict[str, str]]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        return int(head[0].split()[1]), {name.lower(): value for name, value in pairs}

    async def chunk(self) -> bytes:
        """The next chunk of a streamed body; empty: its end."""
        size = int(await self.reader.readline(), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def is_closed(self) -> bool:
        try:
            return not await self.reader.read()
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Awaitable[Wire]]]:
    """Connect to an address or a socket's path."""
    opened: list[Wire] = []

    async def to(where: tuple[str, int] | Path) -> Wire:
        unix = isinstance(where, Path)
        streams = await (asyncio.open_unix_connection(where) if unix else asyncio.open_connection(*where[:2]))
        opened.append(Wire(*streams))
        return opened[-1]

    yield to
    for wire in opened:
        wire.writer.transport.abort()


@pytest.fixture(autouse=True)
async def nothing_is_left():
    """Every task that a test's server started has ended."""
    yield
    others = {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("http")}
    assert not others
