"""A registry over real sockets, hosts that follow it by hand, and workers that answer."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import grpc.aio
import pytest

from controller.http import listen_unix
from controller.registry.pb import registry_pb2 as pb
from controller.registry.pb.registry_pb2_grpc import RegistryStub
from controller.registry.server import RegistryServer
from tests.registry.words import Words

DEADLINE = 10


class Registry:
    """A server that can be started and stopped; by default everybody is let in."""

    def __init__(self, root: Path) -> None:
        self.run_dir = root / "run"
        self.run_dir.mkdir()
        self.private = root / "grpc.sock"
        self.words = Words(self.run_dir)
        self.admit: Callable[..., str | None] = lambda connection, group: None
        self._running: asyncio.Task[None] | None = None
        self.server = RegistryServer(self.run_dir, self._admit)

    def _admit(self, connection: object, group: int) -> str | None:
        return self.admit(connection, group)

    @property
    def socket(self) -> Path:
        return self.run_dir / "registry.sock"

    def start(self) -> None:
        """As a new controller does: what the former one knew is forgotten."""
        self.server = RegistryServer(self.run_dir, self._admit)
        self.listener = listen_unix(self.socket, 0o660)
        self._running = asyncio.create_task(self.server.run(self.listener, self.private))

    async def stop(self) -> None:
        if self._running:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
            self._running = None
            self.listener.close()
        self.socket.unlink(missing_ok=True)

    def say(self, *messages: object) -> None:
        for message in messages:
            self.server.notify(message)  # type: ignore[arg-type]


class Host:
    """One Watch, by hand."""

    def __init__(self, path: Path) -> None:
        self._channel = grpc.aio.insecure_channel(f"unix:{path}", options=[("grpc.use_local_subchannel_pool", 1)])
        self.call = RegistryStub(self._channel).Watch()

    async def say(self, **message: object) -> None:
        await self.call.write(pb.WatchRequest(**message))

    async def hello(self, host: str = "app", *holds: str) -> pb.WatchResponse:
        """Say hello; the first answer."""
        await self.say(hello=pb.Hello(host=host, holds=holds))
        return await self.hear()

    async def drained(self, worker: str) -> None:
        await self.say(drained=pb.Drained(worker=worker))

    async def hear(self) -> pb.WatchResponse:
        async with asyncio.timeout(DEADLINE):
            heard = await self.call.read()
        assert heard is not grpc.aio.EOF, f"{await self.call.code()} {await self.call.details()}"
        return heard

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """How the Watch ends, after whatever is still said."""
        async with asyncio.timeout(DEADLINE):
            with suppress(grpc.aio.AioRpcError):
                while await self.call.read() is not grpc.aio.EOF:
                    pass
            return await self.call.code(), await self.call.details()

    async def close(self) -> None:
        await self._channel.close()


async def until(fits: Callable[[], object]) -> None:
    """Return once it is so; for what other tasks bring about and nobody tells."""
    async with asyncio.timeout(DEADLINE):
        while not fits():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


@pytest.fixture
def root() -> Iterator[Path]:
    """Short, since sockets live in it."""
    with tempfile.TemporaryDirectory(prefix="pm") as path:
        yield Path(path)


@pytest.fixture
async def registry(root: Path) -> AsyncIterator[Registry]:
    made = Registry(root)
    made.start()
    yield made
    await made.stop()


@pytest.fixture
async def connect(registry: Registry) -> AsyncIterator[Callable[[], Host]]:
    """`connect()`: a host that has said nothing yet."""
    made: list[Host] = []

    def make() -> Host:
        made.append(Host(registry.socket))
        return made[-1]

    yield make
    for host in made:
        await host.close()


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    """Every task that a test's registry or client started has ended."""
    yield
    names = ("registry", "send to", "hear", "answer", "close w", "follow")
    assert not {each.get_name() for each in asyncio.all_tasks() if each.get_name().startswith(names)}
