"""What is left in memory of workers that have ended: nothing, and that without a garbage collection.

Objects that know each other in a circle are freed by a full collection only. A controller makes so few objects that
one comes after hundreds of workers, with some 50 KiB of each kept till then.
"""

import ctypes
import gc
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import grpc.aio
import pytest

from controller.core.model import Phase
from controller.goplugin import Session
from controller.goplugin.prctl import is_subreaper
from controller.goplugin.process import Process
from controller.manager.adapter import Dispensed
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import UnregisterMessage
from controller.manager.supervisor import Supervisor
from tests.goplugin.place import until
from tests.manager.house import House, house

KINDS = (Supervisor, PluginHandle, Session, Process, grpc.aio.Channel, ctypes.CDLL)
WORKERS = 3


class Life:
    """A lifecycle that is content."""

    async def ping(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass


async def with_life() -> Dispensed:
    return Dispensed("item", lifecycle=Life())


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def census() -> Counter[str]:
    """How many there are of each kind of object that a worker has."""
    return Counter(kind.__name__ for kind in map(type, gc.get_objects()) if issubclass(kind, KINDS))


async def lived(here: House, program: str, *, killed: bool) -> None:
    """Let workers come up and end."""
    here.want(program, workers=WORKERS)
    await here.until(lambda: [each.phase for each in here.plugin.workers.values()] == [Phase.READY] * WORKERS)
    if killed:
        for each in here.plugin.workers.values():
            os.kill(each.pid, signal.SIGKILL)
        await here.until(lambda: here.plugin.last_exit)
    here.want(program, enabled=False)
    await here.until(lambda: here.told(UnregisterMessage))
    for message in here.messages:
        for worker in getattr(message, "draining", ()):
            message.on_drained(worker)
    await here.until(lambda: not here.plugin.workers)
    here.messages.clear()  # they have the handles


async def failed(here: House) -> None:
    """Let workers fail to come up."""
    here.want("not_serving", workers=WORKERS, start_timeout=0.5)
    await here.until(lambda: here.plugin.last_exit)
    here.want("not_serving", enabled=False)
    await here.until(lambda: not here.plugin.workers)


@pytest.mark.parametrize("program", ["good", pytest.param("echo", marks=pytest.mark.go)])
@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
async def test_workers_that_were_up_leave_nothing(tmp_path_factory, program, killed):
    async with house(tmp_path_factory.mktemp("m"), with_life) as here:
        await lived(here, program, killed=killed)  # some is made once and kept
        with without_collector():
            before = census()
            await lived(here, program, killed=killed)
            await until(lambda: census() <= before)


async def test_workers_that_did_not_come_up_leave_nothing(tmp_path_factory):
    async with house(tmp_path_factory.mktemp("m"), with_life) as here:
        await failed(here)
        with without_collector():
            before = census()
            await failed(here)
            await until(lambda: census() <= before)


def test_asking_whether_orphans_come_to_us_leaves_nothing():
    """It is asked at the end of each worker, and a ctypes library is a class, which knows itself."""
    is_subreaper()
    with without_collector():
        before = census()
        is_subreaper()
        assert census() == before
