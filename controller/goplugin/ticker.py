"""Health checks of many sessions, sent in shared ticks: one by one they would cost three times as much.

A worker is put into a tick that comes at most a fifth of its period early and has room; so the ticks of many workers
that started together spread out by themselves, and none holds the loop for long.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.goplugin.failures import HealthError

BATCH = 20  # checks in one tick
SLACK = 0.2  # the part of a period by which a check may come early
SPREAD = 0.1  # seconds between the ticks that one full tick becomes


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, how long, and how many failures in a row are too many. Seconds."""

    period: float
    timeout: float
    threshold: int


@dataclass(eq=False, slots=True)
class _Watched:
    check: Callable[[float], Awaitable[None]]
    pace: Callable[[], Pace]
    on_unhealthy: Callable[[str], None]
    failures: int = 0
    is_watched: bool = True
    is_pending: bool = False

    async def look(self) -> None:
        """One check; the callback comes once, when the threshold is reached."""
        pace = self.pace()
        try:
            await self.check(pace.timeout)
        except HealthError as error:
            self.failures += 1
            if self.failures == pace.threshold and self.is_watched:
                self.on_unhealthy(f"{error} ({self.failures} in a row)")
        else:
            self.failures = 0
        finally:
            self.is_pending = False


@dataclass(slots=True)
class HealthTicker:
    """Sends the checks of all that is `watching`, while `run` runs."""

    _ticks: dict[float, list[_Watched]] = field(default_factory=dict)  # loop time -> who is checked then
    _earlier: asyncio.Event = field(default_factory=asyncio.Event)

    @contextmanager
    def watching(
        self,
        check: Callable[[float], Awaitable[None]],
        pace: Callable[[], Pace],
        on_unhealthy: Callable[[str], None],
    ) -> Iterator[None]:
        """Check for the length of the block, `pace` being asked each time; `on_unhealthy` gets the last failure, once.

        `check` takes its deadline in seconds and raises HealthError, as `Session.check` does.
        """
        watched = _Watched(check, pace, on_unhealthy)
        self._schedule(watched)
        try:
            yield
        finally:
            watched.is_watched = False

    async def run(self) -> None:
        """Tick for ever."""
        async with asyncio.TaskGroup() as checks:
            while True:
                await self._until_next()
                self._tick(checks)

    async def _until_next(self) -> None:
        """Sleep until the first tick is due; an earlier one that is added meanwhile counts."""
        loop = asyncio.get_running_loop()
        while True:
            self._earlier.clear()
            first = min(self._ticks, default=None)
            if first is not None and first <= loop.time():
                return
            try:
                async with asyncio.timeout_at(first):
                    await self._earlier.wait()
            except TimeoutError:
                return

    def _tick(self, checks: asyncio.TaskGroup) -> None:
        first = min(self._ticks, default=None)
        for watched in self._ticks.pop(first, []) if first is not None else []:
            if not watched.is_watched:
                continue
            if not watched.is_pending:
                watched.is_pending = True
                checks.create_task(watched.look(), name="health check")
            self._schedule(watched)

    def _schedule(self, watched: _Watched) -> None:
        """Put the next check into a tick with room, or make one."""
        period = watched.pace().period
        due = asyncio.get_running_loop().time() + period
        open_ticks = [
            at for at, group in self._ticks.items() if due - SLACK * period <= at <= due and len(group) < BATCH
        ]
        at = max(open_ticks, default=None)
        if at is None:
            at = self._free_time(due)
            self._ticks[at] = []
            self._earlier.set()
        self._ticks[at].append(watched)

    def _free_time(self, due: float) -> float:
        """`due`, or a little earlier than the full ticks around it."""
        near = [at for at in self._ticks if abs(at - due) < SPREAD]
        return min(near) - SPREAD if near else due
