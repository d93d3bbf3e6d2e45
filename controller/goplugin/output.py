"""Bytes to lines: cut at a cap, counted against a rate, and read from a pipe for ever without starving the loop.

Knows pipes and bytes, not what a line means; that is `logs`.
"""

import asyncio
import os
from typing import Protocol

LINE_LIMIT = 64 * 1024

_READ = 64 * 1024  # of one pipe in one turn of the loop
_LAST_READS = 16  # of a pipe whose process has ended: a grandchild may still write into it
_REST = 0.005  # seconds that a flooding pipe waits, so that the writer is held and not the loop


class LineSplitter:
    """Chunks in, whole lines out. A line over the limit is cut, and its rest dropped up to the next line end."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        """Take the limit in bytes."""
        self._limit = limit
        self._partial = b""
        self._is_skipping = False

    @property
    def partial(self) -> bytes:
        """What came after the last line end."""
        return self._partial

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes, without their ends; a cut one comes as soon as it is too long."""
        head, *more = chunk.split(b"\n")
        if not self._is_skipping:
            head = self._partial + head
        if not more:
            return self._open(head)
        lines = [] if self._is_skipping else [self._cut(head)]
        self._is_skipping = False
        lines += [self._cut(line) for line in more[:-1]]
        return lines + self._open(more[-1])

    def flush(self) -> list[bytes]:
        """Return the line that the end of the stream completes, if there is one."""
        rest, self._partial = self._partial, b""
        return [rest] if rest else []

    def _open(self, head: bytes) -> list[bytes]:
        if self._is_skipping:
            return []
        if len(head) <= self._limit:
            self._partial = head
            return []
        self._partial, self._is_skipping = b"", True
        return [self._cut(head)]

    def _cut(self, line: bytes) -> bytes:
        return line if len(line) <= self._limit else line[: self._limit] + b" [line cut]"


class RateLimit:
    """A token bucket over lines: `rate` a second, two seconds' worth at once. 0: no limit."""

    def __init__(self, rate: int, now: float) -> None:
        """Take lines a second and the present time."""
        self._rate = rate
        self._tokens = 2.0 * rate
        self._at = now
        self.dropped = 0

    def grant(self, lines: int, now: float) -> int:
        """Return how many of `lines` may pass; the others count as dropped."""
        if not self._rate:
            return lines
        self._tokens = min(2.0 * self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        passed = min(lines, int(self._tokens))
        self._tokens -= passed
        self.dropped += lines - passed
        return passed

    def take_dropped(self) -> int:
        """Return how many were dropped since the last time this was asked."""
        dropped, self.dropped = self.dropped, 0
        return dropped


class Consumer(Protocol):
    """Who reads what a process prints on one stream."""

    def feed(self, chunk: bytes) -> bool:
        """Take a chunk; tell whether it comes faster than it may."""

    def end(self) -> None:
        """Take that nothing more will come."""


class PipeReader:
    """Owns the read end of a pipe, and hands on what comes out of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, consumer: Consumer) -> None:
        """Take over the descriptor, which must not block."""
        self._loop = loop
        self._fd = fd
        self._consumer = consumer
        self._resting: asyncio.TimerHandle | None = None
        loop.add_reader(fd, self._read)

    def drain(self) -> None:
        """Read what is there and close: nothing that still holds the other end is waited for."""
        try:
            for _ in range(_LAST_READS):
                chunk = self._take() if self._fd >= 0 else None
                if not chunk:
                    break
                self._consumer.feed(chunk)
        finally:
            self.close()

    def close(self) -> None:
        """Give the descriptor back; idempotent."""
        if self._resting is not None:
            self._resting.cancel()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
            self._consumer.end()

    def _read(self) -> None:
        chunk = self._take()
        if chunk == b"":
            self.close()
        elif chunk and self._consumer.feed(chunk):
            self._rest()

    def _take(self) -> bytes | None:
        try:
            return os.read(self._fd, _READ)
        except BlockingIOError:
            return None

    def _rest(self) -> None:
        self._loop.remove_reader(self._fd)
        self._resting = self._loop.call_later(_REST, self._resume)

    def _resume(self) -> None:
        self._resting = None
        self._loop.add_reader(self._fd, self._read)
