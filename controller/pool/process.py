"""All plugins' pools under their keys, with the tombstones: the `Notify` of hosts."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

from controller.core.model import PluginKey
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import HostMessage

T = TypeVar("T")
R = TypeVar("R")


class ProcessPool(Generic[T]):
    """Takes messages by `sync`, gives out workers by `acquire` and `call`. For one event loop's thread."""

    def __init__(self, *, max_waiting: int = 1024, eject_seconds: float = 1.0) -> None:
        """`max_waiting` calls of one plugin may wait for a worker."""
        raise NotImplementedError

    def sync(self, message: HostMessage) -> None:
        """Take over what serves; `on_drained` is called once for each draining worker. Fits `Notify`."""
        raise NotImplementedError

    def plugins(self) -> dict[PluginKey, tuple[PluginHandle[T], ...]]:
        """Give the serving workers of each plugin that serves."""
        raise NotImplementedError

    async def wait_for(self, key: str) -> None:
        """Return once the plugin serves. Bound it in time yourself."""
        raise NotImplementedError

    def acquire(self, key: str, *, timeout: float | None = None) -> AbstractAsyncContextManager[PluginHandle[T]]:
        """Take a worker for the length of the block; first come, first served. The block's transport errors eject it.

        Raises:
            NotFoundError, RemovedError, DrainingError, FullError: at once.
            TimeoutError: no worker was free in time.
        """
        raise NotImplementedError

    async def call(
        self,
        key: str,
        method: Callable[[PluginHandle[T]], Awaitable[R]],
        *,
        timeout: float,  # noqa: ASYNC109 - spans several tries, and is what the plugin is told
        idempotent: bool = False,
    ) -> R:
        """Run one call on a worker; `idempotent` ones go to another worker after a transport error, until the timeout.

        An idempotent call also waits, until its timeout, for a plugin that serves nothing at the moment.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Take no new call (DrainingError) and return when none runs any more."""
        raise NotImplementedError
