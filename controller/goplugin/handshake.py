"""The handshake, pure: the environment that a plugin is started with and the line that it answers with.

No I/O, no process, no clock. Facts are those of go-plugin v1.8.0 (no change on the wire since v1.6.0).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from controller.goplugin.failures import Failure

CORE_VERSION = 1
LINE_LIMIT = 64 * 1024  # what Go's host takes as one line
SOCKET_PATH_LIMIT = 107  # sun_path without its final NUL
CERTIFICATE_LENGTH = 50  # shorter data in field 6 is no certificate: old plugins put other things there

_LEAST_FIELDS = 4
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Whatever else reaches a resolver raises errors of its encoding there, not only OSError.
_HOST = re.compile(r"\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?|[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*|")
_NEVER_INHERITED = ("PLUGIN_CLIENT_CERT", "PLUGIN_MULTIPLEX_GRPC")


@dataclass(frozen=True, slots=True)
class Handshake:
    """What host and plugin must agree on before they talk."""

    cookie_key: str
    cookie_value: str
    protocol_versions: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Answer:
    """A handshake line that can be used."""

    protocol_version: int
    network: str
    address: str


class HandshakeError(Exception):
    """A handshake line that cannot be used."""

    def __init__(self, failure: Failure, message: str) -> None:
        """Take the word and what was seen, without the plugin's name."""
        super().__init__(message)
        self.failure = failure
        self.message = message


def environment(handshake: Handshake, base: Mapping[str, str], socket_dir: str) -> dict[str, str]:
    """Return `base` with the variables of the protocol, which win.

    PLUGIN_MULTIPLEX_GRPC stays unset: even `false` makes the plugin answer with a seventh field. The ports are for
    plugins that listen on TCP; PLUGIN_UNIX_SOCKET_DIR keeps all sockets of one process in one place. Plugins built with
    a go-plugin before 1.5.0 do not know it and take TMPDIR; one in `base` is left alone.
    """
    kept = {name: value for name, value in base.items() if name not in _NEVER_INHERITED}
    return (
        {"TMPDIR": socket_dir}
        | kept
        | {
            handshake.cookie_key: handshake.cookie_value,
            "PLUGIN_MIN_PORT": "10000",
            "PLUGIN_MAX_PORT": "25000",
            "PLUGIN_PROTOCOL_VERSIONS": ",".join(str(version) for version in handshake.protocol_versions),
            "PLUGIN_UNIX_SOCKET_DIR": socket_dir,
        }
    )


def parse(line: str, handshake: Handshake) -> Answer:
    """Read `CORE|APP|NETWORK|ADDRESS|PROTOCOL|CERT|MUX`; the last three may be absent.

    Raises HandshakeError; checks go in the order of Go's host, so that both name the same first fault.
    """
    fields = line.strip().split("|")
    if len(fields) < _LEAST_FIELDS:
        raise HandshakeError(Failure.NOT_A_PLUGIN, f"its first line on stdout is no handshake: {_quote(line)}")
    core, app, network, address, *rest = fields
    _check_core(core, line)
    version = _choose(app, handshake)
    _check_address(network, address)
    protocol, certificate = [*rest, "", ""][:2]
    _check_protocol(protocol)
    if len(certificate) > CERTIFICATE_LENGTH:
        raise HandshakeError(
            Failure.UNEXPECTED_CERTIFICATE,
            "it answered with a TLS certificate, and no TLS was asked for (its author set a TLSProvider); "
            "build it without one",
        )
    return Answer(version, network, address)


def _check_core(core: str, line: str) -> None:
    number = _integer(core)
    if number is None:
        raise HandshakeError(Failure.NOT_A_PLUGIN, f"its first line on stdout is no handshake: {_quote(line)}")
    if number != CORE_VERSION:
        raise HandshakeError(
            Failure.INCOMPATIBLE_CORE_VERSION,
            f"it speaks version {number} of go-plugin's own protocol, this host speaks {CORE_VERSION}; "
            "build it with a matching go-plugin",
        )


def _choose(app: str, handshake: Handshake) -> int:
    number = _integer(app)
    if number is not None and number in handshake.protocol_versions:
        return number
    ours = ", ".join(str(version) for version in sorted(handshake.protocol_versions)) or "none"
    raise HandshakeError(
        Failure.INCOMPATIBLE_VERSION,
        f"no protocol version in common: this host offers [{ours}], the plugin answered [{_short(app)}] "
        "(its lowest, if none of the host's fits); offer a version that it serves",
    )


def _check_address(network: str, address: str) -> None:
    if network not in {"tcp", "unix"}:
        raise HandshakeError(
            Failure.UNSUPPORTED_NETWORK, f"it listens on network {_quote(network)}, only tcp and unix are supported"
        )
    if not address:
        raise HandshakeError(Failure.NOT_A_PLUGIN, "its handshake line has an empty address")
    if _CONTROL.search(address):
        raise HandshakeError(Failure.NOT_A_PLUGIN, f"its address has control characters: {_quote(address)}")
    if network == "unix" and len(address.encode()) > SOCKET_PATH_LIMIT:
        raise HandshakeError(
            Failure.SOCKET_PATH_TOO_LONG,
            f"its socket path has {len(address.encode())} bytes, at most {SOCKET_PATH_LIMIT} work: {_quote(address)}; "
            "use a shorter run directory",
        )
    if network == "tcp" and not _is_host_and_port(address):
        raise HandshakeError(Failure.NOT_A_PLUGIN, f"its address is not host:port: {_quote(address)}")


def _check_protocol(protocol: str) -> None:
    if protocol in {"", "netrpc"}:  # absent means netrpc
        raise HandshakeError(Failure.NET_RPC, "it speaks net/rpc, which is not supported; rebuild it with gRPC")
    if protocol != "grpc":
        raise HandshakeError(
            Failure.NOT_A_PLUGIN, f"it speaks protocol {_quote(protocol)}, only grpc is supported; rebuild it with gRPC"
        )


def _is_host_and_port(address: str) -> bool:
    host, colon, number = address.rpartition(":")
    port = _integer(number)
    is_port = bool(colon) and port is not None and 0 < port <= 0xFFFF  # noqa: PLR2004 - the width of a port
    return is_port and _HOST.fullmatch(host) is not None


def _integer(text: str) -> int | None:
    # Go's strconv.Atoi: a sign is fine; spaces, underscores and other scripts' digits, which int() takes, are not.
    digits = text[1:] if text[:1] in {"+", "-"} else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(2**63)) else None


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:120] + "..."  # noqa: PLR2004 - fits a line of a terminal


def _quote(text: str) -> str:
    return repr(_short(text.strip()))
