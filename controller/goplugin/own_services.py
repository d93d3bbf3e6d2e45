"""The services that every plugin offers its host: health, Shutdown, and the stream of what it prints."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from controller.goplugin.pb.goplugin_pb2 import Empty, HealthCheckRequest, HealthCheckResponse, StdioData
from controller.goplugin.printed import Printed

_KNOWN = ("", "plugin")


class OwnServices:
    """Answers for a plugin that serves until `stop` is set."""

    def __init__(self, stop: asyncio.Event, printed: Printed) -> None:
        """Take the event, which Shutdown sets and the streams end by."""
        self._stop = stop
        self._printed = printed

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """Bind each method to its answer, as generated code would."""
        check = grpc.unary_unary_rpc_method_handler(self._check, HealthCheckRequest.FromString, _to_bytes)
        watch = grpc.unary_stream_rpc_method_handler(self._watch, HealthCheckRequest.FromString, _to_bytes)
        shutdown = grpc.unary_unary_rpc_method_handler(self._shutdown, Empty.FromString, _to_bytes)
        stream = grpc.unary_stream_rpc_method_handler(self._stream, Empty.FromString, _to_bytes)
        services: dict[str, dict[str, Any]] = {
            "grpc.health.v1.Health": {"Check": check, "Watch": watch},
            "plugin.GRPCController": {"Shutdown": shutdown},
            "plugin.GRPCStdio": {"StreamStdio": stream},
        }
        return tuple(grpc.method_handlers_generic_handler(name, methods) for name, methods in services.items())

    async def _check(
        self, request: HealthCheckRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> HealthCheckResponse:
        if request.service not in _KNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return HealthCheckResponse(status=HealthCheckResponse.SERVING)

    async def _watch(self, request: HealthCheckRequest, _context: object) -> AsyncIterator[HealthCheckResponse]:
        is_known = request.service in _KNOWN
        yield HealthCheckResponse(
            status=HealthCheckResponse.SERVING if is_known else HealthCheckResponse.SERVICE_UNKNOWN
        )
        await self._stop.wait()
        if is_known:
            yield HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING)

    async def _shutdown(self, _request: Empty, _context: object) -> Empty:
        self._stop.set()
        return Empty()

    async def _stream(self, _request: Empty, _context: object) -> AsyncIterator[StdioData]:
        async for descriptor, data in self._printed.read():
            channel = StdioData.STDOUT if descriptor == 1 else StdioData.STDERR
            yield StdioData(channel=channel, data=data)


def _to_bytes(message: Any) -> bytes:
    return bytes(message.SerializeToString())
