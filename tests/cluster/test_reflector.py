"""The copy of a collection is right again soon, whatever the API server did, and asks it no more than it has to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from controller.kube.access import Access
from controller.kube.reflector import Collection, Reflector
from controller.kube.rest import Rest
from tests.cluster.eventually import until
from tests.cluster.fake_api import FakeApi
from tests.cluster.faults import Cut, Events, Fault, Garbage, Refuse, Silence, error
from tests.cluster.namespace import Namespace

PATH = "/apis/pluginmgr.dev/v1alpha1/namespaces/{}/pluginconfigs"
RECOVERED = 15.0  # seconds within which everything is right again
SPEC = {"kinds": [{"name": "rule", "adapter": "rule"}]}

Run = Callable[..., object]


@asynccontextmanager
async def reflecting(access: Access, namespace: str, **options) -> AsyncIterator[Reflector[int]]:
    """A reflector that keeps each config's generation, running."""
    async with Rest(access) as rest:
        collection = Collection("pluginconfigs", PATH.format(namespace), **options)
        seen: list[tuple[int | None, int | None]] = []
        reflector = Reflector(
            rest, collection, lambda each: int(each["metadata"]["generation"]), lambda *both: seen.append(both)
        )
        reflector.seen = seen  # type: ignore[attr-defined]
        running = asyncio.create_task(reflector.run())
        try:
            yield reflector
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@pytest.fixture
def access(fake: FakeApi, tmp_path: Path) -> Access:
    return Access.find(fake.kubeconfig(tmp_path / "fake.kubeconfig"), {})


async def test_it_follows_what_is_added_changed_and_deleted(fake: FakeApi, access: Access) -> None:
    fake.put("pluginconfigs", "a", {"spec": SPEC})
    async with reflecting(access, "default") as reflector:
        await until(lambda: reflector.is_synced)
        assert reflector.items == {"a": 1}
        fake.put("pluginconfigs", "b", {"spec": SPEC})
        fake.put("pluginconfigs", "a", {"spec": {"kinds": []}})
        await until(lambda: reflector.items == {"a": 2, "b": 1})
        fake.remove("pluginconfigs", "a")
        await until(lambda: reflector.items == {"b": 1})
        assert reflector.seen == [(None, 1), (None, 1), (1, 2), (2, None)]


