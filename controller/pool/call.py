"""One `ProcessPool.call`: its tries, and what is told of them in the end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, NoReturn, TypeVar

import grpc.aio

from controller.manager.handle import PluginHandle
from controller.pool.errors import LostError, NotFoundError, PoolError
from controller.pool.faults import is_transport_error, tell
from controller.pool.lease import Lease, Source
from controller.pool.versioned import NOBODY

T = TypeVar("T")
R = TypeVar("R")
_MOST_TOLD = 5  # tries


class Call(Generic[T, R]):
    """Run it once."""

    def __init__(
        self,
        source: Source,
        key: str,
        method: Callable[[PluginHandle[T]], Awaitable[R]],
        *,
        seconds: float,
        is_idempotent: bool,
    ) -> None:
        """Let the time begin now."""
        self._source = source
        self._key = key
        self._method = method
        self._seconds = seconds
        self._is_idempotent = is_idempotent
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._tried = NOBODY
        self._tries: list[str] = []

    async def run(self) -> R:
        """Return the first answer; what the plugin itself raises is one too."""
        last: BaseException | None = None
        while True:
            lease = await self._lease(last)
            try:
                answer = await self._ask(lease)
            except BaseException as error:
                lease.release(error)
                if not is_transport_error(error, all):
                    raise
                self._note(lease.handle, error)
                if not self._is_idempotent or self._left() <= 0:
                    self._end(error)
                last = error
            else:
                lease.release(None)
                return answer

    async def _lease(self, last: BaseException | None) -> Lease[T]:
        lease: Lease[T] = Lease(self._source, self._key, self._left(), self._tried, is_patient=self._is_idempotent)
        try:
            await lease.take()
        except (PoolError, TimeoutError) as error:
            if not last:
                raise
            if not isinstance(error, NotFoundError | TimeoutError):
                raise type(error)(f"{error}{self._told()}") from last
            self._tries.append(str(error))
            self._end(last)
        return lease

    async def _ask(self, lease: Lease[T]) -> R:
        """As in `asyncio.timeout_at`, which costs more than all the rest of a call."""
        task: Any = asyncio.current_task()
        before, self._is_cut = task.cancelling(), False
        timer = asyncio.get_running_loop().call_at(self._deadline, self._cut, task)
        try:
            return await self._method(lease.handle)
        except asyncio.CancelledError:
            if self._is_cut and task.cancelling() == before + 1:  # and nobody else cancelled it
                late = f"{self._key}: worker {lease.handle.worker} gave no answer within {self._seconds:.3g} s in all"
                raise TimeoutError(f"{late}{self._told()}") from None
            raise
        finally:
            timer.cancel()
            if self._is_cut:
                task.uncancel()

    def _cut(self, task: asyncio.Task[Any]) -> None:
        self._is_cut = True
        task.cancel()

    def _left(self) -> float:
        return self._deadline - asyncio.get_running_loop().time()

    def _note(self, worker: PluginHandle[T], error: BaseException) -> None:
        self._tried |= {worker.worker}
        self._tries.append(f"worker {worker.worker}: {tell(error)}")

    def _told(self) -> str:
        if not self._tries:
            return ""
        earlier = len(self._tries) - _MOST_TOLD
        more = [f"{earlier} earlier tries"] if earlier > 0 else []
        return f" (before: {'; '.join(more + self._tries[-_MOST_TOLD:])})"

    def _end(self, error: BaseException) -> NoReturn:
        """Raise the last error with what went before it."""
        match error:
            case grpc.aio.AioRpcError() if len(self._tries) > 1:
                raise grpc.aio.AioRpcError(
                    error.code(),
                    error.initial_metadata(),
                    error.trailing_metadata(),
                    details=f"{error.details() or ''}{self._told()}",
                    debug_error_string=error.debug_error_string(),
                ) from error
            case asyncio.CancelledError() | grpc.aio.UsageError():
                raise LostError(
                    f"{self._key}: the worker's channel was closed during the call{self._told()}"
                ) from error
        raise error
