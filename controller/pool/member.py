"""What a plugin's pool writes down of one worker and of one call that waits. Only `VersionedPool` changes either."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from controller.core.model import WorkerId
from controller.manager.handle import PluginHandle
from controller.pool.errors import PoolError

Answer: TypeAlias = Callable[[WorkerId], None]


class Member:
    """A worker with the calls that run on it, those of waiters that have not woken up yet included."""

    __slots__ = ("answers", "back", "handle", "is_going", "room", "running")

    def __init__(self, handle: PluginHandle[Any]) -> None:
        """Begin with no call."""
        self.running = 0
        self.is_going = False  # no longer listed
        self.back: asyncio.TimerHandle | None = None  # while it is ejected
        self.answers: list[Answer] = []  # owed once no call runs; only a draining worker has any
        self.list(handle)

    def list(self, handle: PluginHandle[Any]) -> None:
        """Take over what the last message said of it."""
        self.handle = handle
        self.room = handle.concurrency or sys.maxsize
        self.is_going = False

    def go(self) -> None:
        """Note that it is no longer listed."""
        self.is_going = True
        if self.back:
            self.back.cancel()
            self.back = None


class Waiter:
    """A call that waits: it is woken with a member or an error, and may lose the member again before it runs."""

    __slots__ = ("_awake", "avoid", "error", "is_late", "is_patient", "member", "seconds")

    def __init__(self, seconds: float | None, avoid: frozenset[WorkerId], *, is_patient: bool) -> None:
        """Take the workers it had enough of, and whether it also waits for a plugin that serves nothing."""
        self.seconds = seconds
        self.avoid = avoid
        self.is_patient = is_patient
        self.is_late = False  # its seconds are over
        self.member: Member | None = None
        self.error: PoolError | TimeoutError | None = None
        self._awake: asyncio.Future[None] | None = None

    async def wait(self) -> Member:
        """Return the member it was given; raises its error."""
        while self.member is None:
            if self.error:
                raise self.error
            self._awake = asyncio.get_running_loop().create_future()
            await self._awake
        return self.member

    def give(self, member: Member) -> None:
        """Hand a member over, already counted as running a call."""
        self.member = member
        self._wake()

    def fail(self, error: PoolError | TimeoutError) -> None:
        """End the waiting."""
        self.error = error
        self._wake()

    def _wake(self) -> None:
        if self._awake and not self._awake.done():
            self._awake.set_result(None)
