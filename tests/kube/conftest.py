"""Fixtures: a fake API server, and a config object followed there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.cluster.fake_api import FakeApi, fake_api
from tests.kube.followed import Followed


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    with fake_api() as made:
        yield made


@pytest.fixture
def prepared(fake: FakeApi, tmp_path: Path) -> Followed:
    """A config object that nobody follows yet."""
    return Followed(fake, tmp_path / "kubeconfig", tmp_path / "config.yaml")


@pytest.fixture
async def followed(prepared: Followed) -> AsyncIterator[Followed]:
    """One that is there and followed."""
    prepared.put()
    async with running(prepared):
        await prepared.until(lambda: prepared.workers() == [1] and prepared.watches() == 1)
        yield prepared


@contextlib.asynccontextmanager
async def running(prepared: Followed) -> AsyncIterator[None]:
    """Follow for the length of the block."""
    task = asyncio.create_task(prepared.run())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
