"""A plugin volume on a real file system, and a store beside it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.volume import Scanner, Store
from tests.volume.eye import Eye


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume"
    (path / "rules").mkdir(parents=True)
    return path


@pytest.fixture
def rules(volume: Path) -> Path:
    return volume / "rules"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    return Store(root, grace=0.0)


@pytest.fixture
def scanner(volume: Path, store: Store) -> Iterator[Scanner]:
    scanner = Scanner(volume, store, budget=60.0)
    scanner.prepare()
    yield scanner
    scanner.close()


@pytest.fixture
def eye(scanner: Scanner, rules: Path) -> Eye:
    return Eye(scanner, rules)


Mount = Callable[..., Path]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mount a small file system in memory; skips where that is not allowed. Undone in reverse order."""
    mounted: list[Path] = []

    def do(path: Path, options: str = "size=1m", *source: str) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        kind = source or ("-t", "tmpfs", "tmpfs")
        done = subprocess.run(["mount", *kind, "-o", options, str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        mounted.append(path)
        return path

    yield do
    for path in reversed(mounted):
        subprocess.run(["umount", "-l", str(path)], capture_output=True, check=False)
