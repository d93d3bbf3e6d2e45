"""Tests of the pool run on virtual time, but for those of real channels."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.pool.clock import VirtualLoop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Asked for the tests of this directory alone."""
    return {"real": asyncio.new_event_loop} if item.path.name == "test_real_channels.py" else {"virtual": VirtualLoop}
