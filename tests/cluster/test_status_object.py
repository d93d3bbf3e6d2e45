"""The status as a PluginPodStatus on a real API server."""

import asyncio
import json
import random
import time
from dataclasses import replace

import pytest

from controller.app.status_writer import StatusWriter
from controller.core.reasons import Reason
from controller.errors import StatusNotWrittenError
from controller.kube import status_object
from controller.kube.access import Access
from controller.kube.pod import Pod
from controller.kube.rest import Rest
from controller.kube.status_object import StatusObject
from controller.manager.status import meaning
from tests.cluster.api import APPLY
from tests.cluster.in_pod import InPod
from tests.kube.entries import document, entry

DEADLINE = 30.0


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Sidecar:
    """A StatusObject in a pod, and what it says."""

    def __init__(self, inside, **more):
        self.inside = inside
        self.pod = Pod.find(inside.environ, "")
        self.noted = []
        self.lost = 0
        self.rest = Rest(Access.find(None, inside.environ))
        self.object = StatusObject(self.rest, replace(self.pod, **more), self.noted.append)
        self.path = inside.namespace.ours(f"pluginpodstatuses/{self.pod.name}")

    def found(self):
        return self.inside.namespace.find(self.path)

    async def write(self, *plugins, **more):
        await self.object.write(document(*plugins, **more))

    async def until_written(self, *plugins):
        async with asyncio.timeout(DEADLINE):
            while True:
                try:
                    return await self.write(*plugins)
                except StatusNotWrittenError as error:
                    await asyncio.sleep(error.retry_after)

    async def until_refused(self):
        """What is decided by Roles and namespaces takes a moment to be known."""
        async with asyncio.timeout(DEADLINE):
            while True:
                await self.write(entry(1))

    def miss(self):
        self.lost += 1


@pytest.fixture
async def sidecar(namespace, tmp_path):
    made = Sidecar(InPod(namespace, tmp_path / "account"))
    async with made.rest:
        yield made


async def test_the_object_is_the_document_and_belongs_to_its_pod(sidecar):
    await sidecar.write(entry(1), entry(2, is_well=False))
    found = sidecar.found()
    metadata = found["metadata"]
    assert found["status"] == document(entry(1), entry(2, is_well=False))["status"]
    assert metadata["labels"] == {"pluginmgr.dev/config": "rules"}
    assert metadata["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": sidecar.inside.pod["metadata"]["uid"]}
    ]
    assert [(each["manager"], each["operation"]) for each in metadata["managedFields"]] == [
        ("pluginmgr-sidecar", "Apply")
    ]


async def test_what_is_not_said_any_more_is_gone(sidecar):
    await sidecar.write(entry(1, logs=["a"], nextRetry="2026-11-24T12:00:00Z"), entry(2))
    await sidecar.write(entry(1))
    (only,) = sidecar.found()["status"]["plugins"]
    assert "logs" not in only
    assert "nextRetry" not in only


async def test_the_object_of_a_namesake_becomes_this_pods(namespace, tmp_path, sidecar):
    """A StatefulSet's pods keep their names; what the old one left is about to be deleted with it."""
    await sidecar.write(entry(1))
    old = sidecar.inside.pod["metadata"]["uid"]
    other = Sidecar(sidecar.inside, uid="0b4d1c1e-0000-4000-8000-000000000000")
    async with other.rest:
        await other.write(entry(2))
    owners = [each["uid"] for each in sidecar.found()["metadata"]["ownerReferences"]]
    assert owners == ["0b4d1c1e-0000-4000-8000-000000000000"]
    assert old not in owners


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f600 \U0001f6e1\ufe0f",
        "\x1b[31mred\x00\x7f\x85\x9f",
        "a\u2028b\ufeff\ufffe",
        "#: {[\"'\\\t\n- é €",
        "x" * 4096,
    ],
    ids=["emoji", "control", "breaks", "yaml", "long"],
)
async def test_a_plugin_may_say_what_it_likes(sidecar, text):
    await sidecar.write(entry(1, message=text, logs=[text[:2048]]))
    (found,) = sidecar.found()["status"]["plugins"]
    assert found["message"] == text
    assert found["logs"] == [text[:2048]]


async def test_what_is_out_of_all_bounds_is_cut_and_written(sidecar):
    monster = entry(1, is_well=False, message="m" * 50_000, logs=["l" * 5000] * 500, displayName="d" * 9999)
    await sidecar.write(monster, {**entry(2), "name": "a\udcff"}, {**entry(3), "name": "a\udcfe"}, foreign=[1])
    status = sidecar.found()["status"]
    assert len(status["plugins"]) == 2
    assert len(status["plugins"][0]["logs"]) == 100
    assert "foreign" not in status


