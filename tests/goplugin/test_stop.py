"""The end of a plugin, phase by phase, and whatever interrupts it."""

import asyncio
import os
import signal
import time
from contextlib import suppress

import pytest

from controller.goplugin import HealthError, LaunchError, ProcessExit, Session
from tests.goplugin.place import GO_HANDSHAKE, Place, is_running, until


@pytest.mark.go
async def test_a_plugin_that_cuts_the_connection_at_shutdown_has_stopped_well(place: Place, go_plugin) -> None:
    async with place.launch(go_plugin("grpc"), GO_HANDSHAKE) as session:
        began = time.monotonic()
        assert await session.stop(5, 5) == ProcessExit(code=0)
        assert time.monotonic() - began < 2
    assert list(session.phases) == ["shutdown"]


@pytest.mark.parametrize(
    ("name", "exit_", "phases"),
    [
        ("good", ProcessExit(code=0), ["shutdown"]),
        ("ignores_shutdown", ProcessExit(signal=signal.SIGTERM), ["shutdown", "terminate"]),
        ("hangs_in_shutdown", ProcessExit(signal=signal.SIGTERM), ["shutdown", "terminate"]),
        ("ignores_sigterm", ProcessExit(signal=signal.SIGKILL), ["shutdown", "terminate", "kill"]),
    ],
)
async def test_each_phase_has_its_time_and_then_the_next_begins(
    place: Place, name: str, exit_: ProcessExit, phases: list[str]
) -> None:
    async with place.launch(name) as session:
        began = time.monotonic()
        assert await session.stop(0.4, 0.2) == exit_
        assert time.monotonic() - began < 2
    assert list(session.phases) == phases
    if len(phases) > 1:
        assert session.phases["shutdown"] == pytest.approx(0.4, abs=0.2)


async def test_what_comes_before_shutdown_takes_from_its_time(place: Place) -> None:
    given = []

    async def farewell(seconds: float) -> None:
        given.append(seconds)
        await asyncio.sleep(1.5)

    async with place.launch("hangs_in_shutdown") as session:
        await session.stop(2.0, 5.0, farewell)
    assert given == [2.0]
    assert session.phases["shutdown"] < 3.0


async def test_without_time_nothing_comes_before_shutdown(place: Place) -> None:
    async def farewell(seconds: float) -> None:
        raise AssertionError(seconds)

    async with place.launch("good") as session:
        assert await session.stop(0, 5, farewell) == ProcessExit(signal=signal.SIGTERM)


async def test_a_plugin_without_shutdown_gets_its_signal_at_once(place: Place) -> None:
    plugin = place.write(
        "import plugin_base as base\n"
        "served = base.Handlers.service\n"
        "def service(self, details):\n"
        "    return None if 'Shutdown' in details.method else served(self, details)\n"
        "base.Handlers.service = service\n"
        "base.Plugin().run()\n"
    )
    async with place.launch(plugin) as session:
        assert await session.stop(30, 30) == ProcessExit(signal=signal.SIGTERM)
    assert session.phases["shutdown"] < 5


async def test_no_time_for_shutdown_means_no_call(place: Place) -> None:
    async with place.launch("good") as session:
        assert await session.stop(0, 5) == ProcessExit(signal=signal.SIGTERM)


async def test_a_process_that_sigkill_does_not_end_is_not_waited_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As one that hangs in the kernel, on a file system that does not answer.
    monkeypatch.setattr("controller.goplugin.session._UNKILLABLE", 0.1)
    async with place.launch("good") as session, asyncio.timeout(5):
        with monkeypatch.context() as patch:
            patch.setattr(os, "killpg", lambda *_: None)
            assert await session.stop(0, 0.1) == ProcessExit()
    assert session.exit.result() == ProcessExit(signal=signal.SIGKILL)


