"""Ports on which a server may be killed and started again."""

import random
import socket
from pathlib import Path

LOWEST = 20000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on, and that the kernel gives to nobody who connects.

    While a server is down, its port would else go to some client now and then; even to the one that tries to reach it,
    which then talks to itself.
    """
    highest = int(RANGE.read_text(encoding="ascii").split()[0])
    candidates = range(LOWEST, highest if highest > LOWEST + 1000 else 65536)
    found: list[int] = []
    for port in random.sample(candidates, len(candidates)):
        if len(found) == count:
            break
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        found.append(port)
    return found
