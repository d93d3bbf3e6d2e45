"""Installs the plugins of the bundled kinds that are beside this file in `kinds/`: each runs by this interpreter."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / "kinds"
ROOT = HERE.parents[2]


def install(program: str, directory: Path, as_name: str | None = None) -> Path:
    """Put one there: complete, executable, by rename, and with this checkout to import from."""
    _, rest = (HERE / f"{program}.py").read_bytes().split(b"\n", 1)
    directory.mkdir(parents=True, exist_ok=True)
    place = directory / (as_name or program)
    scratch = directory / f".{place.name}.{os.getpid()}.tmp"
    scratch.write_bytes(f"#!{sys.executable}\nimport sys; sys.path.insert(0, {str(ROOT)!r})\n".encode() + rest)
    scratch.chmod(0o755)
    return scratch.replace(place)
