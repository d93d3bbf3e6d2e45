"""A lease that was taken is given back, whatever was known of that when the end came."""

from dataclasses import dataclass

from aiohttp import web

from controller.kube.lease import Lease
from tests.cluster.fake_api import FakeApi
from tests.cluster.fake_store import Place
from tests.cluster.faults import Silence
from tests.kube.conftest import working

PLACE = Place("coordination.k8s.io", "v1", "default", "leases", "summaries")


@dataclass
class Unsaid:
    """Makes the object, and never says so."""

    fake: FakeApi

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.fake.store.put(PLACE, self.fake.asked[-1].body)
        return await Silence(headers=False).answer(request)


def holder(fake):
    found = fake.store.objects.get(PLACE)
    return found and found["spec"]["holderIdentity"]


async def test_an_end_in_the_middle_of_the_first_take(fake, rest, until):
    fake.fail(Unsaid(fake), "create")
    async with working(Lease(rest, "default", "summaries", "me").run()):
        await until(lambda: holder(fake) == "me")
    assert holder(fake) == ""
