"""One process: spawned as the leader of a session, its end known from a pidfd, its pipes read for ever.

Owns every descriptor it opens and the pid until it is reaped. Knows nothing of the protocol spoken over the pipes.
"""

import asyncio
import fcntl
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Self

from controller.goplugin.failures import ProcessExit
from controller.goplugin.output import Consumer, PipeReader

_FIRST_FREE = 3

# The one state of this module, since a process has one set of children: the pids of all that run. Whoever looks among
# the children of this process for what plugins left behind must not touch these.
_leaders: set[int] = set()

Start = Callable[[int, int], int]


class Process:
    """A running child. `exit` is set straight from the callback of its pidfd, all it printed being handed out."""

    def __init__(self, start: Start, for_stdout: Consumer, for_stderr: Consumer) -> None:
        """Spawn; on the main thread only, since a death signal follows the thread. Raises OSError.

        `start` gets the write ends for stdout and stderr and returns the pid of a session's leader.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                "plugins are started on the main thread only: they die with the thread that started them"
            )
        self._loop = asyncio.get_running_loop()
        self.exit: asyncio.Future[ProcessExit] = self._loop.create_future()
        with _Pipes() as pipes:
            self.pid = start(*pipes.writable)
            self._pidfd = _open_pidfd(self.pid)
            _leaders.add(self.pid)
            stdout, stderr = pipes.release()
        self._readers = (PipeReader(self._loop, stdout, for_stdout), PipeReader(self._loop, stderr, for_stderr))
        self._loop.add_reader(self._pidfd, self._on_exit)

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and all that stayed in its group; nothing once it is reaped."""
        if self._pidfd < 0:
            return  # the number may be somebody else's by now
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def abandon(self) -> None:
        """Let go of a process that SIGKILL did not end (stuck in the kernel): its descriptors must not stay."""
        if self._pidfd >= 0:
            self._release()
            _leaders.discard(self.pid)  # whoever reaps orphans may reap it, should it ever end
        if not self.exit.done():
            self.exit.set_result(ProcessExit())

    def _on_exit(self) -> None:
        # Before it is reaped nobody else can have its number: the last moment to kill what is left of the group.
        self.signal_group(signal.SIGKILL)
        status = _reap(self._pidfd)
        _leaders.discard(self.pid)
        if not self.exit.done():
            self.exit.set_result(status)
        self._release()

    def _release(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        with ExitStack() as stack:  # each of them, whatever a consumer raises
            for reader in reversed(self._readers):
                stack.callback(reader.drain)


def running() -> frozenset[int]:
    """Return the pids of all plugins of this process that are not reaped."""
    return frozenset(_leaders)


class _Pipes:
    """The four ends of stdout and stderr until each has its owner."""

    def __init__(self) -> None:
        self.readable: list[int] = []
        self.writable: list[int] = []

    def __enter__(self) -> Self:
        try:
            for _ in range(2):
                self._open()
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self.readable + self.writable:
            os.close(fd)

    def release(self) -> tuple[int, int]:
        """Give the read ends away."""
        first, second = self.readable
        self.readable = []
        return first, second

    def _open(self) -> None:
        readable, writable = os.pipe()
        self.readable.append(readable)
        self.writable.append(writable)
        os.set_blocking(readable, False)
        if writable < _FIRST_FREE:  # this process runs without its standard streams: dup2 below would overwrite it
            self.writable[-1] = fcntl.fcntl(writable, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)
            os.close(writable)


def _open_pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
        os.waitpid(pid, 0)
        raise


def _reap(pidfd: int) -> ProcessExit:
    try:
        status = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except ChildProcessError:
        return ProcessExit()  # somebody else in this process waits for any child
    if status is None:
        return ProcessExit()
    if status.si_code == os.CLD_EXITED:
        return ProcessExit(code=status.si_status)
    return ProcessExit(signal=status.si_status)
