"""One process, from its first instruction to its last descriptor."""

import asyncio
import fcntl
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.goplugin import LaunchError, ProcessExit
from controller.goplugin.output import PipeReader
from controller.goplugin.patience import Patience
from controller.goplugin.process import Process
from tests.goplugin.place import Place, children, descriptors, is_running, tagged, until


async def seen_by(place: Place, source: str) -> tuple[str, ...]:
    """Run source in the place of a plugin and return what it prints on stderr."""
    with pytest.raises(LaunchError) as caught:
        async with place.launch(place.write(source)):
            pytest.fail("it came up")
    return caught.value.tail


async def test_a_plugin_leads_a_session_of_its_own(place: Place) -> None:
    source = "import os\nprint(os.getpid() == os.getsid(0) == os.getpgid(0), os.getppid(), file=sys.stderr)\n"
    assert await seen_by(place, source) == (f"True {os.getpid()}",)


async def test_signals_are_at_their_defaults_and_unblocked(place: Place) -> None:
    # A shell tells, since Python ignores SIGPIPE for itself.
    program = place.root / "status"
    program.write_text("#!/bin/sh\ngrep -E 'Sig(Blk|Ign)|NoNewPrivs' /proc/self/status >&2\n")
    program.chmod(0o755)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
    try:
        with pytest.raises(LaunchError) as caught:
            async with place.launch(program):
                pytest.fail("it came up")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    status = dict(line.split(":\t") for line in caught.value.tail)
    assert (status["NoNewPrivs"], int(status["SigBlk"], 16)) == ("1", 0)
    libc_internal = 1 << 31 | 1 << 32  # 32 and 33: glibc's posix_spawn ignores them, and uses them for itself
    assert int(status["SigIgn"], 16) & ~libc_internal == 0


@pytest.fixture
def stdin() -> Iterator[None]:
    """This process has a pipe as its stdin; pytest gives it the null device, which plugins get anyway."""
    former, ends = os.dup(0), os.pipe()
    os.dup2(ends[0], 0)
    yield
    os.dup2(former, 0)
    for fd in (former, *ends):
        os.close(fd)


@pytest.mark.usefixtures("stdin")
async def test_nothing_is_inherited_but_three_streams(place: Place) -> None:
    # Also what this process was itself given by its parent without close-on-exec.
    leaked = fcntl.fcntl(0, fcntl.F_DUPFD, 100)
    assert os.get_inheritable(leaked)
    tail = await seen_by(
        place,
        "import os\n"
        "for name in os.listdir('/proc/self/fd'):\n"
        "    if os.path.exists('/proc/self/fd/' + name):\n"  # but for the listing's own
        "        print(name, os.readlink('/proc/self/fd/' + name).split(':')[0], file=sys.stderr)\n"
        "print(os.getcwd(), file=sys.stderr)\n",
    )
    os.close(leaked)
    assert tail == ("0 /dev/null", "1 pipe", "2 pipe", str(place.root))


async def test_plugins_start_on_the_main_thread_only(place: Place) -> None:
    def run() -> None:
        with pytest.raises(RuntimeError, match="main thread"):
            asyncio.run(enter())

    async def enter() -> None:
        async with place.launch("good"):
            pytest.fail("it came up")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


async def test_kill_9_is_known_at_once(place: Place) -> None:
    lags = []
    for _ in range(10):
        async with place.launch("good") as session:
            known = asyncio.get_running_loop().create_future()
            session.exit.add_done_callback(lambda _, known=known: known.set_result(time.perf_counter()))
            os.kill(session.pid, signal.SIGKILL)
            killed = time.perf_counter()
            lags.append(await known - killed)
            assert session.exit.result() == ProcessExit(signal=signal.SIGKILL)
    assert statistics.median(lags) < 0.02  # 1 ms on a quiet machine


