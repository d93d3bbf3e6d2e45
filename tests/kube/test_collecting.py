"""The collector bears refusals, and asks the less the longer they last."""

import asyncio
from dataclasses import dataclass

import pytest
from aiohttp import web

from controller.kube import collector
from controller.kube.collector import Collector
from controller.kube.report import Reader
from controller.kube.rest import METADATA_LIST
from tests.cluster.faults import Garbage, Refuse
from tests.kube.conftest import working
from tests.kube.reported import plugin, pod_status

NAMES = ("a", "b", "c")
NOBODY = b'{"metadata": {"resourceVersion": "1"}, "items": null}'


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(collector, "PERIOD", 0.05)
    monkeypatch.setattr(collector, "LONGEST", 1.0)
    monkeypatch.setattr(collector, "GRACE", 0.0)


def reports(fake):
    for name in NAMES:
        body = pod_status(name, plugin("x"))
        body["metadata"] = {}
        fake.put("pluginpodstatuses", name, body)
    return {name: Reader().read(fake.find("pluginpodstatuses", name)) for name in NAMES}


async def test_a_refusal_ends_the_round_and_the_next_comes_later_and_later(rest, fake, until, quick):
    trouble = fake.fail(Refuse(403, "Forbidden"), "list")
    made = Collector(rest, "default", reports(fake), {}, lambda: True)
    async with working(made.run()):
        await until(lambda: len(fake.requests("list")) >= 6)
        at = [each.at for each in fake.requests("list")]
        assert at[5] - at[0] > 0.5  # 0.05 s each, were it not told off
        trouble.end()
        fake.fail(Garbage(NOBODY), "list")
        await until(lambda: made.deleted == len(NAMES))


async def test_who_asks_to_wait_is_waited_for(rest, fake, until, quick):
    fake.fail(Refuse(429, "TooManyRequests", retry_after=1), "list", times=1)
    made = Collector(rest, "default", reports(fake), {}, lambda: True)
    async with working(made.run()):
        await until(lambda: len(fake.requests("list")) >= 2)
    one, other = (each.at for each in fake.requests("list")[:2])
    assert other - one >= 1.0


async def test_one_that_is_gone_already_holds_up_nobody(rest, fake, until, quick):
    stale = reports(fake)
    fake.remove("pluginpodstatuses", "a")
    fake.fail(Garbage(NOBODY), "list")
    made = Collector(rest, "default", stale, {}, lambda: True)
    async with working(made.run()):
        await until(lambda: made.deleted == 2)


@dataclass
class Late:
    """Says that there is no pod, when the lease is over."""

    held: asyncio.Event
    accepted: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.held.clear()
        self.accepted = request.headers["Accept"]
        return await Garbage(NOBODY).answer(request)


async def test_nothing_is_deleted_when_the_lease_ended_while_the_pod_was_asked_for(rest, fake, until, quick):
    held = asyncio.Event()
    held.set()
    late = Late(held)
    fake.fail(late, "list")
    made = Collector(rest, "default", reports(fake), {}, held.is_set)
    async with working(made.run()):
        await until(lambda: not held.is_set())
        await until(lambda: not made._absent)  # it looked again, and saw that it may not
    assert fake.requests("delete") == []
    assert late.accepted == METADATA_LIST
