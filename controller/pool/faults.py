"""Which exceptions tell that a worker is gone or going, and not that the plugin refused one call."""

import asyncio
from collections.abc import Callable, Iterable

import grpc
import grpc.aio

_CODES = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})


def is_transport_error(error: BaseException, of_group: Callable[[Iterable[bool]], bool] = any) -> bool:
    """Tell whether the current task got it from a broken connection; of a group, whether any or all of it is.

    CANCELLED from a plugin is one: a plugin that stops ends its calls so. A closed channel cancels its calls as if
    somebody had cancelled the task, and refuses new ones with a UsageError.
    """
    match error:
        case grpc.aio.AioRpcError():
            return error.code() in _CODES
        case grpc.aio.UsageError():
            return True
        case asyncio.CancelledError():
            task = asyncio.current_task()
            return task is not None and not task.cancelling()
        case BaseExceptionGroup(exceptions=members):
            return of_group(is_transport_error(member, of_group) for member in members)
    return False


def tell(error: BaseException) -> str:
    """Name it in a few words."""
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name} {error.details() or ''}".rstrip()
    if isinstance(error, asyncio.CancelledError):
        return "its channel was closed"
    return str(error) or type(error).__name__
