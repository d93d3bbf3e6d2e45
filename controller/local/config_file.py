"""The config file: watched, read when it has settled, and handed on as a document, a rejection or a loss.

An event only means "look again", so editors that write in place, editors that rename, and a ConfigMap's swapped
`..data` link are all the same. Everything that may wait for a disk happens in a thread.
"""

import asyncio
import logging
import os
import time
from contextlib import closing, suppress
from pathlib import Path

from controller.config import CurrentConfig, Document, DocumentError, Finding, parse
from controller.local.inotify import DirectoryWatch

_logger = logging.getLogger(__name__)

RESCAN = 10.0  # seconds; a lost event costs no more
POLL = 1.0  # where the kernel has no inotify instance left
REST = 0.01  # between two looks, so that a busy directory costs little
SETTLED = 0.01  # a file is read when it was not written for so long
DOUBTFUL = 0.1  # and declared bad or gone when it stays so for so long: its writer may be at work
_MAX_BYTES = 16 * 1024 * 1024
_ATTEMPTS = 20  # to find a file at rest

Outcome = Document | DocumentError | FileNotFoundError
_Signature = tuple[int, int, int, int, int]


class ConfigFile:
    """One file as the source of a CurrentConfig."""

    def __init__(self, path: Path, current: CurrentConfig) -> None:
        """Nothing is read before `start` or `run`."""
        self._path = path
        self._current = current
        self._seen: _Signature | None = None
        self.looked_at = time.monotonic()

    def start(self) -> None:
        """The first look; raises DocumentError if the file is unfit and there is no last good config to go on with."""
        outcome = self._read(patience=0.0)
        if self._current.last_good() is None:
            if isinstance(outcome, DocumentError):
                raise outcome
            if isinstance(outcome, Document):
                self._current.check(outcome)
        self._hand_on(outcome)
        self._current.save()

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            watch = DirectoryWatch()
        except OSError as error:
            _logger.warning("config file is polled", extra={"problem": str(error), "seconds": POLL})
            await self._poll()
            return
        with closing(watch), suppress(OSError):  # no watch left, of those that a user has on this node
            await self._follow(watch)
        _logger.warning("config file is polled", extra={"problem": "no inotify watch left", "seconds": POLL})
        await self._poll()

    async def _poll(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(POLL)

    async def _follow(self, watch: DirectoryWatch) -> None:
        while True:
            watch.changed.clear()
            directories = await asyncio.to_thread(self._directories)
            watch.watch(directories)  # first, so that nothing falls between the look and the watch
            await self._look()
            if await asyncio.to_thread(self._directories) != directories:
                continue
            await asyncio.sleep(REST)
            with suppress(TimeoutError):
                async with asyncio.timeout(RESCAN):
                    await watch.changed.wait()

    async def _look(self) -> None:
        outcome = await asyncio.to_thread(self._read, patience=DOUBTFUL)
        self.looked_at = time.monotonic()
        if outcome is not None:
            self._hand_on(outcome)
            await asyncio.to_thread(self._current.save)

    def _directories(self) -> set[str]:
        """Where the path's last name stands, and where the file does that it leads to."""
        return {str(self._path.absolute().parent), str(Path(os.path.realpath(self._path)).parent)}

    def _hand_on(self, outcome: Outcome | None) -> None:
        match outcome:
            case Document():
                self._current.offer(outcome)
            case DocumentError():
                self._current.reject(outcome.summary())
            case FileNotFoundError():
                self._current.missing(f"{self._path} is not there")
            case None:
                pass

    def _read(self, patience: float) -> Outcome | None:
        """What the file says, None if that is known already. `patience`: how long a bad state may be in passing."""
        outcome = self._judge()
        deadline = time.monotonic() + patience
        while isinstance(outcome, DocumentError | FileNotFoundError) and time.monotonic() < deadline:
            time.sleep(SETTLED)
            self._seen = None
            outcome = self._judge()
        return outcome

    def _judge(self) -> Outcome | None:
        try:
            signature, raw = self._take()
        except FileNotFoundError as error:
            self._seen = None
            return error
        except OSError as error:
            self._seen = None
            return DocumentError([Finding(str(self._path), f"cannot be read: {error.strerror}")])
        if signature == self._seen:
            return None
        self._seen = signature
        try:
            return parse(raw, source=str(self._path))
        except DocumentError as error:
            return error

    def _take(self) -> tuple[_Signature, bytes]:
        """The content, and what it was read of: the same before and after, unless its writer never rests."""
        for _ in range(_ATTEMPTS):
            signature = self._settled()
            if signature == self._seen:
                return signature, b""
            with self._path.open("rb") as file:
                raw = file.read(_MAX_BYTES)
            if self._signature() == signature:
                break
        return signature, raw

    def _settled(self) -> _Signature:
        """Wait out a writer in place. A file that was renamed or linked after its last write is whole."""
        for _ in range(_ATTEMPTS):
            signature = self._signature()
            *_, written, changed = signature
            age = time.time() - written / 1e9
            if written != changed or not 0 <= age < SETTLED or signature == self._seen:
                break
            time.sleep(SETTLED - age)
        return signature

    def _signature(self) -> _Signature:
        status = self._path.stat()
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
