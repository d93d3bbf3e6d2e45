"""The list of the misbehaving plugins beside this file, with what a controller must say of each; and their installer.

Each program's own docstring tells what it does wrong. A `reason` is the word of the Ready condition that it ends up
with under the parameters given, "Serving" where the misbehaviour must be borne.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

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


# Never comes up.
FAILS_TO_START = (
    Animal("exits_at_once", "ExitedBeforeHandshake"),
    Animal("exits_silently", "ExitedBeforeHandshake"),
    Animal("garbage", "NotAPlugin"),
)
# Comes up, and is lost while it runs.
FAILS_LATER = (
    Animal("crashes", "Exited"),
    Animal("crashes", "Killed", {"ZOO_SIGNAL": "11"}),
)
# Comes up and stays; what it does must disturb nobody, nor outlive it.
SERVES = (
    Animal("good", "Serving"),
    Animal("ignores_shutdown", "Serving"),
    Animal("ignores_sigterm", "Serving"),
)
ZOO = FAILS_TO_START + FAILS_LATER + SERVES


def install(name: str | Path, directory: Path, as_name: str | None = None, version: str = "") -> Path:
    """Put a program of the zoo, or any file given by its path, into the directory: complete, executable, by rename.

    Another `version` makes other bytes that behave alike.
    """
    source = find(name)
    content = source.read_bytes()
    if source.suffix == ".py":
        content = _standing_alone(content)
    if version:
        content += f"\n# version {version}\n".encode()
    directory.mkdir(parents=True, exist_ok=True)
    place = directory / (as_name or source.name.removesuffix(".py").removesuffix(".sh"))
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
