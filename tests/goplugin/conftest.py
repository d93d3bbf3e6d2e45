"""Fixtures: a place to work in, and a look at what each test leaves."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator

import grpc.aio
import pytest

from controller.goplugin import HealthTicker
from tests.goplugin.place import Place, children, descriptors, tagged, until


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    shutil.rmtree(place.root)


@pytest.fixture
async def ticker() -> AsyncIterator[HealthTicker]:
    ticker = HealthTicker()
    task = asyncio.create_task(ticker.run())
    await asyncio.sleep(0)
    yield ticker
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """Every test leaves the descriptors, children, tagged processes and tasks that it found."""
    # One channel is kept meanwhile: what gRPC opens with the first and closes after the last is not what is counted.
    async with grpc.aio.insecure_channel("unix:/nowhere") as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary("/x/y")(b"")
        before = await _settled(), children(), len(asyncio.all_tasks())
        yield
        assert tagged() == set()
        assert children() - before[1] == set()
        # gRPC ends its calls and connections on a thread of its own, some moments after the channel.
        await until(lambda: len(asyncio.all_tasks()) <= before[2])
        await until(lambda: descriptors() <= before[0])


async def _settled() -> int:
    counts = [-1]
    while counts[-1] != descriptors():
        counts.append(descriptors())
        await asyncio.sleep(0.005)
    return counts[-1]
