"""A controller of its own for each test, and file systems of its own for tests that break them."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import rig
from tests.e2e.follow import Follower
from tests.e2e.mounts import remount


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[rig.Rig]:
    """Not started yet: install plugins, configure, start."""
    with rig.rig(tmp_path) as made:
        yield made


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """`mount(path, options)`: an empty tmpfs there, or with `bind=` another view of a directory; gone with the test."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    mounted: list[Path] = []

    def make(path: Path, options: str, bind: Path | None = None) -> None:
        path.mkdir(parents=True, exist_ok=True)
        what = ["--bind", str(bind)] if bind else ["-t", "tmpfs", "tmpfs"]
        done = subprocess.run(["mount", *what, str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"cannot mount: {done.stderr.strip()}")
        mounted.append(path)
        remount(path, f"bind,{options}" if bind else options)

    yield make
    for path in reversed(mounted):
        subprocess.run(["umount", "-l", str(path)], check=False, capture_output=True)


@pytest.fixture
def follow() -> Iterator[Callable[..., Follower]]:
    """`follow(run_dir, host)`: a host that is ended with the test."""
    made: list[Follower] = []

    def start(run: Path, host: str = "app", **who: Any) -> Follower:
        made.append(Follower(run, host, **who))
        return made[-1]

    yield start
    for each in made:
        each.close()