@pytest.mark.parametrize("number", [200, 2000, 4096])
async def test_any_number_of_plugins_is_written(sidecar, number):
    plugins = [entry(each, is_well=each % 10 > 0) for each in range(number)]
    times = []
    for turn in range(3):
        began = time.perf_counter()
        await sidecar.write(*plugins, observedGeneration=turn)
        times.append(time.perf_counter() - began)
    found = sidecar.found()
    kinds = [each["type"] for each in found["status"]["conditions"]]
    size = len(json.dumps(found))
    print(f"{number} plugins: {size / 1024:.0f} KiB stored, written in {sorted(times)[1] * 1000:.0f} ms, {kinds[1:]}")
    assert ("Truncated" in kinds) == (number > 1000)
    if number <= 2000:
        assert len(found["status"]["plugins"]) == number
    await sidecar.write(entry(1))
    assert [each["type"] for each in sidecar.found()["status"]["conditions"]] == ["Ready"]


@pytest.mark.filterwarnings("ignore:Sending a large body")  # which is what it is for
async def test_what_the_api_server_calls_too_large_is_told_more_briefly(sidecar):
    """Its limit can be set lower than anybody thinks, and what it stores beside the document is its own affair."""
    sidecar.object._most = 8 * 1024 * 1024
    long = [entry(each, is_well=False, name=f"{each:05}" + "n" * 250, id="i" * 900) for each in range(4096)]
    with pytest.raises(StatusNotWrittenError, match=r"too large|larger than max"):
        await sidecar.write(*long)
    await sidecar.until_written(*long)
    (_, truncated) = sidecar.found()["status"]["conditions"]
    assert truncated["reason"] == "StatusTooLarge"
    assert "plugins are left out" in truncated["message"]


async def test_without_the_crd_it_says_so_and_is_written_when_it_is_there(sidecar, cluster):
    cluster.remove_crd("pluginpodstatuses")
    with pytest.raises(StatusNotWrittenError, match=r"CRD pluginpodstatuses\.pluginmgr\.dev installed"):
        await sidecar.write(entry(1))
    cluster.install_crds()
    await sidecar.until_written(entry(1))
    assert sidecar.found()


async def test_who_may_not_is_told_what_to_look_at(sidecar):
    sidecar.inside.forbid()
    with pytest.raises(StatusNotWrittenError, match=r": 403 .*; look at the Role") as caught:
        await sidecar.until_refused()
    assert caught.value.retry_after > 0
    sidecar.inside.allow()
    await sidecar.until_written(entry(1))


async def test_a_namespace_that_ends_disturbs_nobody(sidecar):
    sidecar.inside.namespace.delete()
    with pytest.raises(StatusNotWrittenError, match="being terminated"):
        await sidecar.until_refused()


async def test_a_refused_token_is_read_again_at_once(sidecar):
    good = (sidecar.inside.directory / "token").read_text()
    sidecar.inside.put_token("e30.e30.e30")
    with pytest.raises(StatusNotWrittenError, match=r": 401 .*service account"):
        await sidecar.write(entry(1))
    sidecar.inside.put_token(good)
    await sidecar.until_written(entry(1))


async def test_an_outage_is_a_condition_after_ten_seconds_until_it_is_over(sidecar, control_plane):
    sidecar.object._clock = clock = Clock()
    await sidecar.write(entry(1))
    control_plane.kill()
    for now in (100.0, 109.9, 110.0, 115.0):
        clock.now = now
        with pytest.raises(StatusNotWrittenError, match="cannot be reached"):
            await sidecar.write(entry(2))
        assert len(sidecar.noted) == (now >= 110)
    (noted,) = sidecar.noted
    assert noted.type == "ApiUnreachable"
    assert noted.problem.reason is Reason.API_UNREACHABLE
    assert noted.problem.message.endswith("web-0: the API server cannot be reached (Connection refused)")
    control_plane.start()
    await sidecar.until_written(entry(2))
    assert [(each.type, each.problem) for each in sidecar.noted[1:]] == [("ApiUnreachable", None)]
    await sidecar.write(entry(3))
    assert len(sidecar.noted) == 2


