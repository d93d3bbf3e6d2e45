"""Many sidecars on one config: what they ask of the API server grows with their number, and an edit costs nothing."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from controller.config import CurrentConfig
from controller.core.events import ConfigRead, Event
from controller.kube.access import Access
from controller.kube.config_object import ConfigObject
from controller.kube.names import CONFIGS, GROUP
from tests.cluster.namespace import Namespace

MANY = 200
NAME = "plugins"
QUIET = 5.0  # seconds in which nothing may be asked
DEADLINE = 180.0


class Source:
    """One sidecar's end: `read` are the generations that it has heard of, with the moment."""

    def __init__(self, access: Access, namespace: str, keep: Path) -> None:
        self.read: dict[int, float] = {}
        current = CurrentConfig(self.hear, plugin_dir="/plugins", environ={}, secrets_dirs=[], keep=keep)
        self.object = ConfigObject(access, namespace, NAME, current, self.hear)

    def hear(self, event: Event) -> None:
        if isinstance(event, ConfigRead):
            self.read[event.config.generation] = time.monotonic()


@pytest.fixture
def observed() -> list[tuple[str, str, str]]:
    """The requests of all, by verb, resource and code."""
    return []


@pytest.fixture
def access(namespace: Namespace, observed: list[tuple[str, str, str]], tmp_path: Path) -> Access:
    account = namespace.service_account()
    namespace.grant(account, {"apiGroups": [GROUP], "resources": [CONFIGS], "verbs": ["list", "watch"]})
    kubeconfig = namespace.kubeconfig(tmp_path / "kubeconfig", namespace.token(account))
    return Access.find(kubeconfig, {}, lambda verb, what, code, _: observed.append((verb, what, code)))


async def until_read(sources: list[Source], generation: int) -> None:
    async with asyncio.timeout(DEADLINE):
        while not all(generation in each.read for each in sources):  # noqa: ASYNC110 - nor are 200 sources
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_one_edit_reaches_all_and_costs_no_request(
    access: Access, namespace: Namespace, observed: list[tuple[str, str, str]], tmp_path: Path
):
    await asyncio.to_thread(namespace.config, NAME, {"kinds": []})
    sources = [Source(access, namespace.name, tmp_path / str(number)) for number in range(MANY)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.object.run()) for each in sources]
        await until_read(sources, 1)
        async with asyncio.timeout(DEADLINE):
            while Counter(observed)["watch", CONFIGS, "200"] < MANY:  # noqa: ASYNC110 - a list is no event
                await asyncio.sleep(0.1)
        began = list(observed)
        await asyncio.sleep(QUIET)
        assert observed == began
        await asyncio.to_thread(namespace.config, NAME, {"kinds": [], "paused": True})
        answered = time.monotonic()
        await until_read(sources, 2)
        assert observed == began
        for task in tasks:
            task.cancel()
    taken = sorted(each.read[2] - answered for each in sources)
    print(f"{MANY} sources: an edit is there after {taken[MANY // 2]:.3f} s, the last after {taken[-1]:.3f} s")
    print(f"requests at the start: {Counter(began)}")
    assert len(began) <= 12 * MANY  # nine each, and a few where the machine is slow
