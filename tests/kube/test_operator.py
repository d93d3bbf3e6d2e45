"""kopf in its thread: it does nothing but watch, it can be ended at any moment, and it leaves nothing behind."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import subprocess
import sys
import threading

import aiohttp
import pytest

from controller.kube.access import Access
from controller.kube.notes import Followed, Seen
from controller.kube.operator import Operator
from tests.cluster.faults import Events, Refuse, error
from tests.kube.followed import NAME
from tests.kube.followed import Followed as Object

RUNS = 30


@pytest.fixture
def access(prepared: Object) -> Access:
    prepared.put()
    return prepared.access


async def run_until(access: Access, fits, *, ends: bool = False) -> list[object]:
    """Run it until a note fits, or to its own end; the notes."""
    notes: list[object] = []
    heard = asyncio.Event()

    def note(each: object) -> None:
        notes.append(each)
        if fits(each):
            heard.set()

    task = asyncio.create_task(Operator(access, "default", NAME, note).run())
    async with asyncio.timeout(30):
        if ends:
            await asyncio.wait([task])
        else:
            await heard.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return notes


def is_followed(note: object) -> bool:
    return isinstance(note, Followed)


async def test_it_tells_of_the_object_and_that_it_follows_it(access: Access):
    missing = {Seen, Followed}

    def is_all(note: object) -> bool:
        missing.discard(type(note))
        return not missing

    assert {type(each) for each in await run_until(access, is_all)} == {Seen, Followed}


async def test_it_can_be_ended_before_it_has_begun(access: Access):
    for pause in (0, 0.001, 0.005, 0.02, 0.05):
        task = asyncio.create_task(Operator(access, "default", NAME, lambda _: None).run())
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
    assert not kopf_threads()


@pytest.mark.parametrize("fault", [Refuse(404), Refuse(410), Events((error({"code": 500, "message": "etcd"}),))])
async def test_its_own_end_is_told_at_once(access: Access, prepared: Object, fault):
    prepared.fake.fail(fault, "watch")
    loop, last = asyncio.get_running_loop(), 0.0

    def heard(_: object) -> bool:
        nonlocal last
        last = loop.time()
        return False

    await run_until(access, heard, ends=True)
    assert last
    assert loop.time() - last < 4  # not the five seconds that kopf waits for a flag of its own


def test_to_import_it_changes_nobodys_logging():
    code = "import logging, controller.kube.operator; print(logging.getLogger('kopf').level)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == f"{logging.NOTSET}\n"


async def test_it_leaves_the_signals_and_our_tasks_alone(access: Access):
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: None)
    handler, ours = signal.getsignal(signal.SIGTERM), asyncio.create_task(asyncio.Event().wait())
    await run_until(access, is_followed)
    assert signal.getsignal(signal.SIGTERM) is handler
    assert not ours.done()
    ours.cancel()
    loop.remove_signal_handler(signal.SIGTERM)


async def test_it_writes_nothing(access: Access, prepared: Object):
    notes = await run_until(access, is_followed)
    assert notes
    assert {each.verb for each in prepared.fake.requests()} == {"discover", "list", "watch"}


async def test_run_after_run_leaves_nothing_behind(access: Access, prepared: Object):
    await run_until(access, is_followed)
    before = left()
    for number in range(RUNS):
        fault = prepared.fake.fail(Refuse(404), "watch", times=number % 2)
        await run_until(access, is_followed, ends=bool(number % 2))
        fault.end()
    after = left()
    assert {what: (after[what], many) for what, many in before.items() if after[what] > many} == {}


def kopf_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "kopf"]


def left() -> dict[str, int]:
    """What could leak."""
    gc.collect()
    kinds = (aiohttp.ClientSession, aiohttp.TCPConnector, Operator, asyncio.AbstractEventLoop)
    found = {kind.__name__: sum(isinstance(each, kind) for each in gc.get_objects()) for kind in kinds}
    return found | {"threads": threading.active_count(), "files": len(os.listdir("/proc/self/fd"))}
