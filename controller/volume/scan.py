"""Turns the plugin volume into facts: which settled, hashed binaries, and documents, lie in which kind's directory.

Decides nothing about plugins. One scan at a time, in a thread: it blocks on the disk.
"""

import errno
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from controller.core.model import Binary, Digest, Directory, Problem
from controller.core.reasons import Reason
from controller.volume.intake import Accepted, Intake, PostponedError
from controller.volume.listing import list_directory
from controller.volume.memory import Job, Memory
from controller.volume.settling import Moment
from controller.volume.store import Store
from controller.volume.take import ChangedError, CopyError, read_text

if TYPE_CHECKING:
    from controller.volume.entries import Identity

AUDIT = 50  # copies that each scan checks: 200 plugins are through in 40 seconds, 10,000 cost a scan no more
BUDGET = 0.25  # seconds of reading, after which a scan hands on what it has and leaves the rest to the next


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scan saw. `settle_in`: seconds until a file is due that was not taken yet, None if none waits."""

    directories: Mapping[str, Directory]
    problems: tuple[Problem, ...] = ()
    settle_in: float | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """One directory's part of a scan."""

    memory: Memory
    jobs: Sequence[Job] = ()
    missing: Problem | None = None
    is_news: bool = True

    def result(self) -> Directory:
        last = self.memory.last
        return self.memory.conclude(self.missing) if self.is_news or last is None else last


class Scanner:
    """Remembers what it saw, so that only what changed is read. Without a store everything is executed in place."""

    def __init__(self, volume: Path, store: Store | None, *, budget: float = BUDGET) -> None:
        """`volume` is the root that no link may lead out of; `budget` in seconds, see BUDGET."""
        self.volume = volume.absolute()
        self._intake = Intake(store)
        self._budget = budget
        self._memories: dict[str, Memory] = {}
        self._to_audit: list[tuple[Memory, Binary]] = []

    def close(self) -> None:
        """Let a scan under way end soon, by AbandonedError, and be the last. Callable from any thread."""
        self._intake.close()

    def prepare(self) -> None:
        """Check the store's copies; once, before the first scan."""
        if store := self._intake.store:
            store.verify(self._intake.stop)

    def collect(self, keep: Collection[Digest]) -> None:
        """Remove from the store what neither the volume nor `keep` names."""
        if (store := self._intake.store) and store.collect(keep):
            self._save()

    def scan(self, directories: Sequence[str], pins: frozenset[Digest], now: Moment) -> Scan:
        """Look at all directories. A directory that is as it was gives the very object of the scan before."""
        volume = os.path.realpath(self.volume)
        self._memories = {path: self._memories.get(path) or Memory(path) for path in directories}
        self._intake.begin_scan(self._budget)
        looks = [_look(memory, volume, now, is_trying=bool(pins)) for memory in self._memories.values()]
        for look in looks:
            _read(look.memory, now)
        self._take(looks, pins, now)
        results = {look.memory.path: look.result() for look in looks}
        if any(look.is_news for look in looks):
            self._remember()
        self._audit()
        waits = [wait for look in looks for wait in look.memory.waits]
        problem = self._intake.store.problem() if self._intake.store else None
        return Scan(MappingProxyType(results), (problem,) if problem else (), min(waits, default=None))

    def _take(self, looks: Sequence[_Look], pins: frozenset[Digest], now: Moment) -> None:
        unknown = [(look.memory, job) for look in looks for job in look.jobs if not self._recall(look.memory, job)]
        for memory, job in unknown:
            self._intake.begin(job.candidate, in_place=memory.in_place)
        try:
            for memory, job in unknown:
                self._finish(memory, job, pins, now)
        finally:
            self._intake.end_scan()

    def _recall(self, memory: Memory, job: Job) -> bool:
        accepted = self._intake.recall(job.candidate, in_place=memory.in_place)
        if accepted is not None:
            _accept(memory, job, accepted)
        return accepted is not None

    def _finish(self, memory: Memory, job: Job, pins: frozenset[Digest], now: Moment) -> None:
        candidate = job.candidate
        try:
            digest = self._intake.digest(candidate, in_place=memory.in_place)
            if not job.on_trial or digest in pins:
                _accept(memory, job, self._intake.keep(candidate, in_place=memory.in_place))
        except PostponedError:
            memory.wait(0.0)
        except (ChangedError, FileNotFoundError):
            memory.restart_quiet(candidate)
        except CopyError as error:
            memory.fail(candidate, Problem(Reason.STORE_FAILED, f"cannot store {candidate.path}: {error}"), now)
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link has taken the file's place
                memory.restart_quiet(candidate)
                return
            text = f"cannot read {candidate.path}: {error.strerror}"
            memory.fail(candidate, Problem(Reason.FILE_UNREADABLE, text), now)

    def _audit(self) -> None:
        """Check some of the copies in turn, so that one that was deleted or damaged is made again in time."""
        store = self._intake.store
        if store is None:
            return
        if not self._to_audit:
            self._to_audit = [(memory, binary) for memory in self._memories.values() for binary in memory.stored()]
        some = self._to_audit[-AUDIT:]
        del self._to_audit[-AUDIT:]
        for memory, binary in some:
            if memory.binaries.get(binary.name) == binary and not store.is_intact(binary.digest, binary.name):
                memory.look_again(binary.name)

    def _remember(self) -> None:
        """Tell the store what is in use, and write down which files need no reading after a restart."""
        if store := self._intake.store:
            store.use({binary.digest for memory in self._memories.values() for binary in memory.binaries.values()})
        sources: dict[Identity, Digest] = {}
        for memory in self._memories.values():
            sources.update(memory.sources())
        if sources != self._intake.sources:
            self._intake.sources = sources
            self._save()

    def _save(self) -> None:
        if store := self._intake.store:
            with suppress(OSError):  # costs the next start some reading; a full disk is reported by the next copy
                store.save(self._intake.sources)


def _look(memory: Memory, volume: str, now: Moment, *, is_trying: bool) -> _Look:
    memory.begin()
    listing = list_directory(memory.path, volume, memory.done)
    if isinstance(listing, Problem):
        return _Look(memory, missing=listing)
    if memory.is_unchanged(listing):
        return _Look(memory, is_news=False)
    jobs = memory.take_in(listing, volume, now, is_trying=is_trying)
    return _Look(memory, missing=jobs) if isinstance(jobs, Problem) else _Look(memory, jobs)


def _read(memory: Memory, now: Moment) -> None:
    for document in memory.reads:
        try:
            memory.take_text(document, read_text(document))
        except (ChangedError, FileNotFoundError):
            memory.restart_quiet(document)
        except OSError as error:
            text = f"cannot read {document.path}: {error.strerror}"
            memory.fail(document, Problem(Reason.FILE_UNREADABLE, text), now)


def _accept(memory: Memory, job: Job, accepted: Accepted) -> None:
    candidate = job.candidate
    binary = Binary(candidate.name, accepted.digest, candidate.path, accepted.executable)
    memory.accept(candidate, binary, on_trial=job.on_trial)