async def test_a_plugin_whose_channel_was_closed_is_still_stopped_and_asked(place: Place) -> None:
    async with place.launch("good") as session:
        await session.channel.close()
        with pytest.raises(HealthError, match="closed"):
            await session.check(1)
        with pytest.raises(HealthError, match="closed"):
            await session.services(1)
        await session.watch_health(pytest.fail)
        assert await session.stop(5, 5) == ProcessExit(signal=signal.SIGTERM)


async def test_a_stop_after_the_end_tells_how_it_ended(place: Place) -> None:
    async with place.launch("good") as session:
        session.kill()
        session.kill()
        assert await session.exit == ProcessExit(signal=signal.SIGKILL)
        session.kill()
        assert await session.stop(5, 5) == ProcessExit(signal=signal.SIGKILL)
        with pytest.raises(HealthError):
            await session.check(1)
        assert "SIGKILL" in repr(session)


async def test_leaving_the_block_kills_what_still_runs(place: Place) -> None:
    async with place.launch("good") as session:
        pass
    assert session.exit.result() == ProcessExit(signal=signal.SIGKILL)


async def test_an_error_in_the_block_comes_out_and_the_plugin_is_gone(place: Place) -> None:
    with pytest.raises(KeyError):
        async with place.launch("good") as session:
            raise KeyError
    assert not is_running(session.pid)


async def test_an_error_in_on_spawn_comes_out_and_the_plugin_is_gone(place: Place) -> None:
    pids = []

    def fail(pid: int) -> None:
        pids.append(pid)
        raise KeyError

    with pytest.raises(KeyError):
        async with place.launch("good", on_spawn=fail):
            pytest.fail("it came up")
    assert not is_running(pids[0])


@pytest.mark.parametrize("turns", [*range(12), 15, 20, 30, 50])
async def test_a_start_cancelled_at_any_turn_of_the_loop_leaves_nothing(place: Place, turns: int) -> None:
    async def start() -> None:
        async with place.launch("good"):
            await asyncio.Event().wait()

    task = asyncio.create_task(start())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not any(is_running(pid) for pid in place.pids)


@pytest.mark.parametrize("name", ["silence", "not_serving", "stops_answering_health"])
async def test_a_start_cancelled_while_it_waits_leaves_nothing(place: Place, name: str) -> None:
    async def start() -> None:
        async with place.launch(name, env={"ZOO_AFTER_MS": "0"}, start_timeout=30):
            pytest.fail("it came up")

    task = asyncio.create_task(start())
    await until(lambda: len(place.pids) > 0 and (name == "silence" or any(place.sockets.iterdir())))
    task.cancel()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not is_running(place.pids[0])


@pytest.mark.parametrize("phase", ["shutdown", "terminate", "leaving"])
async def test_a_stop_cancelled_in_any_phase_leaves_nothing(place: Place, phase: str) -> None:
    reached = asyncio.Event()
    running: list[Session] = []

    async def live() -> None:
        async with place.launch("ignores_sigterm") as session:
            running.append(session)
            reached.set()
            if phase != "leaving":
                await session.stop(30 if phase == "shutdown" else 0, 30)

    task = asyncio.create_task(live())
    await reached.wait()
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert running[0].exit.result() == ProcessExit(signal=signal.SIGKILL)


async def test_a_clean_up_cancelled_at_every_turn_is_finished_all_the_same(place: Place) -> None:
    left = asyncio.Event()

    async def live() -> None:
        async with place.launch("daemonises"):
            left.set()

    task = asyncio.create_task(live())
    await left.wait()
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    assert task.cancelled()


async def test_the_end_of_the_loop_itself_leaves_nothing(place: Place) -> None:
    # As asyncio.run does it: all tasks are cancelled at once.
    async def live(name: str) -> None:
        with suppress(LaunchError):
            async with place.launch(name) as session:
                await session.stop(30, 30)

    tasks = [asyncio.create_task(live(name)) for name in ("ignores_shutdown", "daemonises", "silence")]
    await until(lambda: len(place.pids) == 3)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert not any(is_running(pid) for pid in place.pids)
    for pid in place.pids:  # and none is left to be reaped; this process may have other children
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
