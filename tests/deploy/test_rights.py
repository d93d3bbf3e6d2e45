"""The shipped Roles hold what a real sidecar and a real aggregator ask for, and nothing else."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from controller.core.reasons import Reason
from controller.kube.access import Access
from controller.kube.pod import Pod
from controller.kube.pod_events import PodEvents
from controller.kube.rest import Rest
from controller.manager.history import Entry
from tests.cluster.audit import Request
from tests.cluster.cluster_mode import ClusterMode, cluster_mode_in
from tests.cluster.control_plane import ControlPlane
from tests.cluster.namespace import Namespace
from tests.cluster.token_volume import TokenVolume
from tests.deploy.render import DEPLOY, manifests, one

SIDECAR, AGGREGATOR = "pluginmgr-sidecar", "pluginmgr-aggregator"
KEPT = ("PATH", "HOME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "PYTHONPATH")
ALL_DONE = 65.0  # seconds: the look whether the own status is still there comes within a minute
SLOWEST = 120.0
NEXT_WORD = 301.0  # seconds between two words on an Event that repeats
CREATED = 201

Right = tuple[str, str, str]  # group, resource, verb


def held(role: str) -> set[Right]:
    """What a shipped Role allows."""
    rules = one(manifests(DEPLOY / "base"), "Role", role)["rules"]
    return {right for rule in rules for right in product(rule["apiGroups"], rule["resources"], rule["verbs"])}


def used(requests: list[Request]) -> set[Right]:
    """What was asked for. An apply that makes the object needs the right to create as well."""
    rights = {(each.group, each.resource, each.verb) for each in requests}
    return rights | {(each.group, each.resource, "create") for each in requests if each.code == CREATED}


def until_all_used(plane: ControlPlane, user: str, rights: set[Right], begun: float) -> list[Request]:
    """The user's requests once they needed all of these rights, or as they are when that takes too long."""
    while True:
        found, age = plane.audit.requests(user), time.monotonic() - begun
        if age > SLOWEST or (age > ALL_DONE and used(found) >= rights):
            return found
        time.sleep(0.5)


@contextmanager
def aggregator(namespace: Namespace, root: Path) -> Iterator[None]:
    """The process of the shipped Deployment, with its account's token."""
    pod = namespace.pod("aggregator-0", AGGREGATOR)
    volume = TokenVolume(root / "serviceaccount")
    volume.write(namespace.token(AGGREGATOR, pod), namespace.cluster.ca.read_bytes(), namespace.name)
    host, port = namespace.cluster.address
    env = {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": str(port),
        "PLUGINMGR_SERVICEACCOUNT_DIR": str(volume.directory),
        "PLUGINMGR_X509_STRICT": "false",
        "PLUGINMGR_POD_NAME": "aggregator-0",
    }
    command = [sys.executable, "-m", "controller", "aggregate", "--namespace", namespace.name, "--http", "127.0.0.1:0"]
    with (root / "aggregator.log").open("wb") as log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as run:
        try:
            yield
        finally:
            run.send_signal(signal.SIGTERM)
            assert run.wait(20) == 0, (root / "aggregator.log").read_text()


def live(mode: ClusterMode) -> None:
    """Give the sidecar something to tell of: what serves, what keeps failing, and a pod that is no more."""
    mode.install("echo")
    mode.install("exits_at_once")
    retries = {"restart": {"initialDelayMilliseconds": 100, "maxDelaySeconds": 1}}
    mode.configure({"echo": {}, "exits_at_once": retries})
    mode.start()
    mode.until_told(lambda status: status["summary"] == "1/2")
    gone = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginPodStatus", "metadata": {"name": "gone"}}
    mode.namespace.cluster.apply(mode.namespace.ours("pluginpodstatuses/gone"), gone | {"status": {"ready": True}})


async def repeat_an_event(mode: ClusterMode) -> None:
    """What the sidecar does with an Event that is known for five minutes, without the five minutes."""
    namespace, now = mode.namespace, 0.0
    access = Access.find(None, mode.env | {"PLUGINMGR_X509_STRICT": "false"})
    entry = Entry(time.time(), "zoo/echo", "WorkerLost", Reason.EXITED, "was made up and ended with code 1")

    def until(count: int) -> None:
        path, ends = namespace.path("/apis/events.k8s.io/v1", "events"), time.monotonic() + 30
        while time.monotonic() < ends:
            found = [each for each in namespace.cluster.api("GET", path)["items"] if each["note"].endswith("code 1")]
            if [each.get("series", {}).get("count", 1) for each in found] == [count]:
                return
            time.sleep(0.05)
        raise AssertionError(f"no Event was told of {count} times")

    async with Rest(access) as rest, asyncio.TaskGroup() as group:
        events = PodEvents(rest, Pod.find(mode.env, namespace.name), clock=lambda: now)
        running = group.create_task(events.run())
        events.take(entry)
        await asyncio.to_thread(until, 1)
        now = NEXT_WORD
        events.take(entry)
        await asyncio.to_thread(until, 2)
        running.cancel()


@pytest.fixture
def namespace_of_base(namespace: Namespace, policies: None) -> Namespace:
    namespace.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(DEPLOY / "base"))
    return namespace


@pytest.mark.go
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_roles_hold_what_sidecar_and_aggregator_use_and_nothing_else(
    control_plane: ControlPlane, namespace_of_base: Namespace, tmp_path: Path
) -> None:
    namespace = namespace_of_base
    with aggregator(namespace, tmp_path), cluster_mode_in(namespace, tmp_path / "web-0") as mode:
        begun = time.monotonic()
        live(mode)
        asyncio.run(repeat_an_event(mode))
        for account in (SIDECAR, AGGREGATOR):
            user = namespace.user(account)
            requests = until_all_used(control_plane, user, held(account), begun)
            assert used(requests) == held(account)
            assert [each for each in requests if each.code == 403] == []
