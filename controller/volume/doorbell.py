"""Rings when something happens in the plugin directories; never says what: watchfiles cannot be trusted with that.

watchfiles ends at a name that is not UTF-8, drops events when the kernel's queue overflows, goes deaf in silence on a
directory that is made again, and names only `..data` in a ConfigMap's swap. So an event rings, no more; the watch is
built anew when a directory is another than before; and the rescan is what makes it safe.

`STEP` is how often watchfiles' thread looks at its queue; an event rings one to two steps late. Measured on 2 cores
(median and worst milliseconds from a rename to the ring; part of a core while idle): 5 ms: 8.8, 11.5, 1.1-1.4 %; 10 ms:
16.4, 21, 0.6-0.8 %; 20 ms: 30, 44, 0.48 %; 50 ms: 83, 102, 0.2 %. Of the 60 ms from a rename to Register, reading a
15 MB binary takes 17 already, which leaves no room for 20 ms; 5 ms would cost more than the whole process may use while
idle. Most of the cost is the wake-up itself: a thread that does nothing but sleep for 10 ms took 0.47 % there.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from watchfiles import Change, awatch
from watchfiles._rust_notify import WatchfilesRustInternalError  # where its documentation says to take it from

from controller.core.model import Problem
from controller.core.reasons import Reason
from controller.volume.entries import is_inside
from controller.volume.mounts import mount_of

STEP = 10  # milliseconds
DEBOUNCE = 50  # milliseconds for which a stream of events may go on before it rings all the same
PROOF = 1.0  # seconds after which a quiet watch shows that its thread is alive
RETRY = 10.0  # seconds until a watch that broke at once is tried again
REPLACED = 0.1  # seconds until one is tried again whose directory was gone; the look that is asked for aims it anew


@dataclass(frozen=True, slots=True)
class Target:
    """What to watch: directories with device and inode, and those whose file system raises no events."""

    watched: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    blind: tuple[str, ...] = ()


def survey(directories: Iterable[str], volume: str) -> Target:
    """Find what to watch now: each directory or its nearest existing parent, and where it may be replaced. Blocks."""
    watched: dict[str, tuple[int, int]] = {}
    blind: list[str] = []
    nearest = dict.fromkeys(_nearest(directory, volume) for directory in directories)
    for path in dict.fromkeys([*nearest, *(_parent(path, volume) for path in nearest), volume]):
        with suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                status, mount = os.fstat(fd), mount_of(fd)
            finally:
                os.close(fd)
            if mount is None or mount.has_events:
                watched[path] = (status.st_dev, status.st_ino)
            elif path in nearest:
                blind.append(f"{path} ({mount.fs_type})")
    return Target(watched, tuple(blind))


class Doorbell:
    """One watch over all targets, built anew as they change. Belongs to the loop; `ring` is called there."""

    def __init__(self, ring: Callable[[], None]) -> None:
        """Watch nothing until `aim` says what."""
        self._ring = ring
        self._target = Target()
        self._aimed = asyncio.Event()
        self._end = threading.Event()
        self._broken = ""
        self.alive_at: float | None = None  # monotonic: when the watch's thread last answered

    @property
    def problem(self) -> Problem | None:
        """Say why changes are found by polling alone; None while events work."""
        if self._target.blind:
            text = f"file events do not reach {', '.join(self._target.blind)}; changes are found by polling"
            return Problem(Reason.WATCH_POLLING, text)
        if self._broken:
            text = f"cannot watch for file events ({self._broken}); changes are found by polling"
            return Problem(Reason.WATCH_POLLING, text)
        return None

    def aim(self, target: Target) -> None:
        """Watch this from now on; nothing happens if that is what is watched already."""
        if target != self._target:
            self._target = target
            self._aim_anew()

    async def run(self) -> None:
        """Watch until cancelled. The watch's thread has ended when this returns."""
        while True:
            self._aimed.clear()
            self._end = threading.Event()
            pause = await self._watch(self._target.watched, self._end) if self._target.watched else None
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._aimed.wait()

    def _aim_anew(self) -> None:
        self._end.set()
        self._aimed.set()

    async def _watch(self, watched: Mapping[str, object], end: threading.Event) -> float | None:
        """Watch until the aim changes or the watch breaks. Returns the seconds until it is worth another try."""
        since = time.monotonic()
        # What changed before the watch stood is found by the look that this asks for, after the first step below.
        asyncio.get_running_loop().call_soon(self._ring)
        broken: BaseException | None = None
        try:
            await self._listen(watched, end)
        except* (OSError, WatchfilesRustInternalError) as group:
            broken = _first(group)
        if broken is None:
            return 0.0
        self._ring()
        if isinstance(broken, FileNotFoundError):
            return REPLACED
        is_useful = time.monotonic() - since > PROOF  # else it breaks again: no instances left, or a hostile file name
        self._broken = "" if is_useful else str(broken)
        return 0.0 if is_useful else RETRY

    async def _listen(self, watched: Mapping[str, object], end: threading.Event) -> None:
        changes_of_watch = awatch(
            *watched,
            watch_filter=None,
            debounce=DEBOUNCE,
            step=STEP,
            stop_event=end,
            rust_timeout=int(PROOF * 1000),
            yield_on_timeout=True,
            debug=False,
            force_polling=False,
            recursive=False,
            ignore_permission_denied=False,  # True would also hide that no inotify watch is left (watchfiles 1.3)
        )
        async for changes in changes_of_watch:
            self.alive_at = time.monotonic()
            self._broken = ""
            if changes:
                self._ring()
            if any(change is Change.deleted and path in watched for change, path in changes):
                self._aim_anew()  # the same name may be back already, with the same inode number


def _nearest(directory: str, volume: str) -> str:
    """Return the directory, or while it is missing its nearest parent, but none above the volume."""
    path, root = Path(directory), Path(volume)
    while root in path.parents and not path.is_dir():
        path = path.parent
    return str(path)


def _parent(path: str, volume: str) -> str:
    """Return the directory above, but none above the volume."""
    parent = Path(path).parent
    return str(parent) if is_inside(str(parent), volume) else path


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    """Return the first of what went wrong."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
