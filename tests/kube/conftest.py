"""Fixtures: a fake API server, and a config object followed there."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.kube.access import Access
from controller.kube.rest import Rest
from tests.cluster.fake_api import FakeApi, fake_api
from tests.kube.followed import DEADLINE, Followed


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    with fake_api() as made:
        yield made


@pytest.fixture
def access(fake: FakeApi, tmp_path: Path) -> Access:
    return Access.find(fake.kubeconfig(tmp_path / "kubeconfig"), {})


@pytest.fixture
async def rest(access: Access) -> AsyncIterator[Rest]:
    async with Rest(access) as made:
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


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """`await until(lambda: fits)`."""

    async def wait(fits: Callable[[], object]) -> None:
        ends = time.monotonic() + DEADLINE
        while not fits():
            assert time.monotonic() < ends
            await asyncio.sleep(0.005)

    return wait


@contextlib.asynccontextmanager
async def running(prepared: Followed) -> AsyncIterator[None]:
    """Follow for the length of the block."""
    async with working(prepared.run()):
        yield


@contextlib.asynccontextmanager
async def working(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let something run, that does not end by itself, for the length of the block."""
    task = asyncio.create_task(work)
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
