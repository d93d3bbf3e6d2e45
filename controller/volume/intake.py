"""How a candidate's bytes become something to execute: read once, by one of two threads, and kept in the store.

Knows nothing of directories and settling, nor of names on the volume beyond the candidate's own. Two threads, for
hashing lets go of the interpreter, and more would compete with the plugins that are being started meanwhile.
"""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.core.model import Digest
from controller.errors import PluginmgrError
from controller.volume.entries import Candidate, Identity
from controller.volume.store import Store
from controller.volume.take import AbandonedError, Taken, take

if TYPE_CHECKING:
    from collections.abc import Mapping


class PostponedError(PluginmgrError):
    """The scan has read for long enough; this file is the next one's."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Bytes that can be executed."""

    digest: Digest
    executable: str


class Intake:
    """Without a store everything is executed where it lies."""

    def __init__(self, store: Store | None) -> None:
        """Take the digests over that the store knows from the run before."""
        self.store = store
        self.sources: Mapping[Identity, Digest] = store.sources if store else {}
        self.stop = threading.Event()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="volume-copy")
        self._running: dict[tuple[Identity, bool], Future[Taken]] = {}
        self._deadline = 0.0

    def close(self) -> None:
        """Give up what is being read; callable from any thread."""
        self.stop.set()
        self._threads.shutdown(wait=False)

    def begin_scan(self, budget: float) -> None:
        """Start a new round; in `budget` seconds from now the last file of it is begun."""
        self._running.clear()
        self._deadline = time.monotonic() + budget

    def recall(self, candidate: Candidate, *, in_place: bool) -> Accepted | None:
        """Return what needs no reading: a known file whose copy is intact."""
        digest = self.sources.get(candidate.identity)
        if digest is None:
            return None
        executable = self._kept(candidate, digest, in_place=in_place)
        return None if executable is None else Accepted(digest, executable)

    def begin(self, candidate: Candidate, *, in_place: bool) -> None:
        """Have the bytes read, in a thread; once for all names of one file."""
        key = (candidate.identity, in_place)
        if key not in self._running:
            self._running[key] = self._threads.submit(self._take, candidate, in_place=in_place)

    def digest(self, candidate: Candidate, *, in_place: bool) -> Digest:
        """Wait for the reading to end. Raises PostponedError, what `take` raises, and the store's CopyError."""
        return self._running[candidate.identity, in_place].result().digest

    def keep(self, candidate: Candidate, *, in_place: bool) -> Accepted:
        """Put the read bytes to where they are executed under the candidate's name. Raises CopyError."""
        taken = self._running[candidate.identity, in_place].result()
        executable = self._kept(candidate, taken.digest, in_place=in_place)
        if executable is None:
            assert self.store is not None  # noqa: S101 - for the type checker: without a store all is kept
            assert taken.copy is not None  # noqa: S101
            executable = self.store.adopt(taken.copy, taken.digest, candidate.name)
        return Accepted(taken.digest, executable)

    def end_scan(self) -> None:
        """Remove the copies that nobody kept."""
        for future in self._running.values():
            if self.store and future.exception() is None and (copy := future.result().copy):
                self.store.discard(copy)

    def _kept(self, candidate: Candidate, digest: Digest, *, in_place: bool) -> str | None:
        if in_place or not self.store:
            return candidate.path
        return self.store.executable(digest, candidate.name)

    def _take(self, candidate: Candidate, *, in_place: bool) -> Taken:
        if self.stop.is_set():
            raise AbandonedError("the controller is stopping")
        if time.monotonic() > self._deadline:
            raise PostponedError(candidate.path)
        copy = self.store.new_copy(candidate.identity[2]) if self.store and not in_place else None
        return take(candidate, copy, self.stop)
