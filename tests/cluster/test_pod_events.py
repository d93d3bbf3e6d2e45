"""Events about the own Pod on a real API server."""

import asyncio
import time
from dataclasses import replace

import pytest

from controller.core.model import PluginKey
from controller.kube import event_ledger
from controller.kube.access import Access
from controller.kube.pod import Pod
from controller.kube.pod_events import MOST, PodEvents
from controller.kube.rest import Rest
from controller.manager.history import Entry
from tests.cluster.in_pod import InPod

DEADLINE = 30.0
NOW = 1_795_000_000.25


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Telling:
    """PodEvents that run in a pod, and what the API server has of them."""

    def __init__(self, inside, clock, **more):
        self.inside = inside
        pod = Pod.find(inside.environ, "")
        self.rest = Rest(Access.find(None, inside.environ))
        self.events = PodEvents(self.rest, replace(pod, **more), clock=clock)
        self.running = asyncio.create_task(self.events.run())

    def found(self):
        return self.inside.namespace.cluster.api("GET", self.path)["items"]

    @property
    def path(self):
        return self.inside.namespace.path("/apis/events.k8s.io/v1", "events")

    async def until(self, fits):
        def has_them(answer):
            return fits(answer["items"])

        answer = await asyncio.to_thread(self.inside.namespace.cluster.until, self.path, has_them)
        return answer["items"]

    async def entered(self):
        async with asyncio.timeout(DEADLINE):
            while not self.events._waiting.empty():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.02)

    def crash(self, plugin="rule/a", message="exit code 3"):
        self.events.take(Entry(NOW, PluginKey(plugin), "WorkerLost", "Exited", message))

    async def end(self):
        self.running.cancel()
        await asyncio.wait({self.running})
        await self.rest.__aexit__()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def telling(namespace, tmp_path, clock):
    made = Telling(InPod(namespace, tmp_path / "account"), clock)
    yield made
    await made.end()


async def test_describe_pod_shows_it(telling, namespace):
    telling.crash(message="exit code 3 \U0001f600\udcff")
    (event,) = await telling.until(len)
    assert event["note"] == "rule/a: exit code 3 \U0001f600?"
    assert event["eventTime"] == "2026-11-18T11:06:40.250000Z"
    assert (event["type"], event["reason"], event["action"]) == ("Warning", "Exited", "RestartWorker")
    assert event["reportingController"] == "pluginmgr.dev/sidecar"
    described = await asyncio.to_thread(namespace.kubectl, "describe", "pod", "web-0")
    assert "rule/a: exit code 3" in described.stdout
    assert "Exited" in described.stdout


async def test_repeats_are_counted_on_the_first(telling, clock):
    for _ in range(3):
        telling.crash()
    await telling.entered()
    (event,) = await telling.until(len)
    assert "series" not in event
    clock.now = event_ledger.INTERVAL
    telling.crash()
    (event,) = await telling.until(lambda found: "series" in found[0])
    assert event["series"] == {"count": 4, "lastObservedTime": "2026-11-18T11:06:40.250000Z"}
    assert event["note"] == "rule/a: exit code 3"


async def test_one_that_the_api_server_forgot_comes_as_a_new_one(telling, clock):
    telling.crash()
    (event,) = await telling.until(len)
    name = event["metadata"]["name"]
    telling.inside.namespace.cluster.api("DELETE", f"{telling.path}/{name}")
    clock.now = event_ledger.INTERVAL
    telling.crash()
    telling.crash()
    (event,) = await telling.until(len)
    assert event["metadata"]["name"] != name


async def test_who_may_not_send_drops_them_and_says_so_once(telling, caplog, namespace):
    telling.inside.forbid()
    deadline = time.monotonic() + DEADLINE
    number = 0
    with caplog.at_level("INFO"):
        while "cannot send events" not in caplog.text:
            assert time.monotonic() < deadline
            telling.crash(f"rule/a{number}")
            number += 1
            await asyncio.sleep(0.3)
        telling.crash("rule/another")
        telling.events.take(Entry(NOW, None, "Ready", "AllReady", ""))
        telling.inside.allow()
        while not any(each["reason"] == "AllReady" for each in telling.found()):
            assert time.monotonic() < deadline
            telling.events.take(Entry(NOW, None, "Ready", "AllReady", "all wanted plugins are ready"))
            await asyncio.sleep(0.3)
    assert caplog.text.count("cannot send events") == 1


async def test_the_queue_is_bounded_and_nobody_waits(telling, control_plane):
    control_plane.kill()
    began = time.monotonic()
    for number in range(3 * MOST):
        telling.crash(f"rule/{number}")
    assert time.monotonic() - began < 1
    assert telling.events._waiting.qsize() == MOST
    began = time.monotonic()
    await telling.end()
    assert time.monotonic() - began < 1
    control_plane.start()


async def test_without_a_uid_nothing_is_sent(namespace, tmp_path, clock):
    telling = Telling(InPod(namespace, tmp_path / "account"), clock, uid="")
    telling.crash()
    assert telling.events._waiting.empty()
    await telling.end()
