"""The standard health service, with the status read: Go's host looks for an error only and lets NOT_SERVING pass."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import grpc
import grpc.aio

from controller.goplugin.decode import reading
from controller.goplugin.failures import HealthError
from controller.goplugin.pb.goplugin_pb2 import HealthCheckRequest, HealthCheckResponse
from controller.goplugin.transport import Channel

SERVING = HealthCheckResponse.SERVING
UNKNOWN = HealthCheckResponse.UNKNOWN

Status: TypeAlias = HealthCheckResponse.ServingStatus.ValueType

_CHECK = "/grpc.health.v1.Health/Check"
_WATCH = "/grpc.health.v1.Health/Watch"
_REST = 0.05  # seconds after each status that a plugin reports by itself: some report without end
_HASTY = 20  # statuses that each were there already after the rest: no plugin's health, and gRPC itself takes them in
_AT_ONCE = 0.005  # seconds
_SERVICE = "plugin"  # what go-plugin's server registers; others may know the whole server ("") only


class Health:
    """Health of one plugin over one channel."""

    def __init__(self, channel: Channel) -> None:
        """Take the channel."""
        self._channel = channel
        self._check = channel.unary_unary(
            _CHECK,
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=reading(HealthCheckResponse),
        )
        self._request = HealthCheckRequest(service=_SERVICE)
        self.is_offered = True  # until the plugin says UNIMPLEMENTED

    async def ask(self) -> Status | None:
        """Return the status, however long it takes; None if the plugin has no health service.

        Raises AioRpcError, and HealthError for an answer that cannot be read.
        """
        try:
            return await self._answer(self._check(self._request))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND or not self._request.service:
                raise
        self._request = HealthCheckRequest()
        return await self._answer(self._check(self._request))

    def begin_check(self, limit: float) -> Coroutine[Any, Any, None]:
        """Send a check now; what is returned must be awaited, and raises HealthError unless it says SERVING.

        A plugin without a health service is healthy if it answers. Many checks sent together cost a third of the same
        checks one by one, and need no task each.
        """
        try:
            call = self._check(self._request, timeout=limit)
        except grpc.aio.UsageError as error:  # whoever uses the channel has closed it
            return _failed(f"health check failed: {error}")
        return self._judge(call, limit)

    async def watch(self, on_status: Callable[[Status], None]) -> None:
        """Hand on each status that the plugin reports by itself; return when it does not, no longer, or floods."""
        watch = self._channel.unary_stream(
            _WATCH,
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=reading(HealthCheckResponse),
        )
        try:
            call = watch(self._request)
        except grpc.aio.UsageError:
            return
        try:
            await _listen(call, on_status)
        except grpc.aio.AioRpcError:
            pass  # not offered, or the connection is lost: the checks tell
        finally:
            call.cancel()

    async def _judge(self, call: Any, limit: float) -> None:
        try:
            status = await self._answer(call)
        except grpc.aio.AioRpcError as error:
            raise HealthError(_explain(error, limit)) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # gRPC says "cancelled" to whoever waits for a call when the channel is closed; nobody cancelled the waiter.
            raise HealthError("health check ended with the session") from None
        finally:
            call.cancel()
        if status is not None and status != SERVING:
            raise HealthError(describe(status))

    async def _answer(self, call: Any) -> Status | None:
        try:
            answer: HealthCheckResponse | None = await call
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            self.is_offered = False
            return None
        if answer is None:
            raise HealthError("health check got an answer that cannot be read")
        return answer.status


async def _listen(call: Any, on_status: Callable[[Status], None]) -> None:
    time = asyncio.get_running_loop().time
    hasty, rested = 0, 0.0
    async for answer in call:
        hasty = hasty + 1 if time() - rested < _AT_ONCE else 0
        if hasty >= _HASTY:
            return
        if answer is not None:
            on_status(answer.status)
        await asyncio.sleep(_REST)
        rested = time()


async def _failed(message: str) -> None:
    raise HealthError(message)


def describe(status: Status) -> str:
    """Say what a health check says; a plugin may answer with a number that has no name."""
    known = HealthCheckResponse.ServingStatus.values()
    return f"health check says {HealthCheckResponse.ServingStatus.Name(status) if status in known else status}"


def _explain(error: grpc.aio.AioRpcError, limit: float) -> str:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"health check got no answer within {limit:g} s"
    return f"health check failed: {error.code().name} {error.details() or ''}".rstrip()
