"""For teams that write hosts, adapters or plugins: `pytest_plugins = ["controller.testing"]` gives them fixtures.

`local_mode` is a whole controller in directories of its own, `fake_registry` serves hosts without any process. Nothing
else in this package needs pytest, and nothing but tests may import this one. PYTEST_DONT_REWRITE: there are no asserts.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.testing.fake_registry import FakeRegistry
from controller.testing.fake_worker import FakeWorker
from controller.testing.local_mode import LocalMode, in_local_mode
from controller.testing.processes import is_alive, until_gone

__all__ = [
    "FakeRegistry",
    "FakeWorker",
    "LocalMode",
    "fake_registry",
    "in_local_mode",
    "is_alive",
    "local_mode",
    "until_gone",
]


@pytest.fixture
def local_mode(tmp_path: Path) -> Iterator[LocalMode]:
    """A controller that is not started yet: put plugins, configure, start."""
    with in_local_mode(tmp_path, LocalMode) as mode:
        yield mode


@pytest.fixture
def fake_registry() -> Iterator[FakeRegistry]:
    """A registry that is not served yet: `async with fake_registry:` does."""
    run_dir = Path(tempfile.mkdtemp(prefix="pm"))
    yield FakeRegistry(run_dir)
    shutil.rmtree(run_dir)
