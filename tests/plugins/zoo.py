"""The list of the misbehaving plugins beside this file, with what a controller must say of each; and their installer.

Each program's own docstring tells what it does wrong. A `reason` is the word of the Ready condition that it ends up
with under the parameters given, "Serving" where the misbehaviour must be borne.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.tools import build

HERE = Path(__file__).resolve().parent
COOKIE_KEY = "ZOO_PLUGIN"
COOKIE_VALUE = "please"
PROTOCOL_VERSION = 1
BUILT = frozenset({"echo", "wrong_architecture"})


@dataclass(frozen=True, slots=True)
class Animal:
    """A program, the parameters to run it with, and the reason it deserves."""

    program: str
    reason: str
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        return f"{self.program}-{self.reason}"  # a test's id


# Never comes up.
FAILS_TO_START = (
    Animal("exits_at_once", "ExitedBeforeHandshake"),
    Animal("exits_silently", "ExitedBeforeHandshake"),
    Animal("garbage", "NotAPlugin"),
    Animal("shell_script", "NotAPlugin"),
    Animal("silence", "HandshakeTimeout"),
    Animal("huge_handshake", "HandshakeTooLong"),
    Animal("wrong_cookie", "WrongCookie"),
    Animal("net_rpc", "NetRpc"),
    Animal("net_rpc", "NetRpc", {"ZOO_REST": ""}),
    Animal("says", "NotAPlugin", {"ZOO_LINE": "1|1|unix"}),
    Animal("says", "IncompatibleCoreVersion", {"ZOO_LINE": "2|1|unix|/nowhere|grpc|"}),
    Animal("says", "IncompatibleVersion", {"ZOO_LINE": "1|99|unix|/nowhere|grpc|"}),
    Animal("says", "UnsupportedNetwork", {"ZOO_LINE": "1|1|udp|127.0.0.1:1|grpc|"}),
    Animal("says", "UnexpectedCertificate", {"ZOO_LINE": f"1|1|unix|/nowhere|grpc|{'MIIB' * 200}"}),
    Animal("says", "ConnectFailed", {"ZOO_LINE": "1|1|unix|/nowhere|grpc|"}),
    Animal("not_serving", "NotServing"),
    Animal("stops_answering_health", "HealthTimeout", {"ZOO_AFTER_MS": "0"}),
    Animal("wrong_architecture", "WrongArchitecture"),
    Animal("missing_interpreter", "MissingInterpreter"),
    Animal("missing_env_interpreter", "MissingInterpreter"),
    Animal("unknown_format", "UnknownFormat"),
)
# Comes up, and is lost while it runs; `leaks_descriptors` wants limits.openFiles, `grows` limits.memory below 400 MiB.
FAILS_LATER = (
    Animal("crashes", "Exited"),
    Animal("crashes", "Killed", {"ZOO_SIGNAL": "11"}),
    Animal("stops_answering_health", "Unhealthy", {"ZOO_AFTER_MS": "500"}),
    Animal("leaks_descriptors", "Exited"),
    Animal("grows", "MemoryLimit"),
)
# Comes up and stays; what it does must disturb nobody, nor outlive it.
SERVES = (
    Animal("good", "Serving"),
    Animal("echo", "Serving"),
    Animal("two_handshakes", "Serving"),
    Animal("starts_slowly", "Serving", {"ZOO_DELAY_MS": "300"}),
    Animal("answers_slowly", "Serving"),
    Animal("ignores_shutdown", "Serving"),
    Animal("ignores_sigterm", "Serving"),
    Animal("hangs_in_shutdown", "Serving"),
    Animal("forks_child", "Serving"),
    Animal("daemonises", "Serving"),
    Animal("floods", "Serving"),
    Animal("long_line", "Serving"),
    Animal("deletes_socket", "Serving"),
    Animal("fixed_port", "Serving"),  # the second worker of it: PortInUse
    Animal("reports_id", "Serving", {"ZOO_ID": "one"}),
    Animal("poses_as_host", "Serving"),
)
ZOO = FAILS_TO_START + FAILS_LATER + SERVES


def parameters(animals: Iterable[Animal]) -> list[Any]:
    """Give them to `pytest.mark.parametrize("animal", ...)`, marked where Go has to build them."""
    return [
        pytest.param(animal, id=str(animal), marks=[pytest.mark.go] if animal.program in BUILT else [])
        for animal in animals
    ]


def install(name: str | Path, directory: Path, as_name: str | None = None, version: str = "") -> Path:
    """Put a program of the zoo, or any file given by its path, into the directory: complete, executable, by rename.

    Another `version` makes other bytes that behave alike.
    """
    source = find(name)
    content = source.read_bytes()
    if source.suffix == ".py" and source.parent == HERE:
        content = _standing_alone(content)
    if version:
        content += f"\n# version {version}\n".encode()
    directory.mkdir(parents=True, exist_ok=True)
    place = directory / (as_name or (name.name if isinstance(name, Path) else name))
    scratch = directory / f".{place.name}.{os.getpid()}.tmp"
    scratch.write_bytes(content)
    scratch.chmod(0o755)
    return scratch.replace(place)


def find(name: str | Path) -> Path:
    """Return the program's source, or its binary for the ones in Go."""
    if isinstance(name, Path):
        return name
    if name in BUILT:
        return build.build(name)
    return next(HERE.glob(f"{name}.*"))


def _standing_alone(program: bytes) -> bytes:
    """Make a copy run anywhere: by this interpreter, with the base module found here."""
    _, rest = program.split(b"\n", 1)
    return f"#!{sys.executable}\nimport sys; sys.path.insert(0, {str(HERE)!r})\n".encode() + rest
