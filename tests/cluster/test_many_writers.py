"""Two hundred pods that have something to say at the same moment say it one after the other."""

import asyncio
import time
from collections import Counter
from dataclasses import replace

import pytest

from controller.app.status_writer import StatusWriter
from controller.kube.access import Access
from controller.kube.pod import Pod
from controller.kube.rest import Rest
from controller.kube.status_object import RATE, StatusObject, write_window
from controller.manager.status import meaning
from tests.cluster.in_pod import InPod
from tests.kube.entries import document, entry

PODS = 200
DEADLINE = 60.0


class Fleet:
    """Writers of many pods that all follow one config, in one process."""

    def __init__(self, inside, rest):
        self.inside = inside
        self.generation = 1
        pod = Pod.find(inside.environ, "")
        objects = [StatusObject(rest, replace(pod, name=f"web-{number}"), lambda noted: None) for number in range(PODS)]
        self.writers = [
            StatusWriter(self.document, each.write, meaning=meaning, window=lambda: write_window(PODS))
            for each in objects
        ]

    def document(self):
        return document(*(entry(number) for number in range(5)), observedGeneration=self.generation)

    def found(self):
        statuses = self.inside.namespace.cluster.api("GET", self.inside.namespace.ours("pluginpodstatuses"))["items"]
        return [each["status"]["observedGeneration"] for each in statuses]

    def change(self):
        for writer in self.writers:
            writer.changed()

    async def until_converged(self):
        async with asyncio.timeout(DEADLINE):
            while await asyncio.to_thread(self.found) != [self.generation] * PODS:  # noqa: ASYNC110 - another process knows
                await asyncio.sleep(0.1)


@pytest.fixture
async def fleet(namespace, tmp_path):
    inside = InPod(namespace, tmp_path / "account", "web")
    async with Rest(Access.find(None, inside.environ)) as rest:
        made = Fleet(inside, rest)
        running = [asyncio.create_task(each.run()) for each in made.writers]
        yield made
        for task in running:
            task.cancel()
        await asyncio.wait(running)


@pytest.mark.slow
async def test_one_edit_is_one_request_of_each_spread_over_time(fleet, control_plane):
    user = fleet.inside.namespace.user(fleet.inside.account)
    fleet.change()
    await fleet.until_converged()
    fleet.generation, began = 2, time.monotonic()
    for _ in range(5):  # steps come in bursts
        fleet.change()
        await asyncio.sleep(0.01)
    await fleet.until_converged()
    taken = time.monotonic() - began
    asked = control_plane.audit.until(lambda found: len(found) == 2 * PODS, user)
    assert Counter(each.verb for each in asked) == {"patch": 2 * PODS}
    print(f"{PODS} pods converged in {taken:.1f} s, {PODS / taken:.0f} writes a second")
    assert taken > 0.8 * PODS / RATE - 1
    fleet.change()
    await asyncio.sleep(2)
    assert len(control_plane.audit.requests(user)) == 2 * PODS
