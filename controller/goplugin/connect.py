"""From an address to the first SERVING: as fast as the plugin is, and without gRPC's waits between tries."""

import asyncio
from collections.abc import Callable

import grpc
import grpc.aio

from controller.goplugin import transport
from controller.goplugin.failures import HealthError
from controller.goplugin.handshake import Answer
from controller.goplugin.health import SERVING, UNKNOWN, Health, Status, describe
from controller.goplugin.transport import Channel

_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.1  # seconds; the first tries come fast, a plugin that waits is not hurried
_LONGEST_KNOCK_PAUSE = 0.02


class Connector:
    """Tries until the plugin serves; the caller gives up. Owns the channel until `close`."""

    def __init__(self, answer: Answer) -> None:
        """Take the address."""
        self._answer = answer
        self._open()
        self.has_answered = False
        self.is_refused = False
        self.problem = ""

    def __str__(self) -> str:
        """Name the address."""
        return f"{self._answer.network}:{self._answer.address}"

    async def connect(self, on_answer: Callable[[Channel], None]) -> None:
        """Return once the plugin says SERVING, or answers without having a health service.

        `on_answer` gets the channel as soon as the plugin has answered anything.
        """
        pause = _FIRST_PAUSE
        while not await self._is_serving(on_answer):
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def close(self) -> None:
        """Give the channel back."""
        await self.channel.close()

    async def _is_serving(self, on_answer: Callable[[Channel], None]) -> bool:
        status: Status | None
        try:
            status = await self.health.ask()
            self.problem = "" if status is None else describe(status)
        except HealthError as error:
            status, self.problem = UNKNOWN, error.message
        except grpc.aio.AioRpcError as error:
            self.problem = f"{error.code().name} {error.details() or ''}".rstrip()
            if error.code() is grpc.StatusCode.UNAVAILABLE and not self.has_answered:
                await self._reopen()
            return False
        if not self.has_answered:
            self.has_answered = True
            on_answer(self.channel)
        return status is None or status == SERVING

    async def _reopen(self) -> None:
        # A channel that was refused waits before it tries again; a new one does not.
        await self.channel.close()
        self._open()
        pause = _FIRST_PAUSE
        while await self._is_refused():
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_KNOCK_PAUSE)

    async def _is_refused(self) -> bool:
        try:
            await transport.knock(self._answer)
        except OSError as error:
            self.is_refused, self.problem = True, error.strerror or str(error)
        else:
            self.is_refused = False
        return self.is_refused

    def _open(self) -> None:
        self.channel = transport.open_channel(self._answer.network, self._answer.address)
        self.health = Health(self.channel)
