"""The API server is back: what it kept is not written again, what it lost is, at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from controller.kube import contact
from controller.kube.access import Access
from controller.kube.pod import Pod
from controller.kube.rest import Rest
from tests.cluster.fake_api import Asked, FakeApi
from tests.cluster.faults import Refuse
from tests.cluster.fleet import NAME, Core
from tests.kube.conftest import working
from tests.kube.followed import body

STATUSES = "pluginpodstatuses"
POD = Pod("web-0", "default", "u")


@pytest.fixture
async def core(fake: FakeApi, access: Access, rest: Rest, tmp_path: Path, until, monkeypatch) -> AsyncIterator[Core]:
    """One that has written its status."""
    monkeypatch.setattr(contact, "LOST_AFTER", 0.3)
    fake.put("pluginconfigs", NAME, body())
    made = Core(access, rest, POD, tmp_path / "kept.yaml")
    async with contextlib.AsyncExitStack() as stack:
        for work in made.works():
            await stack.enter_async_context(working(work))
        await until(lambda: fake.find(STATUSES, POD.name))
        yield made


@pytest.fixture
def outage(fake: FakeApi, core: Core, until) -> Callable[[], contextlib.AbstractAsyncContextManager[None]]:
    """`async with outage():` the config is stale in the block, and not any more after it."""

    @contextlib.asynccontextmanager
    async def away() -> AsyncIterator[None]:
        trouble = fake.fail(Refuse(503, "ServiceUnavailable"), resource="pluginconfigs")
        fake.cut()
        await until(lambda: core.is_stale)
        yield
        trouble.end()
        await until(lambda: not core.is_stale)

    return away


def asked(fake: FakeApi, verb: str) -> list[Asked]:
    return fake.requests(verb, resource=STATUSES)


async def test_what_it_kept_is_looked_at_and_not_written(fake: FakeApi, outage, until):
    for number in (1, 2):
        async with outage():
            pass
        await until(lambda number=number: len(asked(fake, "get")) == number)
    fake.put("pluginconfigs", NAME, body(2))
    await until(lambda: fake.find(STATUSES, POD.name)["status"]["observedGeneration"] == 2)
    assert len(asked(fake, "patch")) == 2  # at the start and after the change


async def test_what_it_lost_is_written_at_once(fake: FakeApi, outage, until):
    async with outage():
        fake.remove(STATUSES, POD.name)
    async with asyncio.timeout(10):  # a look by the clock is half a minute away
        await until(lambda: fake.find(STATUSES, POD.name))


async def test_what_cannot_be_looked_at_is_looked_at_again_soon(fake: FakeApi, outage, until, monkeypatch):
    monkeypatch.setattr("controller.kube.status_object.SOON", 0.1)
    refusal = fake.fail(Refuse(503, "ServiceUnavailable"), "get", resource=STATUSES)
    async with outage():
        fake.remove(STATUSES, POD.name)
    await until(lambda: asked(fake, "get"))
    assert fake.find(STATUSES, POD.name) is None
    refusal.end()
    await until(lambda: fake.find(STATUSES, POD.name))
