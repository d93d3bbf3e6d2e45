"""When a file counts as completely written, and when as gone. Pure: stat numbers and times in, seconds to wait out.

Both need `SETTLE` seconds of quiet: a copy in place writes for a while, and tools that replace a file by unlinking it
first leave no file for a moment. A file renamed into place is as old as its last write, so it need not wait.
"""

from dataclasses import dataclass

from controller.volume.entries import Candidate

SETTLE = 0.1


@dataclass(frozen=True, slots=True)
class Moment:
    """When a scan began: wall time to compare with file times, monotonic time to measure quiet with."""

    wall: float
    monotonic: float


@dataclass(frozen=True, slots=True)
class Quiet:
    """A file that is waited for: its size and mtime as they were `since` then (monotonic)."""

    size: int
    mtime_ns: int
    since: float


def watch_candidate(candidate: Candidate, former: Quiet | None, now: Moment) -> Quiet:
    """Return what is known of the file's quiet, going on from `former` if nothing was written since."""
    _, _, size, mtime_ns, _ = candidate.identity
    if former is not None and (former.size, former.mtime_ns) == (size, mtime_ns):
        return former
    return Quiet(size, mtime_ns, now.monotonic)


def seconds_to_settle(candidate: Candidate, quiet: Quiet, now: Moment) -> float:
    """Return how long the file must stay as it is before it is taken; 0 for a settled one.

    An mtime from the future (another machine's clock) proves nothing; then only the quiet seen here counts.
    """
    if now.wall - candidate.mtime > SETTLE:
        return 0.0
    return seconds_to_go(quiet.since, now)


def seconds_to_go(since: float, now: Moment, quiet: float = SETTLE) -> float:
    """Return how much of the quiet is left that began `since` then."""
    return max(0.0, since + quiet - now.monotonic)
