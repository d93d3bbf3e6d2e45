"""What a plugin prints while it serves: it goes to the host's stdio stream, no longer to the pipes.

Nothing here ever waits: while nobody reads, the first 64 KiB are kept, and what is beyond goes to the pipe that it
would have gone to anyway; in the end the rest does.
"""

import asyncio
import io
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

CHUNK = 1024  # as go-plugin
ROOM = 64 * 1024  # as the pipe that a Go plugin prints into

STDOUT = 1
STDERR = 2


class Printed:
    """Chunks by descriptor, from any thread to one reader on the loop. `end` lets the reader finish."""

    def __init__(self) -> None:
        """Begin, in the loop's thread."""
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._chunks: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._is_silent = True
        self._is_ended = False
        self._news = asyncio.Event()

    def put(self, descriptor: int, data: bytes) -> None:
        """Take what was printed; any thread may."""
        with self._lock:
            has_room = not self._is_ended and (self._is_silent or self._size + len(data) <= ROOM)
            if has_room:
                self._chunks.append((descriptor, data))
                self._size += len(data)
        if has_room:
            self._loop.call_soon_threadsafe(self._news.set)
        else:
            _write_all(descriptor, data)

    def announce(self, line: str) -> None:
        """Write the handshake line, before which nothing may come out of the pipe."""
        _write_all(STDOUT, line.encode())
        self._is_silent = False
        if sys.__stdout__:
            sys.__stdout__.flush()  # what was printed before all this

    def end(self) -> None:
        """Keep nothing more: what is printed from now on goes to the pipes."""
        with self._lock:
            self._is_ended = True
        self._news.set()

    async def read(self) -> AsyncIterator[tuple[int, bytes]]:
        """Give chunks of at most 1 KiB until the end."""
        while True:
            self._news.clear()
            with self._lock:
                chunks, self._chunks, self._size = self._chunks, deque(), 0
                is_ended = self._is_ended
            for descriptor, data in chunks:
                for begin in range(0, len(data), CHUNK):
                    yield descriptor, data[begin : begin + CHUNK]
            if is_ended:
                return
            await self._news.wait()

    @contextmanager
    def captured(self) -> Iterator[None]:
        """Put in the place of sys.stdout and sys.stderr what writes here; sys.__stderr__ stays the pipe."""
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _text(self, STDOUT), _text(self, STDERR)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdout, sys.stderr = before
            self.end()
            for descriptor, data in self._chunks:
                _write_all(descriptor, data)


class _Raw(io.RawIOBase):
    def __init__(self, printed: Printed, descriptor: int) -> None:
        self._printed = printed
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor  # for children, who print to the pipe

    def write(self, data: Any) -> int:
        self._printed.put(self._descriptor, bytes(data))
        return len(data)


def _text(printed: Printed, descriptor: int) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_Raw(printed, descriptor))
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
