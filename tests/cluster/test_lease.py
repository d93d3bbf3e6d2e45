"""A lease on a real API server: taken over when it is over, whatever the time of day is said to be."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.kube.access import Access
from controller.kube.election import DURATION, STOP
from controller.kube.lease import Lease
from controller.kube.rest import Rest
from tests.cluster.cut import Wire
from tests.cluster.eventually import until
from tests.cluster.namespace import Namespace

COORDINATION = "/apis/coordination.k8s.io/v1"
RULE = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "patch"]}


@pytest.fixture
def kubeconfig(namespace: Namespace, tmp_path: Path) -> Path:
    account = namespace.service_account("candidate")
    namespace.grant(account, RULE)
    return namespace.kubeconfig(tmp_path / "kubeconfig", namespace.token(account))


@asynccontextmanager
async def wanting(access: Access, namespace: Namespace, me: str) -> AsyncIterator[Lease]:
    async with Rest(access) as rest:
        lease = Lease(rest, namespace.name, "summaries", me)
        running = asyncio.create_task(lease.run())
        try:
            yield lease
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def spec_of(namespace: Namespace) -> dict:
    found = namespace.find(namespace.path(COORDINATION, "leases/summaries"))
    assert found
    return found["spec"]


async def test_it_is_made_renewed_and_given_back(namespace: Namespace, kubeconfig: Path) -> None:
    access = await asyncio.to_thread(Access.find, kubeconfig, {})
    async with wanting(access, namespace, "me") as lease:
        await until(lambda: lease.is_held, 5)
        first = spec_of(namespace)
        assert (first["holderIdentity"], first["leaseTransitions"]) == ("me", 0)
        await until(lambda: spec_of(namespace)["renewTime"] != first["renewTime"], 10)
        assert spec_of(namespace)["acquireTime"] == first["acquireTime"]
        assert lease.is_held
    assert not lease.is_held
    assert not spec_of(namespace).get("holderIdentity")


@pytest.mark.parametrize("skew", [-600, 600])
async def test_a_dead_holder_whose_clock_was_off_is_waited_for_as_long_as_any(
    skew: int, namespace: Namespace, kubeconfig: Path
) -> None:
    said = (datetime.now(UTC) + timedelta(seconds=skew)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = {
        "metadata": {"name": "summaries", "labels": {"kept": "yes"}},
        "spec": {
            "holderIdentity": "dead",
            "leaseDurationSeconds": int(DURATION),
            "renewTime": said,
            "acquireTime": said,
        },
    }
    path = namespace.path(COORDINATION, "leases")
    made = namespace.cluster.api("POST", path, body)
    access = await asyncio.to_thread(Access.find, kubeconfig, {})
    async with wanting(access, namespace, "me") as lease:
        took = await until(lambda: lease.is_held, 2 * DURATION)
    print(f"taken over after {took:.1f} s")
    assert took >= DURATION
    now = namespace.cluster.api("GET", f"{path}/{made['metadata']['name']}")
    assert now["metadata"]["labels"] == {"kept": "yes"}
    assert now["spec"]["leaseTransitions"] == 1


@pytest.fixture
def far(namespace: Namespace, kubeconfig: Path, wire: Wire) -> Path:
    """The way there through a wire."""
    text = kubeconfig.read_text().replace(namespace.cluster.server, "https://{}:{}".format(*wire.address))
    place = kubeconfig.with_name("far")
    place.write_text(text)
    return place


async def test_who_cannot_renew_stops_before_another_may_begin(
    namespace: Namespace, kubeconfig: Path, far: Path, wire: Wire
) -> None:
    mine, others = [await asyncio.to_thread(Access.find, each, {}) for each in (far, kubeconfig)]
    async with wanting(mine, namespace, "a") as one:
        await until(lambda: one.is_held, 5)
        async with wanting(others, namespace, "b") as two:
            wire.swallow()
            cut = time.monotonic()
            await until(lambda: not one.is_held, STOP + 1)
            stopped = time.monotonic() - cut
            assert not two.is_held
            await until(lambda: two.is_held, 2 * DURATION)
            print(f"stopped after {stopped:.1f} s, taken over after {time.monotonic() - cut:.1f} s")
            wire.mend()
            await until(lambda: one._watched is not None and one._watched.held.holder == "b", 10)
            assert two.is_held
            assert not one.is_held
