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
SO_PEERGROUPS = 59  # Linux 4.13; Python has no name for it
MOST_GROUP_BYTES = 1024  # 256 groups


class Peers:
    """Tells whose processes are at the other end. `tag`: how the environment of our workers' processes is marked."""

    def __init__(self, tag: str) -> None:
        self._tag = tag.encode()

    def refusal(self, connection: socket.socket) -> str | None:
        """Why the peer may not control the controller, or None."""
        pid, uid, _ = _credentials(connection)
        return self._refusal(connection, pid, uid, "a plugin may not control its controller")

    def refusal_of_host(self, connection: socket.socket, group: int) -> str | None:
        """Why the peer may not follow the registry, or None: our own user, root, and members of the group may.

        A peer in another container has no number in our process namespace. A plugin always has one, whatever
        namespace it moves into: ours is its ancestor.
        """
        pid, uid, gid = _credentials(connection)
        if uid not in {0, os.geteuid()} and group != gid and group not in _groups(connection):
            return f"refused: uid {uid} is not in the group {group} of the run dir"
        return self._refusal(connection, pid, uid, "a plugin may not pose as a host") if pid else None

    def _refusal(self, connection: socket.socket, pid: int, uid: int, why: str) -> str | None:
        if pid == os.getpid():
            return None
        try:
            with _Held(connection, pid) as peer:
                is_ours = _descends(pid, os.getpid()) or self._is_tagged(pid, uid)
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


def _credentials(connection: socket.socket) -> tuple[int, int, int]:
    """Process, user and primary group at the other end, as it was when it connected."""
    pid, uid, gid = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid, gid


def _groups(connection: socket.socket) -> tuple[int, ...]:
    """The supplementary groups; more than Python's getsockopt takes count as none."""
    try:
        groups = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MOST_GROUP_BYTES)
    except OSError:
        return ()
    return struct.unpack(f"{len(groups) // 4}I", groups)


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
