"""The kernel's own record of forks, execs and exits with its own times (the process connector); for root only."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_CONNECTOR = 11
_PROC_LISTEN = 1
_HEADS = 36  # bytes of netlink's and the connector's headers before an event
_FORK, _EXEC, _EXIT = 1, 2, 0x80000000


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    """`pid` did it (a fork: was made) at `moment`, monotonic; `parent` is the forking process, 0 for the others."""

    what: str
    moment: float
    pid: int
    parent: int = 0


class ExecEvents:
    """Everything that processes of this machine did since it was opened."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def drain(self) -> list[ProcessEvent]:
        """What came since the last call."""
        found = []
        while True:
            try:
                event = _parse(self._sock.recv(4096))
            except BlockingIOError:
                return found
            if event:
                found.append(event)


@contextmanager
def exec_events() -> Iterator[ExecEvents | None]:
    """Listen; None where the kernel or our rights do not allow it."""
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _CONNECTOR)
    except OSError:
        yield None
        return
    with sock:
        try:
            sock.bind((os.getpid(), 1))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            order = struct.pack("=I", _PROC_LISTEN)
            message = struct.pack("=IIIIHH", 1, 1, 0, 0, len(order), 0) + order
            sock.send(struct.pack("=IHHII", 16 + len(message), 3, 0, 0, os.getpid()) + message)
        except OSError:
            yield None
            return
        yield ExecEvents(sock)


def _parse(data: bytes) -> ProcessEvent | None:
    what, _, nanoseconds = struct.unpack_from("=IIQ", data, _HEADS)
    moment = nanoseconds / 1e9
    numbers = struct.unpack_from("=IIII", data.ljust(_HEADS + 32, b"\0"), _HEADS + 16)
    if what == _FORK and numbers[2] == numbers[3]:  # else a thread
        return ProcessEvent("fork", moment, numbers[3], numbers[1])
    if what == _EXEC:
        return ProcessEvent("exec", moment, numbers[1])
    if what == _EXIT and numbers[0] == numbers[1]:
        return ProcessEvent("exit", moment, numbers[1])
    return None
