"""What a kubelet and a Prometheus get."""

import threading

import pytest

from controller.http import Check, Probes
from controller.metrics import PluginManagerMetrics
from tests.http.fakes import FakeViews


@pytest.fixture
def views():
    return FakeViews()


@pytest.fixture
async def ask(views, serving, connect):
    address = await serving(Probes(views, PluginManagerMetrics().render).handle)

    async def ask(target: str, method: str = "GET", accept: str = "*/*"):
        wire = await connect(address)
        wire.write(f"{method} {target} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n")
        return await wire.answer()

    return ask


@pytest.mark.parametrize("probe", ["livez", "readyz"])
async def test_a_probe_that_holds_says_ok_and_verbose_says_what_holds(ask, views, probe):
    views.live = views.ready = (Check("one", ok=True), Check("two", ok=True))
    assert (await ask(f"/{probe}"))[::2] == (200, b"ok\n")
    assert (await ask(f"/{probe}?verbose"))[::2] == (200, f"[+]one ok\n[+]two ok\n{probe} check passed\n".encode())


@pytest.mark.parametrize("probe", ["livez", "readyz"])
async def test_a_probe_that_fails_says_why_without_being_asked(ask, views, probe):
    views.live = views.ready = (Check("one", ok=True), Check("two", ok=False, why="no scan yet"))
    for target in (f"/{probe}", f"/{probe}?verbose"):
        status, _, body = await ask(target)
        assert status == 503
        assert body == f"[+]one ok\n[-]two failed: no scan yet\n{probe} check failed\n".encode()


async def test_the_two_probes_are_not_the_same(ask, views):
    views.ready = (Check("config", ok=False, why="none"),)
    assert (await ask("/livez"))[0] == 200
    assert (await ask("/readyz"))[0] == 503


async def test_metrics_come_in_the_form_that_is_asked_for(ask):
    status, headers, body = await ask("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    assert b"pluginmgr_config_generation 0.0" in body
    _, headers, body = await ask("/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


async def test_metrics_are_written_down_beside_the_loop(views, serving, connect):
    threads = []

    def render(_: str) -> tuple[bytes, str]:
        threads.append(threading.current_thread())
        return b"", "text/plain"

    wire = await connect(await serving(Probes(views, render).handle))
    wire.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await wire.answer())[0] == 200
    assert threads[0] is not threading.main_thread()


async def test_nothing_else_is_served(ask):
    assert (await ask("/status"))[0] == 404
    assert (await ask("/restart/rule/good", "POST"))[0] == 404
    status, headers, _ = await ask("/metrics", "POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")
