"""Fixtures to look at a plugin by itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plugins.bare import Bare


@pytest.fixture
def bare(install: Callable[..., Path], tmp_path: Path) -> Iterator[Callable[..., Bare]]:
    """`bare(name, **env)` or `bare(path, **env)`: run it; everything is ended with the test."""
    running: list[Bare] = []

    def run(name: str | Path, **environment: str) -> Bare:
        number = str(len(running))
        (sockets := tmp_path / "s" / number).mkdir(parents=True)
        program = install(name, tmp_path / "plugins" / number)
        running.append(Bare(program, {"ZOO_PLUGIN": "please", **environment}, sockets))
        return running[-1]

    yield run
    for each in running:
        each.end()
