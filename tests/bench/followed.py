"""A controller whose log is read while it is written: each line gets the moment of its arrival, and nothing is polled.

What the benchmarks measure with: moments are `time.monotonic()`, the clock of the kernel's process events too.
"""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from controller.testing.answers import DEADLINE
from tests.bench.bench_launch import COOKIE
from tests.e2e.rig import Rig

OLD = 10.0  # seconds: a file last written so long ago has settled
KIND = {"handshake": {"cookieKey": COOKIE[0], "cookieValue": COOKIE[1], "protocolVersions": [1]}}


class Followed(Rig):
    """A rig for go-plugin's grpc example under any names."""

    def __init__(self, root: Path, run: Path) -> None:
        super().__init__(root, run)
        self.staging = root / "staging"
        self.staging.mkdir()
        self._lines: list[tuple[float, bytes]] = []
        self._came = threading.Condition()

    # --- what is wanted

    def spec(self, plugins: Mapping[str, Mapping[str, Any]] | None = None, **spec: Any) -> None:
        """Configure the one kind."""
        self.configure(plugins, kind=dict(KIND), **spec)

    def stage(self, program: Path, name: str, version: str = "") -> Path:
        """Put a settled copy beside the volume, other bytes for another version; `put` makes it seen."""
        place = self.staging / name
        place.write_bytes(program.read_bytes() + version.encode())
        place.chmod(0o755)
        os.utime(place, (time.time() - OLD,) * 2)
        return place

    def put(self, staged: Path) -> float:
        """Rename into place; the moment before."""
        began = time.monotonic()
        staged.rename(self.volume / staged.name)
        return began

    def edit(self, plugins: Mapping[str, Mapping[str, Any]] | None = None, **spec: Any) -> float:
        """Configure, and tell the moment before the rename: what comes first, making the text, is not ours to count."""
        target, self.config = self.config, self.root / "edited.yaml"
        self.spec(plugins, **spec)
        edited, self.config = self.config, target
        began = time.monotonic()
        edited.replace(target)
        return began

    # --- the process

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start the controller and read its log from now on."""
        keep = ("PATH", "HOME", "PYTHONPATH")
        env = {name: os.environ[name] for name in keep if name in os.environ} | self.env
        self._lines.clear()
        self.process = subprocess.Popen(self.command(*more), env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        threading.Thread(target=self._follow, args=(self.process.stderr,), daemon=True).start()
        return self.process

    def _follow(self, log: BinaryIO) -> None:
        with log:
            for line in log:
                moment = time.monotonic()
                with self._came:
                    self._lines.append((moment, line))
                    self._came.notify_all()

    # --- what is seen

    def moments(self, message: str, after: float = 0.0, name: str | None = None) -> list[float]:
        """When lines with this message came."""
        words = [f'"message": "{message}"'.encode(), *([f'"name": "{name}"'.encode()] if name else [])]
        return [moment for moment, line in self._lines if moment >= after and all(word in line for word in words)]

    def seen(self, message: str, *, after: float = 0.0, name: str | None = None, count: int = 1) -> float:
        """Wait for the `count`th line with this message; the moment it came."""
        with self._came:
            if not self._came.wait_for(lambda: len(self.moments(message, after, name)) >= count, DEADLINE):
                raise AssertionError(f"no {message!r} within {DEADLINE} s\n{self.tail()}")
            return self.moments(message, after, name)[count - 1]

    def forget(self) -> None:
        """Drop the lines so far, so that the next look costs little."""
        with self._came:
            self._lines.clear()

    def tail(self, lines: int = 20) -> str:
        """The end of the log."""
        return b"".join(line for _, line in self._lines[-lines:]).decode(errors="replace")


@contextmanager
def followed(parent: Path | None = None) -> Iterator[Followed]:
    """A rig in directories of its own that are gone at the end, as is its controller."""
    with tempfile.TemporaryDirectory(dir=parent) as root, tempfile.TemporaryDirectory(prefix="pm") as run:
        made = Followed(Path(root), Path(run))
        try:
            yield made
        finally:
            if made.process and made.process.poll() is None:
                made.terminate()
            made.close()
            shutil.rmtree(made.volume, ignore_errors=True)


def names(count: int) -> Collection[str]:
    """Names for so many plugins."""
    return [f"plugin-{number:03}" for number in range(count)]
