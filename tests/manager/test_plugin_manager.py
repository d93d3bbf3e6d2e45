"""The manager inside a Python host: real plugins, the host's own loop, and nothing of the process changed."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from controller import (
    Dispensed,
    PluginAdapter,
    PluginManager,
    PluginManagerMetrics,
    ProcessPool,
    RegisterMessage,
    UnregisterMessage,
)
from controller.adapters.standard import StandardAdapter
from controller.core.model import WorkerId
from controller.errors import ConfigError, StateDirError
from controller.goplugin.prctl import is_subreaper
from controller.manager.plugin_manager import NotHereError
from tests.e2e.proc import environment_of, is_alive, tagged, until_gone
from tests.plugins import zoo

DEADLINE = 20.0


class Zoo(PluginAdapter):
    plugin_key = "zoo"
    magic_value = zoo.COOKIE_VALUE
    cookie_key = zoo.COOKIE_KEY

    async def handshake(self, stub, plugin):
        return Dispensed(stub.unary_unary("/zoo.Echo/Call"))


class Host:
    """Keeps what it was told; drains at once, unless a test holds it."""

    def __init__(self) -> None:
        self.messages: list = []
        self.is_holding = False
        self._told = asyncio.Event()

    def notify(self, message) -> None:
        self.messages.append(message)
        self._told.set()
        if not self.is_holding:
            for worker in getattr(message, "draining", ()):
                message.on_drained(worker)

    async def until(self, fits: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not fits():
                self._told.clear()
                await self._told.wait()

    async def registered(self, key: str) -> RegisterMessage:
        def found() -> list:
            return [each for each in self.messages if isinstance(each, RegisterMessage) and each.plugin == key]

        await self.until(found)
        return found()[-1]


@asynccontextmanager
async def running(manager: PluginManager) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(manager.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def make(host: Host, directory: Path, subsystem: str = "zoo", **options) -> PluginManager:
    return PluginManager(host.notify, directory, Zoo(), PluginManagerMetrics(subsystem), **options)


def worker_dirs() -> set[str]:
    return {each.name for each in Path(tempfile.gettempdir()).glob("pm*")}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    zoo.install("good", tmp_path / "zoo", "a")
    return tmp_path / "zoo"


async def test_a_plugin_of_the_directory_is_announced_and_can_be_called(volume):
    host = Host()
    async with running(make(host, volume)):
        message = await host.registered("zoo/a")
        (worker,) = message.workers
        assert await worker.item(b"hello") == b"hello"
        assert worker.adapter == "zoo"


async def test_what_is_put_there_later_and_taken_away_is_noticed(volume):
    host = Host()
    async with running(make(host, volume)):
        await host.registered("zoo/a")
        zoo.install("good", volume, "b")
        await host.registered("zoo/b")
        (volume / "a").unlink()
        await host.until(lambda: [each for each in host.messages if type(each).__name__ == "RemoveMessage"])


async def test_cancelling_unregisters_drains_and_stops_and_leaves_nothing(volume):
    host, before = Host(), worker_dirs()
    host.is_holding = True
    async with running(make(host, volume)) as task:
        (worker,) = (await host.registered("zoo/a")).workers
        directory = Path(worker.address).parents[2]
        assert directory.name in worker_dirs() - before
        task.cancel()
        await host.until(lambda: isinstance(host.messages[-1], UnregisterMessage))
        os.kill(worker.pid, 0)  # it waits for the drain
        host.messages[-1].on_drained(worker.worker)
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
    assert not directory.exists()


async def test_the_grace_bounds_a_drain_that_nobody_ends(volume):
    host = Host()
    host.is_holding = True
    clock = asyncio.get_running_loop().time
    async with running(make(host, volume, grace=4.0)) as task:
        await host.registered("zoo/a")
        began = clock()
        task.cancel()
        await asyncio.wait({task})
        assert clock() - began < 4.5


async def test_a_second_cancellation_is_not_patient(volume):
    host = Host()
    host.is_holding = True
    clock = asyncio.get_running_loop().time
    async with running(make(host, volume)) as task:
        (worker,) = (await host.registered("zoo/a")).workers
        began = clock()
        task.cancel()
        await host.until(lambda: isinstance(host.messages[-1], UnregisterMessage))
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert clock() - began < 5
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)


async def test_two_managers_in_one_loop_do_not_meet(volume, tmp_path):
    zoo.install("good", tmp_path / "other", "a")
    host, other = Host(), Host()
    one = make(host, volume, "one")
    two = make(other, tmp_path / "other", "two", config={"defaults": {"workers": 2}})
    async with running(one) as task, running(two):
        (first,) = (await host.registered("zoo/a")).workers
        await other.until(lambda: other.messages and len(other.messages[-1].workers) == 2)
        pids = {each.pid for each in other.messages[-1].workers}
        assert first.pid not in pids
        task.cancel()
        await asyncio.wait({task})
        assert all(is_alive(pid) for pid in pids)


async def test_metrics_of_two_fit_into_the_registry_of_their_host(volume):
    host, metrics, another = Host(), PluginManagerMetrics("zoo"), PluginManagerMetrics("others")
    registry = CollectorRegistry(auto_describe=True)
    registry.register(metrics)
    registry.register(another)
    async with running(PluginManager(host.notify, volume, Zoo(), metrics)):
        await host.registered("zoo/a")
        text = generate_latest(registry).decode()
    assert 'pluginmgr_zoo_plugin_starts_total{plugin="zoo/a"} 1.0' in text
    assert 'pluginmgr_zoo_plugin_resident_memory_bytes{plugin="zoo/a"}' in text
    assert 'pluginmgr_zoo_watch_age_seconds{source="volume"}' in text
    assert "pluginmgr_others_plugins{" in text


async def test_a_config_may_be_changed_while_it_runs(volume):
    host = Host()
    manager = make(host, volume)
    async with running(manager):
        await host.registered("zoo/a")
        manager.configure({"plugins": [{"name": "a", "enabled": False}]})
        await host.until(lambda: isinstance(host.messages[-1], UnregisterMessage))
        (plugin,) = manager.status()["status"]["plugins"]
        assert plugin["reason"] == "Disabled"
        with pytest.raises(ConfigError, match=r"plugins\[a\]\.workers"):
            manager.configure({"plugins": [{"name": "a", "workers": "many"}]})


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"plugins": [{"name": "a", "workers": 0}]}, r"spec\.kinds\[zoo\]\.plugins\[a\]\.workers"),
        ({"plugins": [{"name": "a", "wrokers": 1}]}, "wrokers"),
        ({"directory": "elsewhere", "paused": True}, "config has directory, paused"),
        ({"defaults": {"config": {"x": Path("/")}}}, "cannot be written as JSON"),
    ],
)
def test_a_bad_config_is_refused_before_anything_runs(tmp_path, config, text):
    with pytest.raises(ConfigError, match=text):
        make(Host(), tmp_path, config=config)


def test_without_a_cookie_the_config_must_say_the_handshake(tmp_path):
    def given(config) -> PluginManager:
        return PluginManager(print, tmp_path, StandardAdapter(), PluginManagerMetrics(), config=config)

    with pytest.raises(ConfigError, match="handshake"):
        given({})
    assert given({"handshake": {"cookieKey": "K", "cookieValue": "v", "protocolVersions": [1]}})


async def test_it_tells_what_every_plugin_is_doing(volume):
    zoo.install("exits_at_once", volume, "broken")
    host = Host()
    manager = make(host, volume)
    assert manager.status()["status"]["plugins"] == []
    async with running(manager):
        await host.registered("zoo/a")
        shapes = {each["name"]: each for each in manager.status()["status"]["plugins"]}
        assert shapes["a"]["state"] == "Serving"
        assert shapes["a"]["processes"][0]["pid"] == host.messages[0].workers[0].pid
        assert "broken" in shapes
    assert manager.status()["status"]["plugins"] == []


async def test_it_runs_once_at_a_time_and_again_afterwards(volume):
    host = Host()
    manager = make(host, volume)
    async with running(manager):
        first = (await host.registered("zoo/a")).workers[0].worker
        with pytest.raises(NotHereError, match="runs already"):
            await manager.run()
    host.messages.clear()
    async with running(manager):
        assert (await host.registered("zoo/a")).workers[0].worker != first


def test_another_thread_is_refused(volume):
    caught: list[BaseException] = []

    def elsewhere() -> None:
        try:
            asyncio.run(make(Host(), volume).run())
        except NotHereError as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


async def test_a_state_dir_that_is_given_stays_and_is_for_one_manager_at_a_time(volume, tmp_path):
    host, state = Host(), tmp_path / "state"
    async with running(make(host, volume, state_dir=state)):
        await host.registered("zoo/a")
        with pytest.raises(StateDirError, match="in use"):
            await make(Host(), volume, state_dir=state).run()
    assert (state / "store").is_dir()


async def test_where_temporary_files_lie_too_deep_sockets_lie_elsewhere(volume, tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    host = Host()
    async with running(make(host, volume)):
        (worker,) = (await host.registered("zoo/a")).workers
        assert worker.address.startswith("/tmp/pm")


async def test_nothing_of_the_process_is_changed(volume):
    def self_image() -> tuple:
        handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)]
        return (*handlers, tuple(logging.getLogger().handlers), logging.getLogger().level, Path.cwd(), is_subreaper())

    before, host = self_image(), Host()
    async with running(make(host, volume)):
        await host.registered("zoo/a")
        assert self_image() == before


async def test_what_a_plugin_left_behind_is_found_by_its_tag(volume):
    zoo.install("daemonises", volume, "d")
    host = Host()
    async with running(make(host, volume)):
        (worker,) = (await host.registered("zoo/d")).workers
        instance = environment_of(worker.pid)["PLUGINMGR_WORKER"].partition("/")[0]
        assert tagged(instance)
    assert tagged(instance) == []


async def test_children_of_a_host_that_is_a_subreaper_itself_are_let_be(volume):
    """A host may adopt orphans for reasons of its own: an untagged child is its, and no plugin's."""
    script = f"""
import asyncio, subprocess, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from controller.goplugin.prctl import set_subreaper
from tests.manager.test_plugin_manager import Host, make, running
set_subreaper()
child = subprocess.Popen(["sleep", "60"])
async def main():
    host = Host()
    async with running(make(host, {str(volume)!r})):
        await host.registered("zoo/a")
asyncio.run(main())
print(child.poll())
child.kill()
child.wait()
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_plugin_outlives_its_host(volume, number):
    script = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.manager.test_plugin_manager import Host, make
class Telling(Host):
    def notify(self, message):
        super().notify(message)
        for worker in getattr(message, "workers", ()):
            print(worker.pid, flush=True)
asyncio.run(make(Telling(), {str(volume)!r}).run())
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as host:
        pid = int(host.stdout.readline())
        assert is_alive(pid)
        host.send_signal(number)
        assert host.wait(DEADLINE) == -number
        until_gone(pid)


async def test_two_managers_may_feed_one_pool(volume, tmp_path):
    class Another(Zoo):
        plugin_key = "another"

    zoo.install("good", tmp_path / "other", "a")
    pool: ProcessPool = ProcessPool()
    one = PluginManager(pool.sync, volume, Zoo(), PluginManagerMetrics("one"))
    two = PluginManager(pool.sync, tmp_path / "other", Another(), PluginManagerMetrics("two"))
    async with running(one), running(two), asyncio.timeout(DEADLINE):
        for key in ("zoo/a", "another/a"):
            await pool.wait_for(key)
            assert await pool.call(key, lambda worker: worker.item(b"x"), timeout=5) == b"x"


async def test_a_host_that_breaks_on_a_message_hears_of_it(volume):
    def breaks(message) -> None:
        raise ZeroDivisionError(message.plugin)

    with pytest.raises(ExceptionGroup) as caught:
        await PluginManager(breaks, volume, Zoo(), PluginManagerMetrics()).run()
    assert caught.group_contains(ZeroDivisionError, match="zoo/a")


async def test_a_late_answer_to_a_drain_is_no_harm(volume):
    host = Host()
    host.is_holding = True
    async with running(make(host, volume, grace=3.5)) as task:
        await host.registered("zoo/a")
        task.cancel()
        await asyncio.wait({task})
    host.messages[-1].on_drained(WorkerId("w1"))
