"""Each path of the control socket, and streams that end for every reason."""

import asyncio
import json

import pytest

from controller.http import Check, Control
from tests.http.fakes import FakeViews, plugin, pod, record


@pytest.fixture
def views():
    return FakeViews(pod(plugin("rule/good"), plugin("rule/bad", "CrashLoop"), plugin("kind/a%b c")))


@pytest.fixture
async def ask(views, control, connect):
    path = await control(Control(views).handle)

    async def ask(target: str, method: str = "GET"):
        wire = await connect(path)
        wire.write(f"{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, body = await wire.answer()
        return status, json.loads(body) if headers["content-type"] == "application/json" else body.decode()

    return ask


async def test_status_is_the_document(ask, views):
    assert await ask("/status") == (200, views.document)


async def test_a_plugin_is_found_by_its_quoted_names(ask, views):
    assert await ask("/plugins/kind/a%25b%20c") == (200, views.plugin("kind/a%b c"))
    assert await ask("/plugins/rule/none") == (404, {"error": "no plugin rule/none"})


async def test_history_of_all_and_of_one(ask, views):
    views.past = [{"plugin": "rule/good", "what": "Ready"}, {"plugin": "rule/bad", "what": "WorkerLost"}]
    assert await ask("/history") == (200, {"items": views.past})
    assert await ask("/history/rule/bad") == (200, {"items": views.past[1:]})


async def test_logs_are_one_record_a_line(ask, views):
    views.records["rule/good"] = [record("old", "w1"), record("new\nline", "w2")]
    _, text = await ask("/logs/rule/good")
    assert [json.loads(line)["message"] for line in text.splitlines()] == ["old", "new\nline"]
    _, text = await ask("/logs/rule/good?previous")
    assert [json.loads(line)["message"] for line in text.splitlines()] == ["old"]
    assert await ask("/logs/rule/none") == (404, {"error": "no plugin rule/none"})
    assert (await ask("/logs/rule/good?previous&follow"))[0] == 400


async def test_restart_is_taken(ask, views):
    assert await ask("/restart/rule/bad", "POST") == (202, {"restart": "rule/bad"})
    assert views.restarted == ["rule/bad"]
    assert await ask("/restart/rule/none", "POST") == (404, {"error": "no plugin rule/none"})


async def test_a_restart_needs_a_post_and_the_rest_a_get(ask, views):
    assert (await ask("/restart/rule/good"))[0] == 405
    assert (await ask("/status", "POST"))[0] == 405
    assert not views.restarted


@pytest.mark.parametrize(
    "target", ["/", "/status/", "/status/a/b", "/plugins", "/plugins/a", "/plugins/a%2Fb/c", "/x", "/restart", "/logs"]
)
async def test_what_is_not_there_is_a_404(ask, target):
    status, body = await ask(target)
    assert status == 404
    assert body["error"]


async def test_livez(ask, views):
    assert await ask("/livez") == (200, "ok\n")
    views.live = (Check("loop", ok=True), Check("volume", ok=False, why="asleep"))
    assert await ask("/livez") == (503, "[+]loop ok\n[-]volume failed: asleep\nlivez check failed\n")


# --- follow -----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def follow(views, control, connect):
    path = await control(Control(views).handle)

    async def follow(version: str = "1.1"):
        wire = await connect(path)
        wire.write(f"GET /logs/rule/good?follow HTTP/{version}\r\nHost: x\r\n\r\n")
        status, headers = await wire.head()
        assert status == 200
        assert headers["content-type"] == "application/x-ndjson"
        return wire

    return follow


async def test_following_gives_the_ring_and_then_each_record_at_once(views, follow):
    views.records["rule/good"] = [record("old")]
    wire = await follow()
    assert json.loads(await wire.chunk())["message"] == "old"
    for message in ("one", "two"):
        views.said.put_nowait(record(message))
        assert json.loads(await wire.chunk())["message"] == message
    views.said.put_nowait(None)
    assert await wire.chunk() == b""
    assert await wire.is_closed()


async def test_a_client_of_http_1_0_can_follow(views, follow):
    wire = await follow("1.0")
    views.said.put_nowait(record("one"))
    views.said.put_nowait(None)
    assert json.loads(await wire.reader.read())["message"] == "one"


async def test_a_follower_that_goes_is_forgotten_though_nothing_is_said(views, follow):
    wire = await follow()
    await views.following.wait()
    await wire.close()
    await asyncio.wait_for(views.left.wait(), 10)


async def test_a_bug_in_a_stream_cuts_it_off_and_is_logged(views, follow, caplog):
    wire = await follow()
    views.said.put_nowait(ZeroDivisionError())
    assert await wire.is_closed()  # without the chunk that ends a body
    assert "cannot go on" in caplog.text
    assert (await follow()).reader is not wire.reader
