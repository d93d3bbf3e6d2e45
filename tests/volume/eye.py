"""How the tests put files on a volume, and look at it at times they choose."""

import os
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from controller.core.model import Digest, Directory
from controller.volume import Moment, Scan, Scanner


def digest_of(content: bytes) -> Digest:
    return Digest(sha256(content).hexdigest())


def put(path: Path, content: bytes = b"#!/bin/sh\n", *, age: float = 10.0, mode: int = 0o755) -> Path:
    """Write a file of that age beside its place, and rename it there."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.chmod(mode)
    when = time.time_ns() - int(age * 1e9)
    os.utime(unfinished, ns=(when, when))
    unfinished.rename(path)
    return path


@dataclass
class Eye:
    """Scans one directory at times that the test chooses: `later` is added to the real ones."""

    scanner: Scanner
    path: Path
    pins: frozenset[Digest] = frozenset()
    last: Scan = field(default_factory=lambda: Scan({}))

    def look(self, later: float = 0.0) -> Directory:
        now = Moment(time.time() + later, time.monotonic() + later)
        self.last = self.scanner.scan([str(self.path)], self.pins, now)
        return self.last.directories[str(self.path)]

    def names(self, later: float = 0.0) -> set[str]:
        return set(self.look(later).binaries)
