"""What gRPC really raises when a plugin dies or a channel is closed is a transport error; the plugin's no is none."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from controller.manager.handle import PluginHandle
from controller.pool import LostError
from tests.pool.echo import Echo, started
from tests.pool.words import KEY, Host

pytestmark = pytest.mark.go


@pytest.fixture
async def echo(echo_plugin: Path, tmp_path: Path) -> AsyncIterator[Echo]:
    async with started(echo_plugin, tmp_path) as echo:
        yield echo


def serving() -> Host:
    host = Host()
    host.register("a", concurrency=None)
    return host


async def ejected(host: Host) -> bool:
    try:
        async with host.pool.acquire(KEY, timeout=0):
            return False
    except TimeoutError:
        return True


async def test_the_plugins_no_leaves_the_worker_in_rotation(echo: Echo) -> None:
    host = serving()
    with pytest.raises(grpc.aio.AioRpcError):
        await host.pool.call(KEY, lambda _: echo.channel.unary_unary("/zoo.Echo/Nothing")(b""), timeout=5)
    assert not await ejected(host)


@pytest.mark.parametrize("delay", range(5))
async def test_a_plugin_killed_during_calls_is_ejected_by_each(echo: Echo, delay: int) -> None:
    host = serving()
    calls = [asyncio.create_task(host.pool.call(KEY, lambda _: echo.slow(60_000), timeout=30)) for _ in range(10)]
    for _ in range(delay):
        await echo.call(b"")  # later each time: not sent yet, sent, running
    os.kill(echo.pid, signal.SIGKILL)
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call
        assert raised.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert await ejected(host)


async def test_a_channel_closed_during_a_call_and_before_one_loses_it(echo: Echo) -> None:
    async def method(_: PluginHandle[Any]) -> bytes:
        return await echo.slow(60_000)

    host = serving()
    call = asyncio.create_task(host.pool.call(KEY, method, timeout=30))
    await echo.call(b"")
    await echo.channel.close()
    with pytest.raises(LostError, match="closed during the call"):
        await call
    assert await ejected(host)
    host = serving()
    with pytest.raises(LostError, match="Channel is closed"):
        await host.pool.call(KEY, method, timeout=30)
    assert await ejected(host)
