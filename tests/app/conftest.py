"""What waits here waits on virtual time."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.pool.clock import VirtualLoop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Asked for the tests of this directory alone."""
    return {"virtual": VirtualLoop}
