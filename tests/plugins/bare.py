"""Runs a plugin bare, with nothing of the controller: to see what the plugin itself does."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import grpc

CHECK = "/grpc.health.v1.Health/Check"
SHUTDOWN = "/plugin.GRPCController/Shutdown"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"

PATIENCE = 20.0  # seconds until a test gives up on something that should have happened
TAG = "ZOO_TEST"


class Bare:
    """A plugin's process, its pipes, and a channel to it."""

    def __init__(self, program: Path, environment: Mapping[str, str], sockets: Path) -> None:
        """Start it in a session of its own."""
        self.tag = str(sockets)
        given = {"PATH": os.environ["PATH"], "PLUGIN_UNIX_SOCKET_DIR": str(sockets), TAG: self.tag}
        self.process = subprocess.Popen(
            [program],
            env={**given, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def read(self, stream: str = "stdout", upto: bytes = b"\n", patience: float = PATIENCE) -> bytes:
        """Read until `upto` was seen, inclusive, or until the end."""
        descriptor = getattr(self.process, stream).fileno()
        seen, deadline = b"", time.monotonic() + patience
        while upto not in seen:
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"{seen[-200:]!r} and then nothing")
            if not (block := os.read(descriptor, 65536)):
                break
            seen += block
        return seen

    def line(self, stream: str) -> bytes:
        """Read one line and no more; empty at the end."""
        return bytes(getattr(self.process, stream).readline())

    def handshake(self) -> list[str]:
        """Read the handshake line."""
        return self.read().decode().splitlines()[0].split("|")

    def connect(self) -> grpc.Channel:
        """Open a channel to the address that the plugin prints."""
        _, _, network, address, *_ = self.handshake()
        return self.dial(network, address)

    @staticmethod
    def dial(network: str, address: str) -> grpc.Channel:
        """Open a channel."""
        return grpc.insecure_channel(f"unix:{address}" if network == "unix" else address)

    def descendants(self) -> list[int]:
        """Return the ids of all living processes that came from this one, wherever they are now."""
        needle = f"{TAG}={self.tag}\0".encode()
        return [pid for pid in _processes() if pid != self.process.pid and needle in _environment(pid)]

    def end(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in self.descendants():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes() + b"\0"
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def call(channel: grpc.Channel, method: str, request: bytes = b"", timeout: float = PATIENCE, **metadata: str) -> bytes:
    """Call a method by its full name, bytes in and bytes out."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
    invoke: Callable[..., bytes] = channel.unary_unary(method)
    return invoke(request, timeout=timeout, metadata=pairs, wait_for_ready=True)


def is_silent(plugin: Bare, stream: str = "stdout", seconds: float = 0.3) -> bool:
    """Wait a while for a line that must not come."""
    try:
        plugin.read(stream, patience=seconds)
    except TimeoutError:
        return True
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once it holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition never held")
        time.sleep(0.01)


def free_port() -> int:
    """Return a port that nobody has, for the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
