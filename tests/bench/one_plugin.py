"""One plugin under a whole controller: renamed into place, killed, switched off. The bare plugin takes turns."""

import asyncio
import os
import select
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from controller.goplugin.pb.goplugin_pb2 import Empty
from tests.bench.bench_launch import bare_one
from tests.bench.exec_events import ExecEvents, exec_events
from tests.bench.followed import Followed, followed, names
from tests.bench.table import Row

ROUNDS = 20
CALM = 1  # seconds, the least there is: a worker killed after that is replaced without a delay


async def _bare(program: str, directory: str) -> tuple[float, float]:
    began = time.monotonic()
    pid, channel = await bare_one(program, directory)
    ready = time.monotonic() - began
    shutdown = channel.unary_unary(
        "/plugin.GRPCController/Shutdown",
        request_serializer=Empty.SerializeToString,
        response_deserializer=Empty.FromString,
    )
    gone = exit_of(pid)
    began = time.monotonic()
    call = asyncio.ensure_future(shutdown(Empty()))
    await asyncio.sleep(0)
    ended = await asyncio.to_thread(lambda: next(gone))
    await asyncio.wait({call})
    call.exception()  # it ends by being killed
    os.waitpid(pid, 0)
    await channel.close()
    return ready, ended - began


def bare(program: Path) -> tuple[float, float]:
    """Seconds from the spawn to the first health answer, and from the Shutdown call to the exit."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_bare(str(program), directory))


def exit_of(pid: int) -> Iterator[float]:
    """Opened now, waited for when asked: the moment of the process's exit."""
    pidfd = os.pidfd_open(pid)

    def wait() -> Iterator[float]:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        poll.poll(30_000)
        ended = time.monotonic()
        os.close(pidfd)
        yield ended

    return wait()


def _median(values: list[float]) -> float:
    return statistics.median(values) * 1000


def registers(program: Path, rounds: int = ROUNDS) -> list[Row]:
    """A settled plugin renamed into place, to Register."""
    ours, plain = [], []
    with followed() as rig:
        rig.spec()
        rig.start()
        rig.seen("listening")
        rig.until(lambda status: status["ready"])
        for number in range(rounds):
            staged = rig.stage(program, f"new-{number}", str(number))
            plain.append(bare(staged)[0])
            began = rig.put(staged)
            ours.append(rig.seen("registered", name=staged.name) - began)
            (rig.volume / staged.name).unlink()
            rig.seen("removed", name=staged.name)
    return [
        Row(
            "rename into place -> Register",
            rounds,
            _median(ours),
            bare=_median(plain),
            limit=_median(plain) + 60,
            budget="= bare + 60",
        )
    ]


def flag(program: Path, rounds: int = ROUNDS) -> list[Row]:
    """`enabled: false` written to the file, to the process gone."""
    ours, plain = [], []
    with followed() as rig:
        rig.put(rig.stage(program, "one"))
        rig.spec({"one": {"enabled": True}})
        rig.start()
        rig.seen("registered")
        for _ in range(rounds):
            plain.append(bare(program)[1])
            gone = exit_of(rig.pids("one")[0])
            began = rig.edit({"one": {"enabled": False}})
            ours.append(next(gone) - began)
            rig.until_state("one", "Disabled")
            rig.seen("registered", after=rig.edit({"one": {"enabled": True}}))
    return [
        Row(
            "flag edited -> process gone",
            rounds,
            _median(ours),
            bare=_median(plain),
            limit=_median(plain) + 60,
            budget="= bare + 60",
        )
    ]


def restart(program: Path, rounds: int = ROUNDS) -> list[Row]:
    """kill -9 of a worker: known, the new process exec'd, ready."""
    seen: list[tuple[float, float, float]] = []
    plain = []
    with followed() as rig, exec_events() as events:
        _start_calm(rig, program, rounds)
        for name in names(rounds):
            plain.append(bare(program)[0])
            seen.append(_kill(rig, name, events))
    known, spawned, ready = (list(column) for column in zip(*seen, strict=True))
    rows = [Row("kill -9 -> known", rounds, _median(known), limit=2)]
    if events:
        rows.append(Row("kill -9 -> new process exec'd", rounds, _median(spawned), limit=5))
        rows.append(Row("kill -9 -> new process exec'd", rounds, max(spawned) * 1000, limit=20, worst=True))
    limit = _median(plain) + 10
    return [
        *rows,
        Row("kill -9 -> ready", rounds, _median(ready), bare=_median(plain), limit=limit, budget="= bare + 10"),
    ]


def _start_calm(rig: Followed, program: Path, count: int) -> None:
    """As many plugins as will die, so that each has been calm before."""
    one = rig.stage(program, "one")
    for name in names(count):
        os.link(one, rig.volume / name)
    rig.spec(defaults={"restart": {"calmSeconds": CALM}})
    rig.start()
    rig.seen("registered", count=count)
    time.sleep(2 * CALM)  # the promise measured is about workers that have been up for a while


def _kill(rig: Followed, name: str, events: ExecEvents | None) -> tuple[float, float, float]:
    (pid,) = rig.pids(name)
    rig.forget()
    if events:
        events.drain()
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    known = rig.seen("unregistered", name=name)
    ready = rig.seen("registered", name=name)
    return known - began, _last_exec(rig, events) - began, ready - began


def _last_exec(rig: Followed, events: ExecEvents | None) -> float:
    """When the controller's newest child became the plugin: its last exec, the links of the chain coming before."""
    if not events:
        return 0.0
    happened = events.drain()
    children = {event.pid for event in happened if event.what == "fork" and event.parent == rig.running.pid}
    return max(event.moment for event in happened if event.what == "exec" and event.pid in children)
