"""All plugins' pools under their keys, with the tombstones: the `Notify` of hosts."""

import asyncio
import functools
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

from controller.core.model import PluginKey
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import (
    HostMessage,
    RegisterMessage,
    RemoveMessage,
    UnregisterMessage,
    UpdateMessage,
)
from controller.pool.call import Call
from controller.pool.errors import DrainingError, RemovedError
from controller.pool.lease import Lease
from controller.pool.versioned import VersionedPool

T = TypeVar("T")
R = TypeVar("R")

MOST_TOMBSTONES = 10_000  # the oldest go: then a removed plugin is one that is not found


class ProcessPool(Generic[T]):
    """Takes messages by `sync`, gives out workers by `acquire` and `call`. For one event loop's thread."""

    def __init__(self, *, max_waiting: int = 1024, eject_seconds: float = 1.0) -> None:
        """`max_waiting` calls of one plugin may wait for a worker; an ejected one is tried again after a while."""
        self._max_waiting = max_waiting
        self._eject_seconds = eject_seconds
        self._pools: dict[str, VersionedPool[T]] = {}
        self._tombstones: OrderedDict[str, None] = OrderedDict()
        self._expected: dict[str, set[asyncio.Future[None]]] = {}  # who waits for a plugin to serve
        self._closing: list[asyncio.Future[None]] = []
        self._is_closed = False

    def sync(self, message: HostMessage) -> None:
        """Take over what serves. Fits `Notify`; must be called from the loop's thread.

        `on_drained` is called once for each draining worker that the message names, at once where no call runs on it.
        """
        pool = self._pool(message.plugin)
        match message:
            case RegisterMessage(key, _, workers, max_procs):
                self._serves(key)
                pool.serve(workers, max_procs)
            case UpdateMessage(key, _, workers, max_procs, draining, on_drained):
                self._serves(key)
                pool.serve(workers, max_procs)
                pool.drain(draining, on_drained)
            case UnregisterMessage(key, draining, on_drained):
                self._tombstones.pop(key, None)
                pool.unregister()
                pool.drain(draining, on_drained)
            case RemoveMessage(key, draining, on_drained):
                self._bury(key)
                pool.unregister(lambda: _removed(key))
                pool.drain(draining, on_drained)
        self.settle(pool)

    def plugins(self) -> dict[PluginKey, tuple[PluginHandle[T], ...]]:
        """Give the serving workers of each plugin that serves."""
        return {pool.key: pool.handles for pool in self._pools.values() if pool.is_serving}

    async def wait_for(self, key: str) -> None:
        """Return once the plugin serves; raises DrainingError when the pool is closed. Bound it in time yourself."""
        while not self._is_serving(key):
            if self._is_closed:
                raise _closed(key)
            arrival = asyncio.get_running_loop().create_future()
            waiting = self._expected.setdefault(key, set())
            waiting.add(arrival)
            try:
                await arrival
            finally:
                waiting.discard(arrival)
                if not waiting:
                    self._expected.pop(key, None)

    def acquire(self, key: str, *, timeout: float | None = None) -> AbstractAsyncContextManager[PluginHandle[T]]:
        """Take a worker for the length of the block; first come, first served. The block's transport errors eject it.

        Raises:
            NotFoundError, RemovedError, DrainingError, FullError: at once.
            TimeoutError: no worker was free in time.
        """
        return Lease(self, key, timeout)

    async def call(
        self,
        key: str,
        method: Callable[[PluginHandle[T]], Awaitable[R]],
        *,
        timeout: float,  # noqa: ASYNC109 - spans several tries
        idempotent: bool = False,
    ) -> R:
        """Run one call on a worker; `idempotent` ones go to another worker after a transport error, until the timeout.

        An idempotent call also waits, until its timeout, for a plugin that serves nothing at the moment. At the timeout
        a call that runs is cancelled, which the plugin sees.

        Raises:
            NotFoundError, RemovedError, DrainingError, FullError: no worker was to be had.
            LostError, grpc.aio.AioRpcError: the last transport error.
            TimeoutError: no worker was free in time, or no answer came.
        """
        return await Call(self, key, method, seconds=timeout, is_idempotent=idempotent).run()

    async def close(self) -> None:
        """Take no new call (DrainingError) and return when none runs any more. Messages may go on to come."""
        self._is_closed = True
        for pool in list(self._pools.values()):
            pool.refuse(functools.partial(_closed, pool.key))
        for expected in self._expected.values():
            _wake(expected)
        try:
            while any(pool.running for pool in self._pools.values()):
                quiet = asyncio.get_running_loop().create_future()
                self._closing.append(quiet)
                await quiet
        finally:
            for pool in self._pools.values():
                pool.close()

    def find(self, key: str) -> VersionedPool[T]:
        """Return the plugin's pool, whether it serves or not; raises DrainingError, RemovedError. For leases."""
        if self._is_closed:
            raise _closed(key)
        if key in self._tombstones:
            raise _removed(key)
        return self._pool(key)

    def settle(self, pool: VersionedPool[T]) -> None:
        """Forget the pool if nothing would be lost with it. For leases."""
        if pool.is_forgettable and self._pools.get(pool.key) is pool:  # and not one that was registered since
            del self._pools[pool.key]
        if self._closing and not any(each.running for each in self._pools.values()):
            closing, self._closing = self._closing, []
            _wake(closing)

    def _pool(self, key: str) -> VersionedPool[T]:
        if key not in self._pools:
            self._pools[key] = VersionedPool(
                PluginKey(key), max_waiting=self._max_waiting, eject_seconds=self._eject_seconds
            )
        return self._pools[key]

    def _is_serving(self, key: str) -> bool:
        return key in self._pools and self._pools[key].is_serving

    def _serves(self, key: str) -> None:
        self._tombstones.pop(key, None)
        _wake(self._expected.get(key, ()))

    def _bury(self, key: str) -> None:
        self._tombstones.pop(key, None)
        self._tombstones[key] = None
        while len(self._tombstones) > MOST_TOMBSTONES:
            self._tombstones.popitem(last=False)


def _wake(waiting: Iterable[asyncio.Future[None]]) -> None:
    for each in waiting:
        if not each.done():
            each.set_result(None)


def _closed(key: str) -> DrainingError:
    return DrainingError(f"{key}: this pool is being closed and takes no new call")


def _removed(key: str) -> RemovedError:
    return RemovedError(f"{key}: the plugin's file is gone from the volume")
