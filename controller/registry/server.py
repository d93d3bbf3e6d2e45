"""The controller's side of the registry: a `Notify` that hosts in other containers follow.

Two owners: the ledger knows who owes what, a feed what one host still has to be sent. Everything happens on the loop's
thread, between two awaits. No host can hold up another one, nor the controller.
"""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from controller.core.model import WorkerId
from controller.manager.host_messages import HostMessage, RegisterMessage, RemoveMessage, UpdateMessage
from controller.registry import wire
from controller.registry.door import Admit, Door
from controller.registry.feed import End, Feed
from controller.registry.ledger import GONE_SECONDS, Ledger
from controller.registry.pb import registry_pb2 as pb
from controller.registry.pb.registry_pb2_grpc import RegistryServicer, add_RegistryServicer_to_server

HELLO_SECONDS = 5.0
STOP_SECONDS = 1.0  # for hosts to take what is on its way to them
LINGER_SECONDS = 2.0  # for a host that was too slow to hear so
MOST_HOSTS = 256
MOST_STRAYS = 10_000  # in a row; a few are late, for drains that have ended
TOO_MANY = f"{{}} hosts are connected, or were within the last {GONE_SECONDS:g} s"
NO_MESSAGE = "these bytes are no WatchRequest"
OPTIONS = (
    ("grpc.max_concurrent_streams", 8),
    ("grpc.max_receive_message_length", 1024 * 1024),
    ("grpc.so_reuseport", 0),
)

Context = Any  # grpc.aio.ServicerContext; the stubs do not tell its methods apart from the blocking ones

log = logging.getLogger(__name__)


