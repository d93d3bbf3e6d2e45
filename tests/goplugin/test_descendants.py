"""What plugins start and leave behind is found, killed and reaped, and nothing else is."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from controller.goplugin import become_subreaper, reap_adopted, sweep
from tests.goplugin.place import TAG, Place, children, is_running, until

DAEMON = """
import os, signal, time, plugin_base as base
def daemon(clear, depth=2):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(writer, str(os.getpid()).encode())
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.execve('/bin/sleep', ['sleep', '1000'], {} if clear else dict(os.environ))
    os.wait()
    print('daemon', os.read(reader, 20).decode(), file=sys.stderr, flush=True)
"""


@pytest.fixture(params=["subreaper", "embedded"])
def role(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "subreaper":
        become_subreaper()
    yield request.param
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


@pytest.fixture
def subreaper() -> Iterator[None]:
    become_subreaper()
    yield
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


def daemon_of(session) -> int:
    return int(next(line for line in session.tail if line.startswith("daemon")).split()[1])


@pytest.mark.parametrize("ending", ["stop", "kill", "crash"])
@pytest.mark.usefixtures("role")
async def test_a_daemon_ends_with_its_plugin(place: Place, ending: str) -> None:
    plugin = place.write(DAEMON + "daemon(clear=False)\nbase.Plugin().run()\n")
    async with place.launch(plugin) as session:
        daemon = daemon_of(session)
        assert is_running(daemon)
        if ending == "stop":
            await session.stop(1, 1)
        elif ending == "crash":
            os.kill(session.pid, signal.SIGKILL)
            await session.exit
    assert not is_running(daemon)
    assert "killed 1 processes that it left behind" in place.messages("host")


@pytest.mark.usefixtures("subreaper")
async def test_a_daemon_that_hides_its_tag_ends_with_the_only_plugin(place: Place) -> None:
    plugin = place.write(DAEMON + "daemon(clear=True)\nbase.Plugin().run()\n")
    async with place.launch(plugin) as session:
        daemon = daemon_of(session)
        await session.stop(1, 1)
    assert not is_running(daemon)


@pytest.mark.usefixtures("subreaper")
async def test_a_daemon_that_may_be_anothers_is_left_until_that_one_ends(place: Place) -> None:
    plugin = place.write(DAEMON + "daemon(clear=True)\nbase.Plugin().run()\n")
    async with place.launch(plugin) as first:
        daemon = daemon_of(first)
        async with place.launch("good") as second:
            await second.stop(1, 1)
        assert is_running(daemon)
        await first.stop(1, 1)
    assert not is_running(daemon)


@pytest.mark.usefixtures("subreaper")
async def test_a_child_that_hides_and_leaves_the_group_is_known_from_before(place: Place) -> None:
    plugin = place.write(
        "import os, subprocess, plugin_base as base\n"
        "child = subprocess.Popen(['sleep', '1000'], env={}, start_new_session=True)\n"
        "print('daemon', child.pid, file=sys.stderr, flush=True)\n"
        "base.Plugin().run()\n"
    )
    async with place.launch("good") as other, place.launch(plugin) as session:
        daemon = daemon_of(session)
        await session.stop(1, 1)
        await other.check(1)
    assert not is_running(daemon)


@pytest.mark.usefixtures("role")
async def test_other_plugins_and_their_children_are_not_touched(place: Place) -> None:
    plugin = place.write(DAEMON + "daemon(clear=False)\nbase.Plugin().run()\n")
    async with place.launch(plugin) as first:
        async with place.launch(plugin) as second:
            await second.stop(1, 1)
        assert is_running(daemon_of(first))
        assert not is_running(daemon_of(second))
        await first.check(1)


async def test_the_host_s_own_children_are_not_touched(place: Place) -> None:
    with subprocess.Popen(["sleep", "1000"], env={}) as child:
        async with place.launch("daemonises"):
            pass
        assert is_running(child.pid)
        child.kill()


async def test_a_subreaper_does_not_touch_what_was_there_before(place: Place) -> None:
    # As a helper that a shell started before it became the host by exec: orphaned once its parent ends.
    shell = ["sh", "-c", "setsid sleep 1000 >/dev/null & echo $!; read end"]
    with (
        subprocess.Popen(["sleep", "1000"], env={}) as child,
        subprocess.Popen(shell, env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent,
    ):
        assert parent.stdout is not None
        grandchild = int(parent.stdout.readline())
        become_subreaper()
        try:
            parent.communicate("\n")
            async with place.launch("good") as session:
                await session.stop(1, 1)
            assert is_running(child.pid)
            assert is_running(grandchild)
        finally:
            ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)
            os.kill(grandchild, signal.SIGKILL)
            os.waitpid(grandchild, 0)
            child.kill()


@pytest.mark.usefixtures("role")
async def test_what_a_plugin_leaves_in_its_group_dies_with_it(place: Place) -> None:
    plugin = place.write(
        "import os, plugin_base as base\n"
        "pid = os.posix_spawn('/bin/sleep', ['sleep', '1000'], {})\n"
        "print('daemon', pid, file=sys.stderr, flush=True)\n"
        "base.Plugin().run()\n"
    )
    async with place.launch(plugin) as session:
        daemon = daemon_of(session)
        os.kill(session.pid, signal.SIGKILL)
        await session.exit
        await until(lambda: not is_running(daemon))


@pytest.mark.usefixtures("subreaper")
async def test_orphans_that_end_are_reaped_and_running_plugins_are_not(place: Place) -> None:
    plugin = place.write(
        "import os, plugin_base as base\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os._exit(0)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "base.Plugin().run()\n"
    )
    async with place.launch(plugin) as session:
        await until(lambda: reap_adopted() == 1)
        assert reap_adopted() == 0
        assert session.pid in children()
        await session.check(1)
        session.kill()
        await asyncio.sleep(0)
        reap_adopted()
        assert str(await session.exit) == "signal SIGKILL"


def test_a_sweep_kills_what_a_predecessor_left_and_nothing_else() -> None:
    environ = {**os.environ, "GOPLUGIN_TEST": TAG.partition("=")[2] + "/77"}
    script = (
        "import subprocess, sys; print(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid, flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", script], env=environ, stdout=subprocess.PIPE, text=True) as gone:
        assert gone.stdout is not None
        left = int(gone.stdout.readline())
    with subprocess.Popen(["sleep", "1000"], env={"GOPLUGIN_TEST": "another/77"}) as other:
        assert is_running(left)
        assert sweep(TAG + "/") == 1
        assert not is_running(left)
        assert sweep(TAG + "/") == 0
        assert is_running(other.pid)
        other.kill()
