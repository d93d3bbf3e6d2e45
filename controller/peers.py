"""Who is at the other end of a Unix socket: never let in what the controller itself started.

A plugin runs as the same user, so file modes cannot keep it out. Its process is known by its ancestry (orphans are
handed to the controller, their subreaper) and, where the controller is embedded and no subreaper, by the tag that every
worker carries in its environment. In doubt the answer is no.
"""

import os
import select
import socket
import struct
from pathlib import Path
from typing import Self

PROC = Path("/proc")
SO_PEERPIDFD = 77  # Linux 6.5; Python names it from 3.14 on


class Peers:
    """Tells whose processes are at the other end. `tag`: how the environment of our workers' processes is marked."""

    def __init__(self, tag: str) -> None:
        self._tag = tag.encode()

    def refusal(self, connection: socket.socket) -> str | None:
        """Why the peer may not ask anything, or None. Fits `http.serve`'s `admit`."""
        return self._refusal(pid_of(connection), connection, "a plugin may not control its controller")

    def refusal_of_host(self, connection: socket.socket) -> str | None:
        """Why the peer may not follow the registry, or None.

        A peer in another container has no number in our process namespace. A plugin always has one, whatever
        namespace it moves into: ours is its ancestor.
        """
        pid = pid_of(connection)
        return None if pid == 0 else self._refusal(pid, connection, "a plugin may not pose as a host")

    def _refusal(self, pid: int, connection: socket.socket, why: str) -> str | None:
        if pid == os.getpid():
            return None
        try:
            with _Held(connection, pid) as peer:
                is_ours = _descends(pid, os.getpid()) or self._is_tagged(pid, uid_of(connection))
                if peer.is_gone():
                    return "refused: the calling process is gone"
        except OSError:
            return "refused: cannot see who calls"
        return f"refused: {why}" if is_ours else None

    def _is_tagged(self, pid: int, uid: int) -> bool:
        try:
            environ = (PROC / str(pid) / "environ").read_bytes()
        except PermissionError:
            # Another user's process, which can only be root's: a worker of ours cannot become one.
            return uid == os.geteuid()
        return any(entry.startswith(self._tag) for entry in environ.split(b"\0"))


def pid_of(connection: socket.socket) -> int:
    """The number of the process at the other end in our process namespace; 0: it has none."""
    pid: int = _credentials(connection)[0]
    return pid


def uid_of(connection: socket.socket) -> int:
    """The user at the other end."""
    uid: int = _credentials(connection)[1]
    return uid


def gid_of(connection: socket.socket) -> int:
    """The primary group at the other end."""
    gid: int = _credentials(connection)[2]
    return gid


def _credentials(connection: socket.socket) -> tuple[int, ...]:
    return struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))


class _Held:
    """Keeps the peer's process from being mistaken for another that got its number."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        try:
            self._fd = connection.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD)
        except OSError:  # an older kernel; ESRCH or EINVAL of a peer that is gone fails below as well
            self._fd = os.pidfd_open(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def is_gone(self) -> bool:
        """A pidfd turns readable when its process ends."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(0))


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 0:
        if pid == ancestor:
            return True
        stat = (PROC / str(pid) / "stat").read_bytes()
        pid = int(stat[stat.rindex(b")") + 2 :].split()[1])
    return False