FAULTS = {
    "410 as status": (Refuse(410, "Expired"), ()),
    "410 in the stream": (Events((error(),)), ("watch",)),
    "another error in the stream": (Events((error({"code": 500, "message": "no"}),)), ("watch",)),
    "a watch that ends at once": (Events(()), ("watch",)),
    "half an event": (Cut(), ("watch",)),
    "a page of a proxy": (Garbage(), ()),
    "JSON of another sort": (Garbage(b'{"hello": "world"}'), ()),
    "JSON that is no object": (Garbage(b"[1]"), ()),
    "an empty answer": (Garbage(b""), ()),
    "403": (Refuse(403, "Forbidden"), ()),
    "404": (Refuse(404, "NotFound"), ()),
    "429": (Refuse(429, "TooManyRequests", retry_after=1), ()),
    "503": (Refuse(503, "ServiceUnavailable"), ()),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_it_recovers_from_a_fault_and_asks_seldom_meanwhile(
    name: str, fake: FakeApi, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.kube.reflector.WATCH_SECONDS", (2, 2))
    fault: Fault
    fault, verbs = FAULTS[name]
    fake.put("pluginconfigs", "a", {"spec": SPEC})
    async with reflecting(access, "default") as reflector:
        await until(lambda: fake.requests("watch"))
        trouble = fake.fail(fault, *verbs)
        began = len(fake.requests(*verbs))
        await until(lambda: len(fake.requests(*verbs)) >= began + 5)
        troubled = [each.at for each in fake.requests(*verbs)[began:]]
        assert troubled[-1] - troubled[0] >= 1.0  # it waits longer and longer
        assert reflector.items == {"a": 1}  # what was known is kept
        fake.put("pluginconfigs", "b", {"spec": SPEC})
        fake.remove("pluginconfigs", "a")
        trouble.end()
        took = await until(lambda: reflector.items == {"b": 1}, RECOVERED)
        print(f"{name}: {took:.1f} s, {len(fake.requests())} requests")


async def test_a_watch_that_is_refused_begins_with_a_list_the_next_time(fake: FakeApi, access: Access) -> None:
    fake.fail(Refuse(410, "Expired"), "watch", times=1)
    async with reflecting(access, "default"):
        await until(lambda: len(fake.requests("watch")) == 2)
    assert [each.verb for each in fake.requests()] == ["list", "watch", "list", "watch"]


async def test_a_watch_that_says_nothing_is_given_up(fake: FakeApi, access: Access) -> None:
    fake.fail(Silence(), "watch", times=1)
    async with reflecting(access, "default") as reflector:
        await until(lambda: fake.requests("watch"))
        fake.put("pluginconfigs", "a", {"spec": SPEC})
        await until(lambda: reflector.items, RECOVERED)


async def test_a_server_that_does_not_answer_is_given_up(
    fake: FakeApi, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.kube.reflector.LIST_SECONDS", 0.3)
    fake.fail(Silence(headers=False), "list", times=2)
    fake.put("pluginconfigs", "a", {"spec": SPEC})
    async with reflecting(access, "default") as reflector:
        await until(lambda: reflector.items, RECOVERED)


async def test_a_quiet_collection_costs_a_request_each_few_seconds(fake: FakeApi, access: Access) -> None:
    async with reflecting(access, "default") as reflector:
        await until(lambda: reflector.is_synced)
        await until(lambda: len(fake.requests("watch")) == 3)
        first, *_, last = (each.at for each in fake.requests("watch"))
        assert last - first > 15
        assert len(fake.requests("list")) == 1


# --- a real API server


@pytest.fixture
def real(namespace: Namespace, tmp_path: Path) -> Access:
    account = namespace.service_account("reader")
    namespace.grant(account, RULE)
    return Access.find(namespace.kubeconfig(tmp_path / "kubeconfig", namespace.token(account)), {})


RULE = {"apiGroups": ["pluginmgr.dev"], "resources": ["pluginconfigs"], "verbs": ["list", "watch"]}


async def test_pages_are_put_together(namespace: Namespace, real: Access) -> None:
    for number in range(7):
        await asyncio.to_thread(namespace.config, f"c{number}", SPEC)
    async with reflecting(real, namespace.name, page=3) as reflector:
        await until(lambda: reflector.is_synced)
        assert sorted(reflector.items) == [f"c{number}" for number in range(7)]
        await asyncio.to_thread(namespace.config, "c7", SPEC)
        await until(lambda: "c7" in reflector.items)


async def test_a_bookmark_keeps_a_quiet_watch_from_having_to_list_again(namespace: Namespace, real: Access) -> None:
    async with reflecting(real, namespace.name) as reflector:
        await until(lambda: reflector.is_synced)
        listed = reflector._version
        other = Namespace(namespace.cluster, f"{namespace.name}-other")
        await asyncio.to_thread(other.create)
        await asyncio.to_thread(other.config, "elsewhere", SPEC)
        await until(lambda: reflector._version != listed, RECOVERED)
        assert reflector.items == {}
        await asyncio.to_thread(other.delete)


async def test_what_happened_while_the_api_server_was_away_is_caught_up_with(
    namespace: Namespace, real: Access, control_plane
) -> None:
    await asyncio.to_thread(namespace.config, "a", SPEC)
    async with reflecting(real, namespace.name) as reflector:
        await until(lambda: reflector.items)
        for _ in range(2):
            await asyncio.to_thread(control_plane.restart)
        namespace.cluster.api("DELETE", namespace.ours("pluginconfigs/a"))
        await asyncio.to_thread(namespace.config, "b", SPEC)
        await until(lambda: reflector.items == {"b": 1}, RECOVERED)


async def test_a_compacted_history_is_listed_anew(namespace: Namespace, real: Access, control_plane) -> None:
    async with reflecting(real, namespace.name) as reflector:
        await until(lambda: reflector.is_synced)
        await asyncio.to_thread(control_plane.kill)
        await asyncio.to_thread(control_plane.start)
        await asyncio.to_thread(namespace.config, "a", SPEC)
        await asyncio.to_thread(control_plane.compact)
        await until(lambda: reflector.items == {"a": 1}, RECOVERED)


async def test_the_crd_deleted_and_made_again(namespace: Namespace, real: Access) -> None:
    await asyncio.to_thread(namespace.config, "a", SPEC)
    async with reflecting(real, namespace.name) as reflector:
        await until(lambda: reflector.items)
        await asyncio.to_thread(namespace.cluster.remove_crd, "pluginconfigs")
        await until(lambda: not reflector.items, RECOVERED)
        await asyncio.to_thread(namespace.cluster.install_crds)
        await asyncio.to_thread(namespace.config, "b", SPEC)
        await until(lambda: reflector.items == {"b": 1}, RECOVERED)


async def test_rights_that_were_taken_away_and_given_back(namespace: Namespace, real: Access) -> None:
    async with reflecting(real, namespace.name) as reflector:
        await until(lambda: reflector.is_synced)
        await asyncio.to_thread(namespace.revoke, "reader")
        await until(lambda: reflector._is_failing, RECOVERED)
        await asyncio.to_thread(namespace.grant, "reader", RULE)
        await asyncio.to_thread(namespace.config, "a", SPEC)
        await until(lambda: reflector.items == {"a": 1}, RECOVERED)
