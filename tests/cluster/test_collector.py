"""A status is deleted only if the API server itself says that no live pod stands behind it, and only as it was seen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from controller.kube.access import Access
from controller.kube.collector import Collector
from controller.kube.report import Reader, Report
from controller.kube.rest import Rest
from tests.cluster.api import Object
from tests.cluster.eventually import until
from tests.cluster.namespace import Namespace
from tests.cluster.replica import ACCOUNT, aggregator_account
from tests.kube.reported import plugin, pod_status


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.kube.collector.PERIOD", 0.1)
    monkeypatch.setattr("controller.kube.collector.GRACE", 0.3)


@pytest.fixture
def access(namespace: Namespace, tmp_path: Path) -> Access:
    aggregator_account(namespace)
    return Access.find(namespace.kubeconfig(tmp_path / "kubeconfig", namespace.token(ACCOUNT)), {})


def say(namespace: Namespace, pod: str, owner: str = "", reason: str = "Serving") -> Report:
    """Let a pod write its status; what was counted of it."""
    body = pod_status(pod, plugin("x", reason=reason), owner=owner)
    del body["metadata"]["uid"], body["metadata"]["resourceVersion"]
    return Reader().read(namespace.cluster.apply(namespace.ours(f"pluginpodstatuses/{pod}"), body))


@asynccontextmanager
async def collecting(
    access: Access, namespace: Namespace, *reports: Report, may: Callable[[], bool] = lambda: True
) -> AsyncIterator[Collector]:
    """A collector whose copy of the pods is empty."""
    async with Rest(access) as rest:
        collector = Collector(rest, namespace.name, {each.pod: each for each in reports}, {}, may)
        running = asyncio.create_task(collector.run())
        try:
            yield collector
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def found(namespace: Namespace, pod: str) -> Object | None:
    return namespace.find(namespace.ours(f"pluginpodstatuses/{pod}"))


async def test_a_pod_that_our_copy_does_not_show_yet_keeps_its_status(
    namespace: Namespace, access: Access, control_plane
) -> None:
    uid = namespace.pod("new")["metadata"]["uid"]
    reports = say(namespace, "new", uid), say(namespace, "gone", "another")
    async with collecting(access, namespace, *reports) as collector:
        await until(lambda: collector.deleted)
        asked = lambda: [each for each in control_plane.audit.requests(namespace.user(ACCOUNT)) if each.verb == "list"]  # noqa: E731
        before = len(asked())
        await until(lambda: len(asked()) > before + 2)  # it has gone on looking
        assert collector.deleted == 1
    assert found(namespace, "new")
    assert not found(namespace, "gone")


async def test_a_status_that_was_written_meanwhile_is_not_the_one_to_delete(
    namespace: Namespace, access: Access, control_plane
) -> None:
    old = say(namespace, "back")
    say(namespace, "back", reason="Other")
    async with collecting(access, namespace, old) as collector:
        refused = lambda: [  # noqa: E731
            each
            for each in control_plane.audit.requests(namespace.user(ACCOUNT))
            if (each.verb, each.code) == ("delete", 409)
        ]
        await until(lambda: len(refused()) > 1)
        assert collector.deleted == 0
    assert found(namespace, "back")


async def test_one_that_has_lost_the_lease_deletes_nothing_and_begins_anew_with_it(
    namespace: Namespace, access: Access
) -> None:
    looks: list[None] = []
    answers = [True, *[False] * 10]  # so it has seen the status without its pod, long ago

    def may() -> bool:
        looks.append(None)
        return answers[len(looks) - 1] if len(looks) <= len(answers) else True

    async with collecting(access, namespace, say(namespace, "gone"), may=may) as collector:
        await until(lambda: len(looks) > len(answers))
        assert found(namespace, "gone")
        await until(lambda: collector.deleted)
        assert len(looks) - len(answers) > 3  # the grace begins with the lease
