"""A plugin that is up: its channel, its health, its end. Made by `launch`, and of use only inside its block."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio

from controller.goplugin.failures import HealthError, ProcessExit
from controller.goplugin.family import descendants
from controller.goplugin.handshake import Answer
from controller.goplugin.health import Health, Status
from controller.goplugin.logs import Sink
from controller.goplugin.pb.goplugin_pb2 import Empty
from controller.goplugin.process import Process
from controller.goplugin.reflection import list_services
from controller.goplugin.transport import Channel

_UNKILLABLE = 5.0  # seconds after SIGKILL; leaving the block of `launch` gives up what is stuck in the kernel
_SHUTDOWN = "/plugin.GRPCController/Shutdown"


@dataclass(frozen=True, slots=True)
class Timings:
    """How long each phase of a launch took, in seconds, one after the other."""

    spawn: float
    handshake: float
    health: float  # from the handshake line to the first SERVING

    @property
    def total(self) -> float:
        """From the call to ready."""
        return self.spawn + self.handshake + self.health


class Session:
    """A running, healthy plugin."""

    def __init__(
        self, process: Process, answer: Answer, channel: Channel, health: Health, sink: Sink, timings: Timings
    ) -> None:
        """Bind together what `launch` brought up; it stays the owner."""
        self.pid = process.pid
        self.protocol_version = answer.protocol_version
        self.network = answer.network
        self.address = answer.address
        self.channel = channel
        self.exit = process.exit
        self.timings = timings
        self.phases: dict[str, float] = {}  # of `stop`: shutdown, terminate, kill, in seconds
        self.seen: frozenset[int] = frozenset()  # descendants when it was stopped
        self._process = process
        self._health = health
        self._sink = sink

    def __repr__(self) -> str:
        """Tell the state in one line."""
        state = str(self.exit.result()) if self.exit.done() else "running"
        return f"<Session pid={self.pid} {self.network}:{self.address} {state}>"

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines on stderr."""
        return self._sink.tail

    @property
    def has_health(self) -> bool:
        """Tell whether the plugin has a health service; without one `check` only proves that it answers."""
        return self._health.is_offered

    async def check(self, timeout: float) -> None:  # noqa: ASYNC109 - the deadline that the plugin is told
        """Return if the plugin says SERVING within `timeout` seconds; raises HealthError."""
        if self.exit.done():
            raise HealthError(f"the process ended with {self.exit.result()}")
        await self.begin_check(timeout)

    def begin_check(self, timeout: float) -> Coroutine[Any, Any, None]:
        """Send the check now, and await the answer later; many at once are cheaper than one by one."""
        return self._health.begin_check(timeout)

    async def watch_health(self, on_status: Callable[[Status], None]) -> None:
        """Hand on each status that the plugin reports by itself; returns when it does not, or not any longer."""
        await self._health.watch(on_status)

    async def services(self, timeout: float) -> tuple[str, ...] | None:  # noqa: ASYNC109 - see check
        """Return the names of the gRPC services; None without reflection. Raises HealthError if it gets no answer."""
        try:
            return await list_services(self.channel, timeout)
        except grpc.aio.AioRpcError as error:
            raise HealthError(f"reflection failed: {error.code().name} {error.details() or ''}".rstrip()) from error
        except grpc.aio.UsageError as error:
            raise HealthError(f"reflection failed: {error}") from error

    def kill(self) -> None:
        """Send SIGKILL to the whole group; returns at once, `exit` tells. Idempotent."""
        self._process.signal_group(signal.SIGKILL)

    async def stop(
        self, shutdown: float, kill: float, farewell: Callable[[float], Awaitable[None]] | None = None
    ) -> ProcessExit:
        """Ask the plugin to end for `shutdown` seconds, SIGTERM its group and wait `kill` seconds, then SIGKILL it.

        `farewell` comes before all that: it gets the `shutdown` seconds, keeps to them, and what it takes is taken from
        them. Returns once it is reaped, or with an unknown exit if not even SIGKILL ends it. May
        be called again, and cancelled: leaving the block of `launch` kills.
        """
        if not self.exit.done():
            self.seen = descendants(self.pid)
            await self._timed("shutdown", self._ask(shutdown, farewell))
        if not self.exit.done():
            self._process.signal_group(signal.SIGTERM)
            await self._timed("terminate", asyncio.wait({self.exit}, timeout=kill))
        if not self.exit.done():
            self.seen |= descendants(self.pid)
            self.kill()
            await self._timed("kill", asyncio.wait({self.exit}, timeout=_UNKILLABLE))
        return self.exit.result() if self.exit.done() else ProcessExit()

    async def _timed(self, phase: str, work: Awaitable[object]) -> None:
        began = time.monotonic()
        try:
            await work
        finally:
            self.phases[phase] = time.monotonic() - began

    async def _ask(self, limit: float, farewell: Callable[[float], Awaitable[None]] | None) -> None:
        """Call Shutdown; return when the process has ended, will not, or has had its time."""
        if limit > 0 and farewell is not None:
            ends = time.monotonic() + limit
            await farewell(limit)
            limit = ends - time.monotonic()
        if limit <= 0 or self.exit.done():
            return
        call = asyncio.create_task(_request_shutdown(self.channel, limit), name=f"shutdown of {self.pid}")
        try:
            async with asyncio.timeout(limit):
                await asyncio.wait((call, self.exit), return_when=asyncio.FIRST_COMPLETED)
                if not self.exit.done() and call.result():
                    await asyncio.wait({self.exit})
        except TimeoutError:
            pass
        finally:
            call.cancel()


async def _request_shutdown(channel: Channel, limit: float) -> bool:
    """Tell whether the plugin will end. It stops hard and its answer is lost, so UNAVAILABLE is the usual success."""
    method = channel.unary_unary(
        _SHUTDOWN, request_serializer=Empty.SerializeToString, response_deserializer=Empty.FromString
    )
    try:
        await method(Empty(), timeout=limit)
    except grpc.aio.AioRpcError as error:
        return error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    except grpc.aio.UsageError:
        return False  # somebody closed the channel: only signals are left
    return True
