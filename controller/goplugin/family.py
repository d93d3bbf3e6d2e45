"""Processes that a plugin started and that left its group: found, killed, reaped.

A plugin's environment carries a tag (`NAME=value`, chosen by the caller) that its descendants inherit. Where this
process is a child subreaper, orphans become its children, and those that hide their tag are told by their session or
by having been seen as descendants. Everything works on /proc and is bounded: a fork bomb gets rounds, not for ever.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from controller.goplugin.prctl import is_subreaper, set_subreaper
from controller.goplugin.process import running

PAUSE = 0.002  # seconds; a killed process is gone after about one

_ROUNDS = 50
_PROC = "/proc"
_READ = 64 * 1024


# The one state of this module, since a process becomes a subreaper once: who was there before, with its start time,
# since a number may come again. Whoever started this process may have left it children by exec. It is itself among
# them: empty means that `become_subreaper` was not called, and the children of a subreaper are its own.
_strangers: set[tuple[int, bytes]] = set()


@dataclass(frozen=True, slots=True)
class Family:
    """What tells the descendants of one plugin from everything else."""

    tag: str  # NAME=value
    session: int  # the plugin's process id, which is its session's too
    seen: frozenset[int] = frozenset()  # its descendants while it lived


class Roundup:
    """Kills what is left of a plugin that is itself reaped, and reaps what became ours."""

    def __init__(self, family: Family) -> None:
        """Take whose descendants are meant."""
        self._family = family
        self._unreaped: set[int] = set()
        self._rounds = _ROUNDS
        self.killed: set[int] = set()

    def step(self) -> bool:
        """Kill and reap what is there now; tell whether to come again after `PAUSE`."""
        found = set(_leftovers(self._family)) - self._unreaped
        for pid in found:
            _kill(pid)
        self.killed |= found
        self._unreaped = {pid for pid in self._unreaped | found if not _reap(pid)}
        self._rounds -= 1
        return self._rounds > 0 and bool(found or self._unreaped)


def become_subreaper() -> None:
    """Make orphans among this process's descendants its own children; those that there are by now stay untouched."""
    us = os.getpid()
    _strangers.update((pid, _started(pid)) for pid in {us} | descendants(us) - running())
    set_subreaper()


def sweep(prefix: str, *, timeout: float = 2.0) -> int:
    """Kill every process whose environment has an entry that begins with `prefix`; return how many it were.

    For what the plugins of a killed predecessor left, before any plugin is started. Blocks until they are gone, for at
    most `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    marker, killed = prefix.encode(), set[int]()
    while time.monotonic() < deadline:
        found = [pid for pid in _processes() if _has_entry(pid, marker)]
        if not found:
            break
        for pid in found:
            if _kill(pid, lambda pid: _has_entry(pid, marker), deadline - time.monotonic()):
                killed.add(pid)
            _reap(pid)
    return len(killed)


def reap_adopted() -> int:
    """Reap the dead children of this process but its plugins; return how many it were.

    For a subreaper, now and then: helpers that plugins orphan become its children, and end.
    """
    leaders = running()
    return sum(1 for pid in _children(os.getpid()) if pid not in leaders and _is_zombie(pid) and _reap(pid))


def descendants(pid: int) -> frozenset[int]:
    """Return the live descendants of a process."""
    found: set[int] = set()
    queue = [pid]
    while queue:
        children = set(_children(queue.pop())) - found
        found |= children
        queue += children
    return frozenset(found)


def _leftovers(family: Family) -> Iterator[int]:
    if not (_strangers and is_subreaper()):
        yield from (pid for pid in _processes() if _has_entry(pid, family.tag.encode() + b"\0"))
        return
    leaders = running()
    for child in _children(os.getpid()):
        if child not in leaders and not _is_stranger(child) and _belongs(child, family, is_only=not leaders):
            yield child
            yield from descendants(child)


def _belongs(child: int, family: Family, *, is_only: bool) -> bool:
    if child in family.seen or _session(child) == family.session or _has_entry(child, family.tag.encode() + b"\0"):
        return True
    # An orphan that hides its tag may be anybody's; it is this plugin's if there is no other.
    name = family.tag.partition("=")[0].encode() + b"="
    return is_only and not _is_zombie(child) and not _has_entry(child, name)


def _kill(pid: int, is_still: Callable[[int], bool] = bool, timeout: float = 0.0) -> bool:
    # The pidfd first, then the look: the number cannot pass to another process in between.
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_still(pid):
            return False
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        _wait(pidfd, timeout)
    except OSError:
        return False
    finally:
        os.close(pidfd)
    return True


def _wait(pidfd: int, timeout: float) -> None:
    if timeout > 0:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        poll.poll(timeout * 1000)


def _reap(pid: int) -> bool:
    """Tell whether the process is no zombie of ours: reaped here, or somebody else's to reap."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG) is not None
    except ChildProcessError:
        return True


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"{_PROC}/{pid}/task"):
            found += [int(word) for word in _read(f"{_PROC}/{pid}/task/{thread}/children").split()]
    return found


def _processes() -> Iterator[int]:
    ours = os.getpid()
    names = os.listdir(_PROC)
    return (int(name) for name in names if name.isdigit() and int(name) != ours)


def _has_entry(pid: int, start: bytes) -> bool:
    environ = _read(f"{_PROC}/{pid}/environ")
    return environ.startswith(start) or b"\0" + start in environ


def _read(path: str) -> bytes:
    # Called a thousand times when a hundred plugins end: without pathlib and buffers.
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        chunks = []
        while chunk := os.read(fd, _READ):
            chunks.append(chunk)
        return b"".join(chunks)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _session(pid: int) -> int:
    with suppress(OSError):
        return os.getsid(pid)
    return -1


def _is_stranger(pid: int) -> bool:
    return (pid, _started(pid)) in _strangers


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] == [b"Z"]


def _started(pid: int) -> bytes:
    return b"".join(_stat(pid)[19:20])  # field 22, the second after the name being the third


def _stat(pid: int) -> list[bytes]:
    return _read(f"{_PROC}/{pid}/stat").rpartition(b")")[2].split()
