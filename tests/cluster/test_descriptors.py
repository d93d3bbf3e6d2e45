"""A run of kopf against an API server that speaks TLS closes what it opened, and leaves nothing to the collector."""

import asyncio
import contextlib
import gc
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.kube.access import Access
from controller.kube.notes import Followed
from controller.kube.operator import Operator
from tests.cluster.cut import Wire
from tests.cluster.in_pod import InPod
from tests.cluster.namespace import Namespace

RUNS = 10
NAME = "plugins"


@pytest.fixture
def access(namespace: Namespace, wire: Wire, tmp_path: Path) -> Access:
    namespace.config(NAME, {"kinds": []})
    host, port = wire.address
    here = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}
    return Access.find(None, InPod(namespace, tmp_path / "account").environ | here)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage is collected, but what there was before."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def follow_once(access: Access, wire: Wire) -> None:
    """Let kopf run until it watches, and end it when nobody answers a goodbye any more."""
    watches = asyncio.Event()
    run = Operator(access, access.namespace, NAME, lambda note: watches.set() if isinstance(note, Followed) else None)
    task = asyncio.create_task(run.run())
    async with asyncio.timeout(60):
        await watches.wait()
    wire.swallow()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    wire.mend()


def descriptors(wire: Wire) -> int:
    """How many are open, without those of the wire's connections."""
    while wire.cut():
        pass
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.usefixtures("uncollected")
async def test_run_after_run_closes_its_connections_before_it_has_ended(access: Access, wire: Wire):
    await follow_once(access, wire)
    before = descriptors(wire)
    for _ in range(RUNS):
        await follow_once(access, wire)
    after = descriptors(wire)
    with warnings.catch_warnings(record=True, action="always") as left:
        gc.collect()
    assert (after - before, [str(each.message) for each in left]) == (0, [])
