"""Whose is a TCP port? Two plugins that insist on one port may share it (SO_REUSEPORT) and get each other's calls.

Reads /proc; only for plugins that listen on TCP.
"""

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from controller.goplugin.family import descendants

_TABLES = (("/proc/net/tcp", socket.AF_INET), ("/proc/net/tcp6", socket.AF_INET6))
_LISTEN = "0A"
_WORD = 4


def is_shared(address: str, pid: int) -> bool:
    """Tell whether somebody else than `pid` and its descendants would get connections to `host:port`.

    False also where that cannot be seen.
    """
    host, _, port = address.rpartition(":")
    listeners = list(_listeners(int(port)))
    exact = {inode for ip, inode in listeners if ip == _numeric(host.strip("[]"))}
    takers = exact or {inode for ip, inode in listeners if not any(ip)}
    own = _sockets({pid, *descendants(pid)})
    return own is not None and bool(takers - own)


def _listeners(port: int) -> Iterator[tuple[bytes, int]]:
    for table, family in _TABLES:
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                ip, _, number = local.rpartition(":")
                if state == _LISTEN and int(number, 16) == port:
                    yield _network_order(bytes.fromhex(ip), family), int(rest[5])


def _network_order(raw: bytes, family: socket.AddressFamily) -> bytes:
    # The kernel prints each word of 32 bits as a number of this machine.
    words = [raw[at : at + _WORD] for at in range(0, len(raw), _WORD)]
    ip = b"".join(struct.pack("=I", int.from_bytes(word, "big")) for word in words)
    mapped = bytes(10) + b"\xff\xff"
    return ip.removeprefix(mapped) if family == socket.AF_INET6 else ip


def _numeric(host: str) -> bytes | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            return socket.inet_pton(family, host)
    return None


def _sockets(pids: Iterable[int]) -> set[int] | None:
    inodes: set[int] = set()
    for pid in pids:
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except PermissionError:
            return None
        except OSError:
            continue
        for name in names:
            with suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{name}")  # noqa: PTH115 a target like socket:[17] is no path
                if target.startswith("socket:"):
                    inodes.add(int(target.removeprefix("socket:").strip("[]")))
    return inodes
