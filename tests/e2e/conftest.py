"""A controller of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import rig


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[rig.Rig]:
    """Not started yet: install plugins, configure, start."""
    with rig.rig(tmp_path) as made:
        yield made
