"""A plugin's service: calls of the host become calls of its hooks, item by item."""

import asyncio
import inspect
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from controller.kinds.hook_thread import HookThread, called
from controller.kinds.metadata import metadata_of
from controller.kinds.pb.common_pb2 import InitResponse, ItemError, PingResponse, ShutdownResponse
from controller.kinds.plugin import Plugin, UnfitError

_LONGEST = 1000  # characters of an error that travel

Context = grpc.aio.ServicerContext[Any, Any]


class Servicer:
    """Answers for one plugin."""

    def __init__(self, plugin: Plugin) -> None:
        """Take the plugin."""
        self._plugin = plugin
        self._kind = plugin.kind
        self._hook = getattr(plugin, plugin.kind.hook)
        self._batch = next(each for each in plugin.kind.service.methods if each.name.endswith("Batch"))
        items: Any = self._batch.output_type.fields_by_name["items"]
        self._answers: Any = GetMessageClass(self._batch.output_type)
        self._item: Any = GetMessageClass(items.message_type)
        self._thread = HookThread()
        self._is_shut_down = False

    def register(self, server: grpc.aio.Server) -> None:
        """Add the service to a server, as generated code would."""
        answers = {
            "Init": self._on_init,
            "Ping": self._on_ping,
            "Shutdown": self._on_shutdown,
            "GetMetadata": self._on_get_metadata,
            self._batch.name: self._on_batch,
        }
        service = self._kind.service
        handlers = {each.name: _handler(each, answers[each.name]) for each in service.methods}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))

    async def stop(self) -> None:
        """Let the plugin finish, if the host has not asked for it yet."""
        try:
            if not self._is_shut_down:
                self._is_shut_down = True
                await self._call(self._plugin.shutdown)
        finally:
            self._thread.end()

    async def _on_init(self, _request: object, context: Context) -> Any:
        await self._answering(context, self._call(self._plugin.init))
        return InitResponse()

    async def _on_ping(self, _request: object, context: Context) -> Any:
        ping = self._plugin.ping
        await self._answering(context, ping() if _is_async(ping) else asyncio.to_thread(called, ping))
        return PingResponse()

    async def _on_shutdown(self, _request: object, context: Context) -> Any:
        if not self._is_shut_down:
            self._is_shut_down = True
            await self._answering(context, self._call(self._plugin.shutdown))
        return ShutdownResponse()

    async def _on_get_metadata(self, _request: object, context: Context) -> Any:
        try:
            return metadata_of(self._plugin)
        except UnfitError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, _said(error))

    async def _on_batch(self, request: Any, _context: Context) -> Any:
        items = getattr(request, request.DESCRIPTOR.fields[0].name)
        if _is_async(self._hook):
            return self._answers(items=[await self._work_async(item) for item in items])
        given_up = threading.Event()
        try:
            return await self._call(self._work_all, items, given_up)
        finally:
            given_up.set()

    def _work_all(self, items: Iterable[Any], given_up: threading.Event) -> Any:
        answers = self._answers()
        for item in items:
            if given_up.is_set():  # the caller has gone
                break
            answers.items.append(self._work(item))
        return answers

    def _work(self, item: Any) -> Any:
        try:
            argument = self._kind.read(item)
            if not self._kind.is_wanted(self._plugin, argument):
                return self._item()
            return self._kind.answer(argument, self._hook(argument))
        except Exception as error:  # noqa: BLE001 - whatever the author's code raises is about this item
            return self._failed(error)

    async def _work_async(self, item: Any) -> Any:
        try:
            argument = self._kind.read(item)
            if not self._kind.is_wanted(self._plugin, argument):
                return self._item()
            return self._kind.answer(argument, await self._hook(argument))
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(error)

    def _failed(self, error: Exception) -> Any:
        return self._item(error=ItemError(message=_said(error)))

    async def _call(self, hook: Callable[..., Any], *arguments: Any) -> Any:
        if _is_async(hook):
            return await hook(*arguments)
        return await self._thread.call(hook, *arguments)

    async def _answering(self, context: Context, work: Any) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the author's; the host is told, and the log where
            traceback.print_exception(error, file=sys.stderr)
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, _said(error))


def _handler(method: MethodDescriptor, answer: Callable[..., Any]) -> Any:
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    return grpc.unary_unary_rpc_method_handler(answer, request.FromString, response.SerializeToString)


def _is_async(hook: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(hook)


def _said(error: Exception) -> str:
    """The error in one line that any message can carry; with its place, unless it explains itself."""
    text = str(error) if isinstance(error, UnfitError) else f"{type(error).__name__}: {error}"
    steps = traceback.extract_tb(error.__traceback__)
    if steps and not isinstance(error, UnfitError):
        text = f"{text[:_LONGEST]} ({steps[-1].filename.rpartition('/')[2]}:{steps[-1].lineno})"
    return " ".join(text.encode(errors="replace").decode().split())[:_LONGEST]
