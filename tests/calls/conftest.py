"""A controller with a plugin that is called, and one that is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import rig


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[rig.Rig]:
    """Not started yet: put plugins, configure, start."""
    with rig.rig(tmp_path) as made:
        yield made
