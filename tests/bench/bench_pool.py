"""What the pool costs a call: its own acquire and release, and a call through it beside the same call on the bare one.

All ways take turns call by call on one channel to one Go plugin, so that whatever the machine does hits them alike.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from google.protobuf.wrappers_pb2 import StringValue

from controller.core.model import Digest, LaunchId, PluginKey, Reported, Version, WorkerId
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import RegisterMessage
from controller.pool import ProcessPool
from tests.bench.table import Row
from tests.pool.echo import Echo, started

KEY = "zoo/echo"
OWN_LIMIT = 10  # microseconds
RATIO_LIMIT = 1.1
WORKERS = (1, 8)
Stub = Callable[[StringValue], Awaitable[StringValue]]


def pools(program: Path, calls: int = 2000, rounds: int = 20) -> list[Row]:
    """Both questions."""
    return asyncio.run(_pools(program, calls, rounds))


async def _pools(program: Path, calls: int, rounds: int) -> list[Row]:
    own = [
        Row(f"acquire and release, {count} workers", rounds, await alone(count, rounds), "us", None, OWN_LIMIT)
        for count in WORKERS
    ]
    with tempfile.TemporaryDirectory() as directory:
        async with started(program, Path(directory)) as echo:
            bare, acquired, called = await through(echo, calls)
    about = {"acquire": acquired, "call": called}
    return own + [
        Row(
            f"a Go plugin's echo through pool.{name}",
            calls,
            cost,
            "us",
            bare,
            RATIO_LIMIT * bare,
            f"= {RATIO_LIMIT} x bare",
        )
        for name, cost in about.items()
    ]


async def alone(workers: int, rounds: int, times: int = 1000) -> float:
    """Microseconds of one acquire and release where a worker is free."""
    pool = serving(None, workers)
    costs = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            async with pool.acquire(KEY, timeout=1):
                pass
        costs.append((time.perf_counter() - began) / times * 1e6)
    return statistics.median(costs)


async def through(echo: Echo, calls: int) -> list[float]:
    """Microseconds of one call on the bare channel, in an acquired block, and by `call`."""
    stub: Stub = echo.channel.unary_unary("/zoo.Echo/Call", StringValue.SerializeToString, StringValue.FromString)
    pool, request = serving(stub), StringValue(value="x" * 100)

    async def acquired() -> None:
        async with pool.acquire(KEY, timeout=5) as worker:
            await worker.item(request)

    async def called() -> None:
        await pool.call(KEY, lambda worker: worker.item(request), timeout=5)

    async def bare() -> None:
        await stub(request)

    ways = (bare, acquired, called)
    costs: dict[Callable[[], Awaitable[None]], list[float]] = {way: [] for way in ways}
    for number in range(calls):
        for way in ways[number % 3 :] + ways[: number % 3]:
            began = time.perf_counter()
            await way()
            costs[way].append(time.perf_counter() - began)
    return [statistics.median(costs[way]) * 1e6 for way in ways]


def serving(item: Any, workers: int = 1) -> ProcessPool[Any]:
    """A pool with workers of one plugin."""
    version = Version(Digest("a" * 64), LaunchId("launch"))
    live = tuple(
        PluginHandle(WorkerId(f"w{number}"), PluginKey(KEY), version, 1, "unix", "/", Reported(), item)
        for number in range(workers)
    )
    pool: ProcessPool[Any] = ProcessPool()
    pool.sync(RegisterMessage(PluginKey(KEY), version, live, workers))
    return pool