async def test_waits_grow_to_five_seconds_and_begin_anew(sidecar, control_plane):
    control_plane.kill()
    waits = []
    for _ in range(8):
        with pytest.raises(StatusNotWrittenError) as caught:
            await sidecar.write(entry(1))
        waits.append(caught.value.retry_after)
    assert waits[0] <= 0.2
    assert all(2.5 <= wait <= 5 for wait in waits[-2:])
    control_plane.start()
    await sidecar.until_written(entry(1))
    control_plane.kill()
    with pytest.raises(StatusNotWrittenError) as caught:
        await sidecar.write(entry(1))
    assert caught.value.retry_after <= 0.2
    control_plane.start()


async def looks(sidecar, number):
    """Let it look so many times at the least."""
    seen, there = asyncio.Semaphore(0), sidecar.object._is_there

    async def is_there():
        answer = await there()
        seen.release()
        return answer

    sidecar.object._is_there = is_there
    running = asyncio.create_task(sidecar.object.run(sidecar.miss))
    async with asyncio.timeout(DEADLINE):
        for _ in range(number + 1):
            await seen.acquire()
    running.cancel()
    await asyncio.wait({running})
    sidecar.object._is_there = there


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(status_object, "SOON", 0.01)
    monkeypatch.setattr(status_object, "LOOK", 0.01)


async def test_a_look_misses_nothing_while_nobody_touches_it(sidecar, often):
    await looks(sidecar, 2)  # not written yet
    await sidecar.write(entry(1))
    await looks(sidecar, 3)
    assert sidecar.lost == 0


async def test_a_look_finds_out_that_it_was_deleted(sidecar, often):
    await sidecar.write(entry(1))
    sidecar.inside.namespace.cluster.api("DELETE", sidecar.path)
    await looks(sidecar, 1)
    assert sidecar.lost > 0
    await sidecar.write(entry(1))
    sidecar.lost = 0
    await looks(sidecar, 1)
    assert sidecar.lost == 0


async def test_a_look_finds_out_that_somebody_else_wrote(sidecar, often):
    await sidecar.write(entry(1))
    other = document(entry(9))
    other["metadata"] = {"name": "web-0"}
    sidecar.inside.namespace.cluster.api(
        "PATCH", sidecar.path, other, content_type=APPLY, fieldManager="x", force="true"
    )
    await looks(sidecar, 1)
    assert sidecar.lost > 0
    await sidecar.write(entry(1))
    assert sidecar.found()["status"] == document(entry(1))["status"]


async def test_a_look_that_fails_proves_nothing(sidecar, often, control_plane):
    await sidecar.write(entry(1))
    control_plane.kill()
    await looks(sidecar, 2)
    assert sidecar.lost == 0
    control_plane.start()


async def test_a_change_is_there_within_a_second_and_a_half(sidecar):
    number = [0]
    writer = StatusWriter(lambda: document(entry(1), restarts=0, summary=str(number[0])), sidecar.object.write)
    running = asyncio.create_task(writer.run())
    lags = []
    for turn in range(1, 8):
        await asyncio.sleep(random.random() * 0.5)
        number[0], began = turn, time.monotonic()
        writer.changed()
        await asyncio.to_thread(
            sidecar.inside.namespace.until_status, "web-0", lambda status, turn=turn: status["summary"] == str(turn)
        )
        lags.append(time.monotonic() - began)
    running.cancel()
    await asyncio.wait({running})
    print(f"a change is written after {sorted(lags)[3]:.2f} s in the median, {max(lags):.2f} s at most")
    assert max(lags) < 1.5


async def test_the_same_meaning_costs_no_request(sidecar, control_plane):
    ticks = [0]

    def wavering():
        ticks[0] += 1
        return document(entry(1, nextRetry=f"2026-11-24T12:00:{ticks[0] % 60:02}Z"))

    writer = StatusWriter(wavering, sidecar.object.write, meaning=meaning)
    running = asyncio.create_task(writer.run())
    for _ in range(25):
        writer.changed()
        await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait({running})
    assert ticks[0] >= 3
    user = sidecar.inside.namespace.user(sidecar.inside.account)
    assert [each.verb for each in control_plane.audit.until(len, user)] == ["patch"]


async def test_kubectl_shows_who_is_not_all_right(sidecar, namespace):
    await sidecar.write(entry(1))
    table = namespace.kubectl("get", "pps").stdout
    assert table.split()[:5] == ["NAME", "READY", "PLUGINS", "REASON", "AGE"]
    assert "web-0" in table
    assert "web-0" not in namespace.kubectl("get", "pps", "--field-selector", "status.ready=false").stdout
