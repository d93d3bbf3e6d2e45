"""The seam between a session and its channel: an address becomes a gRPC channel here, and nowhere else.

AutoMTLS and multiplexing will end in this module; what is above gets a channel and does not see how it came about.
"""

import asyncio
import os
import socket
import stat
from contextlib import suppress
from typing import TypeAlias

import grpc.aio

from controller.goplugin.handshake import Answer

Channel: TypeAlias = grpc.aio.Channel
CallError: TypeAlias = grpc.aio.AioRpcError

SOCKET_MODE = 0o660

_FOREVER = 2**31 - 1
_OPTIONS = (
    # As Go's host: no limit of ours; a Go plugin keeps its own 4 MiB for what it receives.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.default_authority", "localhost"),
    # One connection a channel: a later channel to the same path must not get an older process's connection.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.client_idle_timeout_ms", _FOREVER),
    # No keepalive pings: grpc-go answers those closer than five minutes with GOAWAY. That is also gRPC's default.
    ("grpc.keepalive_time_ms", _FOREVER),
    # The least that gRPC takes; what must be faster than this is done by `knock`.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


def resolve(answer: Answer, cwd: str) -> Answer:
    """Return the answer with an absolute socket path."""
    if answer.network != "unix" or answer.address.startswith("@"):
        return answer
    return Answer(answer.protocol_version, answer.network, os.path.join(cwd, answer.address))  # noqa: PTH118


def open_channel(network: str, address: str) -> Channel:
    """Return a channel to "unix" and a path, or to "tcp" and host:port; it connects at the first call."""
    return grpc.aio.insecure_channel(_target(network, address), options=_OPTIONS)


def share_socket(answer: Answer) -> None:
    """Give group and owner the use of a Unix socket, whatever mode the plugin made it with.

    The path comes from the plugin: only a socket is touched, and never through a link.
    """
    if answer.network != "unix" or answer.address.startswith("@"):
        return
    with suppress(OSError):  # nothing there (yet): connecting tells
        fd = os.open(answer.address, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.chmod(f"/proc/self/fd/{fd}", SOCKET_MODE)  # noqa: PTH101 - by descriptor, see above
        finally:
            os.close(fd)


async def knock(answer: Answer) -> None:
    """Connect to the address and hang up; raises OSError. Tells at once what gRPC tries again after 100 ms only."""
    family, address = _socket_address(answer)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        await asyncio.get_running_loop().sock_connect(probe, address)


def _socket_address(answer: Answer) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    if answer.network == "unix":
        return socket.AF_UNIX, "\0" + answer.address[1:] if answer.address.startswith("@") else answer.address
    host, _, port = answer.address.rpartition(":")
    host = host.strip("[]")
    return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, int(port))


def _target(network: str, address: str) -> str:
    if network == "tcp":
        return f"dns:///{address}"
    if address.startswith("@"):
        return f"unix-abstract:{address[1:]}"
    return f"unix:{address}"
