"""Tests of the pool run on virtual time."""

from collections.abc import Callable, Mapping

from tests.pool.clock import VirtualLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], VirtualLoop]]:
    """Asked for the tests of this directory alone."""
    return {"virtual": VirtualLoop}
