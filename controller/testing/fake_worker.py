"""A worker without a process: a gRPC server in the test's own event loop that answers as the test says."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
import grpc.aio

from controller.manager.handle import PluginHandle

Method: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Answers one call, bytes in and bytes out; what it raises fails the call with UNKNOWN."""


@dataclass(slots=True, eq=False)
class FakeWorker:
    """`handle` is what hosts are told; `calls` counts those that began, `running` those that have not ended."""

    handle: PluginHandle[None]
    server: grpc.aio.Server
    calls: int = 0
    running: int = 0

    @property
    def id(self) -> str:
        """The worker's id."""
        return self.handle.worker

    async def stop(self) -> None:
        """Be gone at once, as a killed process is: calls that run are broken off."""
        await self.server.stop(None)


async def serve(handle: PluginHandle[None], methods: Mapping[str, Method]) -> FakeWorker:
    """Listen at the handle's address; `methods` are by their full names, "/package.Service/Method"."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    worker = FakeWorker(handle, server)
    server.add_generic_rpc_handlers((_Methods(worker, methods),))
    server.add_insecure_port(f"unix:{handle.address}")
    await server.start()
    return worker


class _Methods(grpc.GenericRpcHandler):
    """Finds a method by its full name; None is answered with UNIMPLEMENTED."""

    def __init__(self, worker: FakeWorker, methods: Mapping[str, Method]) -> None:
        self._worker = worker
        self._methods = methods

    def service(self, handler_call_details: Any) -> Any:
        method = self._methods.get(handler_call_details.method)
        return None if method is None else grpc.unary_unary_rpc_method_handler(self._counted(method))

    def _counted(self, method: Method) -> Callable[[bytes, Any], Awaitable[bytes]]:
        async def answer(request: bytes, _context: Any) -> bytes:
            self._worker.calls += 1
            self._worker.running += 1
            try:
                return await method(request)
            finally:
                self._worker.running -= 1

        return answer


async def echo(request: bytes) -> bytes:
    """Give the request back: a Method for who needs no other."""
    await asyncio.sleep(0)
    return request
