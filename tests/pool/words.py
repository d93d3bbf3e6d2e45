"""Short words for messages, workers and errors."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from controller.core.model import Digest, LaunchId, PluginKey, Reported, Version, WorkerId
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import RegisterMessage, RemoveMessage, UnregisterMessage, UpdateMessage
from controller.pool import ProcessPool

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "rule/x"
OLD, NEW = (Version(Digest(letter * 64), LaunchId("launch")) for letter in "ab")


def handle(worker: str, *, key: str = KEY, concurrency: int | None = 1, version: Version = OLD) -> PluginHandle[Any]:
    return PluginHandle(
        WorkerId(worker), PluginKey(key), version, 1, "unix", f"/run/{worker}", Reported(), worker, "rule", concurrency
    )


def transport_error(code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE, details: str = "gone") -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details)


def application_error() -> grpc.aio.AioRpcError:
    return transport_error(grpc.StatusCode.INVALID_ARGUMENT, "no such field")


class Host:
    """A pool with a plugin's messages, and what the drains answered."""

    def __init__(self, **options: Any) -> None:
        self.pool: ProcessPool[str] = ProcessPool(**options)
        self.drained: Counter[str] = Counter()

    def register(self, *workers: str, key: str = KEY, concurrency: int | None = 1) -> None:
        live = tuple(handle(each, key=key, concurrency=concurrency) for each in workers)
        self.pool.sync(RegisterMessage(PluginKey(key), OLD, live, len(workers)))

    def update(
        self, *workers: str, draining: tuple[str, ...] = (), key: str = KEY, concurrency: int | None = 1
    ) -> None:
        live = tuple(handle(each, key=key, concurrency=concurrency, version=NEW) for each in workers)
        going = tuple(map(WorkerId, draining))
        self.pool.sync(UpdateMessage(PluginKey(key), NEW, live, len(workers), going, self.on_drained))

    def unregister(self, *draining: str, key: str = KEY) -> None:
        self.pool.sync(UnregisterMessage(PluginKey(key), tuple(map(WorkerId, draining)), self.on_drained))

    def remove(self, *draining: str, key: str = KEY) -> None:
        self.pool.sync(RemoveMessage(PluginKey(key), tuple(map(WorkerId, draining)), self.on_drained))

    def on_drained(self, worker: WorkerId) -> None:
        self.drained[worker] += 1

    def begin(self, key: str = KEY, *, timeout: float | None = None) -> "Caller":
        return Caller(self.pool, key, timeout)


class Caller:
    """A task that takes a worker and holds it until told to end."""

    def __init__(self, pool: ProcessPool[str], key: str, timeout: float | None) -> None:
        self.worker: str | None = None
        self.afterwards: Callable[[], object] = bool  # called when the worker is given back, before anybody else runs
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run(pool, key, timeout))
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # not every test asks for it

    async def end(self, error: BaseException | None = None) -> None:
        """Leave the block, with the error if there is one, and see what came out of it."""
        self.leave(error)
        await asyncio.wait([self.task])

    def leave(self, error: BaseException | None = None) -> None:
        if error:
            self._end.set_exception(error)
        else:
            self._end.set_result(None)

    async def outcome(self) -> BaseException | None:
        """Wait for the task; returns what it raised."""
        await asyncio.wait([self.task])
        return asyncio.CancelledError() if self.task.cancelled() else self.task.exception()

    async def _run(self, pool: ProcessPool[str], key: str, seconds: float | None) -> None:
        async with pool.acquire(key, timeout=seconds) as worker:
            self.worker = worker.worker
            await self._end
        self.afterwards()


def timers() -> list[asyncio.TimerHandle]:
    """What the loop would still do later."""
    return [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]


async def turns(count: int = 5) -> None:
    """Let everybody run who can, for some turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)