async def test_a_dead_plugin_is_known_while_its_child_holds_the_pipes(place: Place) -> None:
    async with place.launch("forks_child") as session:
        os.kill(session.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            assert await session.exit == ProcessExit(signal=signal.SIGKILL)


async def test_last_words_are_there_when_the_exit_is_known(place: Place) -> None:
    plugin = place.write(
        "import os, plugin_base as base\n"
        "def call(request, context):\n"
        "    os.write(2, b'panic: last words\\n\\ngoroutine 1\\n' * 100)\n"
        "    os._exit(2)\n"
        "base.Plugin(calls={'/zoo/Die': call}).run()\n"
    )
    async with place.launch(plugin) as session:
        call = session.channel.unary_unary("/zoo/Die")(b"")
        assert str(await session.exit) == "exit code 2"
        assert place.messages("stderr").count("panic: last words") == 100
        assert session.tail[-1] == "goroutine 1"
        await asyncio.wait([asyncio.ensure_future(call.code())])


async def test_a_flood_does_not_starve_the_loop(place: Place) -> None:
    async with place.launch("floods") as session:
        worst = 0.0
        for _ in range(100):
            began = time.perf_counter()
            await asyncio.sleep(0.002)
            worst = max(worst, time.perf_counter() - began)
        await session.check(2)
    assert worst < 0.15
    assert len(place.records) < 2000
    assert any(message.startswith("dropped ") for message in place.messages("host"))


async def test_a_line_of_ten_megabytes_and_bad_utf8_are_borne(place: Place) -> None:
    async with place.launch("long_line") as session:
        await until(lambda: any(len(record.message) > 60000 for record in place.records))
        await session.check(2)


async def test_an_exit_that_somebody_else_took_is_still_an_exit(place: Place) -> None:
    async with place.launch("good") as session:
        os.kill(session.pid, signal.SIGKILL)
        os.waitpid(session.pid, 0)
        async with asyncio.timeout(5):
            assert str(await session.exit) == "unknown exit status"


@pytest.mark.parametrize("name", ["good", "ignores_sigterm"])
async def test_a_plugin_does_not_survive_its_host(place: Place, name: str) -> None:
    program = place.install(name)
    host = f"""
import asyncio
from pathlib import Path
from tests.goplugin.place import Place
async def main():
    place = Place()
    async with place.launch(Path({str(program)!r})) as session:
        print(session.pid, place.root, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, "-c", host], stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        pid, root = (await asyncio.to_thread(process.stdout.readline)).split()
        assert is_running(int(pid))
        process.kill()
        killed = time.monotonic()
        await until(lambda: not is_running(int(pid)))
        assert time.monotonic() - killed < 0.1
    subprocess.run(["rm", "-r", root], check=True)


async def test_a_process_without_a_pidfd_is_not_left_behind(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = children()

    def refuse(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with pytest.raises(LaunchError, match="Too many open files"):
        async with place.launch("silence"):
            pytest.fail("it came up")
    assert children() == before
    assert tagged() == set()


class Refuses:
    """A consumer that cannot."""

    def feed(self, chunk: bytes) -> bool:
        raise ValueError(chunk)

    def end(self) -> None:
        raise ValueError


async def test_consumers_that_fail_leave_no_pipe_open() -> None:
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    before = descriptors()
    process = Process(lambda *_: os.posix_spawn("/bin/sh", ["sh", "-c", ":"], {}), Refuses(), Refuses())
    await process.exit
    readable, writable = os.pipe()
    os.write(writable, b"x")
    os.close(writable)
    reader = PipeReader(asyncio.get_running_loop(), readable, Refuses())
    with pytest.raises(ValueError):  # noqa: PT011 - of the consumer above
        reader.drain()
    assert descriptors() == before
    assert heard


async def test_an_exit_in_the_moment_of_success_is_no_error_of_the_waiter() -> None:
    heard: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context))
    exit_: asyncio.Future[ProcessExit] = loop.create_future()
    ready: asyncio.Future[None] = loop.create_future()

    async def wait() -> None:
        async with Patience(5, exit_):
            await ready

    waiter = asyncio.create_task(wait())
    await asyncio.sleep(0)
    ready.set_result(None)
    exit_.set_result(ProcessExit())
    await waiter
    for _ in range(3):
        await asyncio.sleep(0)
    assert heard == []
