"""Decides when the volume is looked at, and hands on what changed. Whatever is seen there is the scanner's business.

A look is taken at the start, when the doorbell rings, when the config wants other directories or pins, when a file will
have settled, and every ten seconds in any case. All disk work is done in threads.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from controller.core.events import VolumeScanned
from controller.core.model import Digest
from controller.volume.doorbell import Doorbell, Target, survey
from controller.volume.scan import Scan, Scanner
from controller.volume.settling import Moment
from controller.volume.take import AbandonedError

T = TypeVar("T")

STOP = 1.0  # seconds that a cancelled watch waits for its thread, which may hang in the kernel (a dead NFS server)
REST = 0.25  # seconds at most between two looks that events ask for, see `_rest`


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between looks: `rescan` with up to `jitter` of itself less, and `poll` where events do not work."""

    rescan: float = 10.0
    jitter: float = 0.2
    poll: float = 1.0


@dataclass(frozen=True, slots=True)
class _Wanted:
    directories: tuple[str, ...]
    pins: frozenset[Digest]


class VolumeWatch:
    """Hands every changed result to `submit`. All methods are for the loop's thread and return at once, but `run`."""

    def __init__(
        self,
        scanner: Scanner,
        submit: Callable[[VolumeScanned], None],
        *,
        on_rescan: Callable[[], None] = lambda: None,
        pace: Pace = Pace(),
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Own the scanner. `on_rescan` is called at each periodic look: what else should be read again now and then."""
        self._scanner = scanner
        self._submit = submit
        self._on_rescan = on_rescan
        self._pace = pace
        self._chance = chance
        self._rung = asyncio.Event()
        self._doorbell = Doorbell(self.poke)
        self._wanted: _Wanted | None = None
        self._keep: Collection[Digest] | None = None
        self._submitted: VolumeScanned | None = None
        self._rescan_at = 0.0
        self.scanned_at: float | None = None  # monotonic: when the last scan ended
        self.scan_seconds = 0.0  # how long it took

    @property
    def alive_at(self) -> float | None:
        """Return when the watch for file events last proved to be alive (monotonic)."""
        return self._doorbell.alive_at

    def set_directories(self, directories: Sequence[str], pins: frozenset[Digest]) -> None:
        """Look at these directories from now on. Nothing is scanned before the first call."""
        wanted = _Wanted(tuple(directories), pins)
        if wanted != self._wanted:
            self._wanted = wanted
            self.poke()

    def collect(self, keep: Collection[Digest]) -> None:
        """Have the store cleared of what is neither kept nor on the volume, before the next scan."""
        self._keep = frozenset(keep)
        self.poke()

    def poke(self) -> None:
        """Look at the volume soon."""
        self._rung.set()

    async def run(self) -> None:
        """Watch until cancelled; its threads have ended then, unless the disk holds one for longer than a second."""
        threads = ThreadPoolExecutor(1, thread_name_prefix="volume-scan")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._doorbell.run(), name="volume doorbell")
                await self._in_thread(threads, self._scanner.prepare)
                self._rescan_at = time.monotonic() + self._period()
                while True:
                    await self._turn(threads)
        finally:
            self._scanner.close()
            threads.shutdown(wait=False)

    async def _turn(self, threads: ThreadPoolExecutor) -> None:
        """Look once, if there is anything to look at, and wait for the next reason to look."""
        self._rung.clear()
        settle_in = await self._look(threads, self._wanted) if self._wanted is not None else None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds_to_next(settle_in)):
                await self._rung.wait()
                await asyncio.sleep(self._rest())
        if time.monotonic() >= self._rescan_at:
            self._rescan_at = time.monotonic() + self._period()
            self._on_rescan()

    async def _look(self, threads: ThreadPoolExecutor, wanted: _Wanted) -> float | None:
        began = time.monotonic()
        keep, self._keep = self._keep, None
        scan, target = await self._in_thread(threads, self._scan, wanted, keep)
        self.scanned_at = time.monotonic()
        self.scan_seconds = self.scanned_at - began
        self._doorbell.aim(target)
        problem = self._doorbell.problem
        seen = VolumeScanned(scan.directories, scan.problems if problem is None else (*scan.problems, problem))
        if seen != self._submitted:
            self._submitted = seen
            self._submit(seen)
        return scan.settle_in

    def _scan(self, wanted: _Wanted, keep: Collection[Digest] | None) -> tuple[Scan, Target]:
        """Do the disk work of one look, in the thread."""
        if keep is not None:
            self._scanner.collect(keep)
        scan = self._scanner.scan(wanted.directories, wanted.pins, Moment(time.time(), time.monotonic()))
        return scan, survey(wanted.directories, str(self._scanner.volume))

    def _seconds_to_next(self, settle_in: float | None) -> float:
        waits = [self._rescan_at - time.monotonic()]
        if settle_in is not None:
            waits.append(settle_in)
        if self._doorbell.problem is not None:
            waits.append(self._pace.poll)
        return max(0.0, min(waits))

    def _rest(self) -> float:
        """Return the pause that keeps a storm of events from costing more than half of a core."""
        since = time.monotonic() - (self.scanned_at or 0.0)
        return max(0.0, min(self.scan_seconds, REST) - since)

    def _period(self) -> float:
        return self._pace.rescan * (1 - self._pace.jitter * self._chance())

    async def _in_thread(self, threads: ThreadPoolExecutor, work: Callable[..., T], *args: object) -> T:
        future = asyncio.get_running_loop().run_in_executor(threads, lambda: work(*args))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._scanner.close()
            with suppress(AbandonedError, TimeoutError):
                async with asyncio.timeout(STOP):
                    await asyncio.shield(future)
            raise
