"""The words and errors of the library: how a launch fails, how health fails, how a process ended.

The words of `Failure` leave the process (conditions, events, `-o json`); how each is recognised stands in `preflight`
(before a process exists) and `diagnosis` (after). Nothing here looks at the world.
"""

import signal as signals
from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """Why a launch failed, one word each."""

    NOT_EXECUTABLE = "NotExecutable"  # no execute permission, or no regular file
    VOLUME_NOT_EXECUTABLE = "VolumeNotExecutable"  # its file system is mounted noexec
    WRONG_ARCHITECTURE = "WrongArchitecture"  # an ELF file for another machine
    MISSING_INTERPRETER = "MissingInterpreter"  # the ELF loader or the `#!` interpreter is not here
    UNKNOWN_FORMAT = "UnknownFormat"  # neither ELF nor a `#!` script
    SPAWN_FAILED = "SpawnFailed"  # the kernel or a tool of the launch chain refused
    EXITED_BEFORE_HANDSHAKE = "ExitedBeforeHandshake"  # whatever the code: some plugins fail with 0
    WRONG_COOKIE = "WrongCookie"  # the plugin told that its magic cookie is missing or another
    NOT_A_PLUGIN = "NotAPlugin"  # its first line is no handshake
    HANDSHAKE_TOO_LONG = "HandshakeTooLong"  # its first line has no end
    HANDSHAKE_TIMEOUT = "HandshakeTimeout"  # it printed no line in time
    NET_RPC = "NetRpc"  # it offers net/rpc, not gRPC
    INCOMPATIBLE_CORE_VERSION = "IncompatibleCoreVersion"  # go-plugin's own version is not 1
    INCOMPATIBLE_VERSION = "IncompatibleVersion"  # no protocol version in common
    UNSUPPORTED_NETWORK = "UnsupportedNetwork"  # neither tcp nor unix
    UNEXPECTED_CERTIFICATE = "UnexpectedCertificate"  # it wants TLS that nobody asked for
    SOCKET_PATH_TOO_LONG = "SocketPathTooLong"  # a Unix socket path has at most 107 bytes
    PORT_IN_USE = "PortInUse"  # its fixed TCP port is taken
    CONNECT_FAILED = "ConnectFailed"  # nothing answers at the address that it named
    NOT_SERVING = "NotServing"  # its health service says so until the timeout
    HEALTH_TIMEOUT = "HealthTimeout"  # the connection stands, no health answer comes


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """How a process ended. Both None: its status was taken by somebody else, only its end is known."""

    code: int | None = None
    signal: int | None = None

    def __str__(self) -> str:
        """Name it for people."""
        if self.code is not None:
            return f"exit code {self.code}"
        if self.signal is None:
            return "unknown exit status"
        known = self.signal in signals.valid_signals() and self.signal in {int(name) for name in signals.Signals}
        return f"signal {signals.Signals(self.signal).name}" if known else f"signal {self.signal}"


class LaunchError(Exception):
    """A plugin could not be brought up, and nothing of its process is left."""

    def __init__(
        self, failure: Failure, message: str, *, exit_: ProcessExit | None = None, tail: tuple[str, ...] = ()
    ) -> None:
        """Take the word, one actionable line, the exit if there was one, and the last lines of stderr."""
        super().__init__(message)
        self.failure = failure
        self.message = message
        self.exit = exit_
        self.tail = tail


class HealthError(Exception):
    """A plugin did not say SERVING."""

    def __init__(self, message: str) -> None:
        """Take one line that tells what it said instead."""
        super().__init__(message)
        self.message = message
