"""A plugin of a kind, served in the test's own loop and called through a socket."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc.aio
import pytest

from controller.kinds import Plugin
from controller.kinds.servicer import Servicer
from tests.kinds.stubs import STUBS


@asynccontextmanager
async def served(servicer: Servicer, stub: type) -> AsyncIterator[Any]:
    server = grpc.aio.server()
    servicer.register(server)
    with tempfile.TemporaryDirectory(prefix="k") as directory:
        server.add_insecure_port(f"unix:{directory}/s")
        await server.start()
        async with grpc.aio.insecure_channel(f"unix:{directory}/s") as channel:
            yield stub(channel)
        await server.stop(None)
    await servicer.stop()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Plugin], Any]]:
    """`await serve(plugin)`: the stub of a plugin."""
    async with AsyncExitStack() as stack:

        async def begin(plugin: Plugin) -> Any:
            return await stack.enter_async_context(served(Servicer(plugin), STUBS[plugin.kind.service.name]))

        yield begin
