"""What the scanner remembers of one kind's directory from scan to scan, and the Directory that it makes of it.

No I/O: listings and results come in as values. One instance belongs to one scanner and its thread.
"""

from dataclasses import dataclass, field
from types import MappingProxyType

from controller.core.model import Binary, Digest, Directory, Problem
from controller.core.reasons import Reason
from controller.volume.entries import (
    Candidate,
    Document,
    Found,
    Identity,
    Ignored,
    identity_of,
    is_document,
    is_hidden,
    judge,
    printable,
)
from controller.volume.listing import Listing
from controller.volume.settling import SETTLE, Moment, Quiet, seconds_to_go, seconds_to_settle, watch_candidate

RETRY = 5.0  # seconds before a file that could not be taken is tried again
LARGEST = 256 * 1024  # bytes of a document
ABSENCE = 0.5  # seconds until a document counts as gone: after its binary, where somebody deletes both


@dataclass(frozen=True, slots=True)
class Job:
    """A candidate whose bytes are to be taken now. `on_trial`: not settled; taken only if the bytes are pinned."""

    candidate: Candidate
    on_trial: bool


@dataclass(slots=True)
class Memory:
    """`done` are entries that need no second look while their identity stays; `waits` are seconds until a next look.

    `reads` are documents whose text is to be read now.
    """

    path: str
    device: int | None = None
    in_place: bool = False
    done: dict[str, Identity] = field(default_factory=dict)
    binaries: dict[str, Binary] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    documents: dict[str, str | Problem | None] = field(default_factory=dict)
    reads: list[Candidate] = field(default_factory=list)
    quiet: dict[str, Quiet] = field(default_factory=dict)
    gone_since: dict[str, float] = field(default_factory=dict)
    retry_at: dict[str, tuple[Identity, float]] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    last: Directory | None = None
    is_calm: bool = False  # all that is known are entries that need no second look

    def begin(self) -> None:
        """Start a scan."""
        self.waits.clear()
        self.reads.clear()

    def wait(self, seconds: float) -> None:
        """Have the directory looked at again, this soon."""
        self.waits.append(seconds)

    def sources(self) -> dict[Identity, Digest]:
        """Return the digests of the files that need not be read while they stay as they are."""
        return {self.done[name]: binary.digest for name, binary in self.binaries.items() if name in self.done}

    def stored(self) -> list[Binary]:
        """Return the binaries whose file is as it was taken, and that run from the store."""
        return [] if self.in_place else [self.binaries[name] for name in self.binaries.keys() & self.done.keys()]

    def look_again(self, name: str) -> None:
        """Take the file anew though it is as it was."""
        self.done.pop(name, None)
        self.wait(0.0)

    def is_unchanged(self, listing: Listing) -> bool:
        """Say whether the last Directory still tells everything."""
        return (
            self.is_calm
            and not listing.fresh
            and not listing.failed
            and len(listing.present) == len(self.done)
            and listing.in_place == self.in_place
        )

    def take_in(self, listing: Listing, volume: str, now: Moment, *, is_trying: bool) -> list[Job] | Problem:
        """Take a listing in. Returns the files to be taken, or the Problem that lets nothing be concluded from it.

        `is_trying`: pins exist, so that unsettled bytes are worth a look.
        """
        judged = [(found, judge(found, self.path, volume)) for found in listing.fresh]
        if listing.device != self.device:
            is_empty = not any(isinstance(verdict, Candidate) for _, verdict in judged)
            if self.binaries and is_empty:
                text = f"{self.path} lies on another device than before and is empty: is the volume mounted?"
                return Problem(Reason.VOLUME_MISSING, text)
        if listing.in_place != self.in_place:  # every executable lies elsewhere from now on
            self.done.clear()
            self.wait(0.0)
        self.device, self.in_place = listing.device, listing.in_place
        self._note_failures(listing)
        self._note_absences(listing, now)
        jobs = [self._note(found, verdict, now, is_trying=is_trying) for found, verdict in judged]
        return [job for job in jobs if job is not None]

    def accept(self, candidate: Candidate, binary: Binary, *, on_trial: bool) -> None:
        """The candidate's bytes are taken; those on trial once more later, for they may change unseen in this tick."""
        name = candidate.name
        self.binaries[name] = binary
        self.problems.pop(name, None)
        self.retry_at.pop(name, None)
        if not on_trial:
            self.quiet.pop(name, None)
            self.done[name] = candidate.identity

    def take_text(self, document: Candidate, text: str | Problem) -> None:
        """The document was read, for better or worse."""
        self._learn(document.name, text)
        self.done[document.name] = document.identity

    def fail(self, candidate: Candidate, problem: Problem, now: Moment) -> None:
        """The candidate could not be taken; what was there before stays, and it is tried again later."""
        (self.documents if is_document(candidate.name) else self.problems)[candidate.name] = problem
        self.retry_at[candidate.name] = (candidate.identity, now.monotonic + RETRY)

    def restart_quiet(self, candidate: Candidate) -> None:
        """The candidate changed while it was taken."""
        self.quiet.pop(candidate.name, None)
        self.wait(SETTLE)

    def conclude(self, missing: Problem | None) -> Directory:
        """Return what is known now: the last Directory itself when nothing is different."""
        if missing:
            self.gone_since.clear()
        problems = {} if missing else {printable(name): problem for name, problem in self.problems.items()}
        unsettled = self.quiet.keys() - self.binaries.keys() - self.problems.keys() - self.documents.keys()
        made = Directory(
            self.path,
            MappingProxyType(dict(self.binaries)),
            MappingProxyType(problems),
            missing,
            frozenset(unsettled),
            MappingProxyType(dict(self.documents)),
        )
        if made != self.last:
            self.last = made
        self.is_calm = missing is None and not self._known() - self.done.keys()
        assert self.last is not None  # noqa: S101 - for the type checker: it was just set
        return self.last

    def _note(
        self, found: Found, verdict: Candidate | Document | Problem | Ignored, now: Moment, *, is_trying: bool
    ) -> Job | None:
        match verdict:
            case Candidate():
                return self._note_candidate(verdict, now, is_trying=is_trying)
            case Document(Candidate() as file):
                self._note_document(file, now)
                return None
            case Document(Problem() as problem):
                self._learn(found.name, problem)
            case Problem():
                self._forget(found.name)
                self.problems[found.name] = verdict
            case Ignored():
                self._forget(found.name)
        self.done[found.name] = identity_of(found.status)
        return None

    def _note_document(self, file: Candidate, now: Moment) -> None:
        self.done.pop(file.name, None)
        if file.identity[2] > LARGEST:
            text = f"{file.path} is larger than {LARGEST >> 10} KiB"
            self.take_text(file, Problem(Reason.YAML_REJECTED, text))
            return
        wait = self._seconds_to_go(file, now)
        if wait == 0:
            self.reads.append(file)
        else:
            self.documents.setdefault(file.name, None)
            self.wait(wait)

    def _seconds_to_go(self, file: Candidate, now: Moment) -> float:
        """Return how long a file must be waited for, because it is not settled or because it failed just now."""
        identity, retry_at = self.retry_at.get(file.name, (None, 0.0))
        if identity == file.identity and now.monotonic < retry_at:
            return retry_at - now.monotonic
        quiet = self.quiet[file.name] = watch_candidate(file, self.quiet.get(file.name), now)
        return seconds_to_settle(file, quiet, now)

    def _learn(self, name: str, text: str | Problem) -> None:
        self._forget(name)
        self.documents[name] = text

    def _note_candidate(self, candidate: Candidate, now: Moment, *, is_trying: bool) -> Job | None:
        name = candidate.name
        self.done.pop(name, None)
        if candidate.identity[2] == 0:  # the first moment of a copy in place, or a mistake; never a plugin
            self.problems[name] = Problem(Reason.NOT_A_PLUGIN_FILE, f"{candidate.path} is empty")
            return None
        identity, retry_at = self.retry_at.get(name, (None, 0.0))
        if identity == candidate.identity and now.monotonic < retry_at:
            return None
        former = self.quiet.get(name)
        quiet = self.quiet[name] = watch_candidate(candidate, former, now)
        wait = seconds_to_settle(candidate, quiet, now)
        if wait > 0:
            self.wait(wait)
            return Job(candidate, on_trial=True) if is_trying and former is None else None
        return Job(candidate, on_trial=False)

    def _note_failures(self, listing: Listing) -> None:
        for name, error in listing.failed.items():
            self.done.pop(name, None)
            if not is_hidden(name):
                text = f"cannot look at {self.path}/{printable(name)}: {error.strerror}"
                (self.documents if is_document(name) else self.problems)[name] = Problem(Reason.FILE_UNREADABLE, text)

    def _note_absences(self, listing: Listing, now: Moment) -> None:
        there = listing.present | listing.failed.keys()
        for name in self.gone_since.keys() & there:
            del self.gone_since[name]
        for name in (self._known() | self.done.keys()) - there:
            wait = self._absence_to_go(name, now)
            if wait > 0:
                self.wait(wait)
                self.done.pop(name, None)
            else:
                self._forget(name)

    def _absence_to_go(self, name: str, now: Moment) -> float:
        if name not in self.binaries and name not in self.documents:
            return 0.0
        since = self.gone_since.setdefault(name, now.monotonic)
        return seconds_to_go(since, now, ABSENCE if name in self.documents else SETTLE)

    def _known(self) -> set[str]:
        return self.binaries.keys() | self.problems.keys() | self.documents.keys() | self.quiet.keys()

    def _forget(self, name: str) -> None:
        tables = (self.done, self.binaries, self.problems, self.documents, self.quiet, self.gone_since, self.retry_at)
        for table in tables:
            table.pop(name, None)