class RegistryServer(RegistryServicer):
    """`notify` fits `Notify`, also before and after `run`. `admit` judges who connects."""

    def __init__(self, run_dir: Path, admit: Admit) -> None:
        self._run_dir = run_dir
        self._door = Door(admit)
        self._ledger = Ledger()
        self._feeds: dict[str, Feed] = {}
        self._waking: asyncio.TimerHandle | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts that are connected."""
        return tuple(self._feeds)

    def notify(self, message: HostMessage) -> None:
        """Send the message to all hosts; drains that nobody owes are answered at once."""
        _log(message)
        self._ledger.take(message)
        if not self._feeds:
            return
        response = wire.write(message, self._run_dir)
        for feed in list(self._feeds.values()):
            feed.put(response)
            if feed.ended.done():
                self._leave(feed)

    def ended(self, worker: WorkerId) -> None:
        """Nothing is left of the worker: nobody owes for it."""
        self._ledger.ended(worker)

    def hurry(self) -> None:
        """The controller ends: hosts whose connection is lost are waited for less."""
        self._ledger.hurry(time.monotonic())
        self._wake()

    async def run(self, listener: socket.socket, private: Path) -> None:
        """Let hosts in at the listener until cancelled; then every Watch is ended.

        `private` is where gRPC listens behind the door: a short path in a directory that is nobody else's.
        """
        server = grpc.aio.server(options=OPTIONS)
        add_RegistryServicer_to_server(self, server)
        server.add_insecure_port(f"unix:{private}")
        async with asyncio.TaskGroup() as group:
            try:
                await server.start()
                group.create_task(self._door.run(listener, private), name="registry door")
                await asyncio.get_running_loop().create_future()
            finally:  # the door stays open until hosts have heard of the end
                self._close()
                await server.stop(STOP_SECONDS)

    def _close(self) -> None:
        for feed in list(self._feeds.values()):
            feed.end(grpc.StatusCode.UNAVAILABLE, "the controller stops")
            self._leave(feed)
        if self._waking:
            self._waking.cancel()

    async def Watch(  # type: ignore[override]  # noqa: N802 - a coroutine that writes is gRPC's other form of it
        self, request_iterator: Any, context: Context
    ) -> None:
        """Serve one host, as protos/pluginmgr/v1/registry.proto says."""
        if not self._door.is_admitted(context.peer()):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "connect to registry.sock in the run dir")
        try:
            hello = await _hello(request_iterator)
        except _BadInputError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        if len(self._ledger.hosts) >= MOST_HOSTS and hello.host not in self._ledger.hosts:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY.format(MOST_HOSTS))
        with self._door.watched(context.peer()):
            code, text = await self._serve(self._enter(hello), request_iterator, context)
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:  # what gRPC holds for it goes with the connection
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._door.cut, context.peer())
        if code is not grpc.StatusCode.OK:
            await context.abort(code, text)

    async def _serve(self, feed: Feed, requests: AsyncIterator[pb.WatchRequest], context: Context) -> End:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(_send(feed, context), name=f"send to host {feed.host}"),
                    group.create_task(self._receive(feed, requests), name=f"hear host {feed.host}"),
                ]
                end = await feed.ended
                for task in tasks:
                    task.cancel()
        finally:
            self._leave(feed)
        return end

    def _enter(self, hello: pb.Hello) -> Feed:
        former = self._feeds.get(hello.host)
        if former:
            former.end(grpc.StatusCode.ABORTED, f"another Watch said host {hello.host!r}")
            self._leave(former)
        self._ledger.connected(hello.host, map(WorkerId, hello.holds), time.monotonic())
        feed = self._feeds[hello.host] = Feed(hello.host, wire.snapshot(self._ledger, self._run_dir))
        log.info("host connected", extra={"host": hello.host, "holds": len(hello.holds)})
        self._wake()
        return feed

    def _leave(self, feed: Feed) -> None:
        if self._feeds.get(feed.host) is not feed:
            return
        del self._feeds[feed.host]
        self._ledger.disconnected(feed.host, time.monotonic())
        why = feed.ended.result()[1] if feed.ended.done() else "the connection was lost"
        log.info("host disconnected", extra={"host": feed.host, "why": why})
        self._wake()

    async def _receive(self, feed: Feed, requests: AsyncIterator[pb.WatchRequest]) -> None:
        strays = 0
        try:
            async for request in requests:
                strays = 0 if self._ledger.answered(feed.host, _drained(request)) else strays + 1
                if strays > MOST_STRAYS:
                    raise _BadInputError(f"{strays} answers for workers that it does not owe")  # noqa: TRY301 - as others
        except _BadInputError as error:
            feed.end(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except DecodeError:
            feed.end(grpc.StatusCode.INVALID_ARGUMENT, NO_MESSAGE)
        else:
            feed.end(grpc.StatusCode.OK, "the host hung up")

    def _wake(self) -> None:
        """Look at the ledger again when the next debt is void."""
        if self._waking:
            self._waking.cancel()
        due = self._ledger.due_at()
        if due == float("inf"):
            self._waking = None
        else:
            self._waking = asyncio.get_running_loop().call_later(max(0.0, due - time.monotonic()), self._look)

    def _look(self) -> None:
        self._ledger.look(time.monotonic())
        self._wake()


class _BadInputError(Exception):
    """What a host said makes no sense."""


async def _hello(requests: AsyncIterator[pb.WatchRequest]) -> pb.Hello:
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            first = await anext(requests, None)
    except TimeoutError:
        raise _BadInputError(f"no Hello within {HELLO_SECONDS:g} s") from None
    except DecodeError:
        raise _BadInputError(NO_MESSAGE) from None
    if first is None or first.WhichOneof("message") != "hello":
        raise _BadInputError("the first message must be a Hello")
    if not 1 <= len(first.hello.host) <= wire.LONGEST_NAME:
        raise _BadInputError(f"host must have 1 to {wire.LONGEST_NAME} characters, not {len(first.hello.host)}")
    return first.hello


def _drained(request: pb.WatchRequest) -> WorkerId:
    match request.WhichOneof("message"):
        case "drained":
            return WorkerId(request.drained.worker)
        case "hello":
            raise _BadInputError("a second Hello; it is said once, first")
        case _:
            raise _BadInputError("an empty message, or one of a later version")


async def _send(feed: Feed, context: Context) -> None:
    try:
        while True:
            await context.write(await feed.get())
    except grpc.aio.BaseError:
        feed.end(grpc.StatusCode.UNAVAILABLE, "the connection was lost")


def _log(message: HostMessage) -> None:
    """One line for the operator."""
    match message:
        case RegisterMessage(plugin, version, workers):
            log.info("registered", extra={"plugin": plugin, "digest": version.digest[:12], "workers": len(workers)})
        case UpdateMessage(plugin, version, workers, _, draining):
            fields = {"plugin": plugin, "digest": version.digest[:12], "workers": len(workers)}
            log.info("updated", extra=fields | {"draining": len(draining)})
        case _:
            text = "removed" if isinstance(message, RemoveMessage) else "unregistered"
            log.info(text, extra={"plugin": message.plugin, "draining": len(message.draining)})
