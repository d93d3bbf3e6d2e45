"""The loop and its supervisors with real processes, and hosts that answer late or never."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from controller.core.events import ShutdownRequested
from controller.core.model import Limits, Reported, StopTimes
from controller.manager.adapter import AdapterError, Dispensed
from controller.manager.host_messages import RegisterMessage, UnregisterMessage, UpdateMessage
from controller.manager.supervisor import Supervisor
from controller.manager.workplace import Places
from tests.manager.house import DEADLINE, house


@pytest.fixture
def root(tmp_path_factory):
    return Path(tmp_path_factory.mktemp("m"))


async def test_hosts_get_live_handles(root):
    async with house(root) as here:
        here.want("good", workers=2)
        await here.until(lambda: here.told(RegisterMessage))
        (message,) = here.told(RegisterMessage)
        assert message.plugin == "rule/a"
        assert len({handle.pid for handle in message.workers}) == 2
        assert {Path(handle.address).parent.name for handle in message.workers} == {"w1", "w2"}


async def test_a_worker_waits_for_the_hosts_to_leave_it(root):
    async with house(root) as here:
        here.want("good")
        await here.until(lambda: here.told(RegisterMessage))
        (handle,) = here.told(RegisterMessage)[0].workers
        here.want("good", enabled=False)
        await here.until(lambda: here.told(UnregisterMessage))
        (message,) = here.told(UnregisterMessage)
        assert message.draining == (handle.worker,)
        os.kill(handle.pid, 0)
        message.on_drained(handle.worker)
        await here.until(lambda: not here.plugin.workers)
        with pytest.raises(ProcessLookupError):
            os.kill(handle.pid, 0)


async def test_a_drain_that_never_comes_ends_within_the_grace(root):
    async with house(root) as here:
        here.want("good")
        await here.until(lambda: here.told(RegisterMessage))
        began = time.monotonic()
        here.manager.submit(ShutdownRequested(4.0))
        await here.until(lambda: not here.plugin.workers)
        assert 0.9 < time.monotonic() - began < 4.0


async def test_a_stop_that_hangs_holds_up_no_other(root):
    patient = StopTimes(shutdown=10 * DEADLINE)
    async with house(root) as here:
        here.want("hangs_in_shutdown", stop=patient)
        await here.until(lambda: here.told(RegisterMessage))
        here.want("good", stop=patient)
        await here.until(lambda: here.told(UpdateMessage))
        (update,) = here.told(UpdateMessage)
        update.on_drained(*update.draining)
        here.want("good", stop=patient, enabled=False)
        await here.until(lambda: here.told(UnregisterMessage))
        (message,) = here.told(UnregisterMessage)
        message.on_drained(*message.draining)
        await here.until(lambda: tuple(here.plugin.workers) == update.draining)


async def test_an_end_by_force_cuts_a_drain_short(root):
    async with house(root) as here:
        here.want("good")
        await here.until(lambda: here.told(RegisterMessage))
        began = time.monotonic()
        here.manager.submit(ShutdownRequested(30.0))
        await here.until(lambda: here.told(UnregisterMessage))
        here.manager.kill_all()
        await here.until(lambda: not here.plugin.workers)
        assert time.monotonic() - began < 5


async def test_a_launch_is_cut_off_when_it_is_not_wanted_any_more(root):
    async with house(root) as here:
        here.want("starts_slowly", {"ZOO_DELAY_MS": "60000"}, start_timeout=60.0)
        await here.until(lambda: here.plugin.workers)
        began = time.monotonic()
        here.want("starts_slowly", enabled=False)
        await here.until(lambda: not here.plugin.workers)
        assert time.monotonic() - began < 5
        assert here.messages == []


@pytest.mark.parametrize(
    ("sort", "text"),
    [
        ("refuses", "it is no rule"),
        ("hangs", "did not answer its handshake within 4 s"),
        ("has a bug", "ZeroDivisionError: division by zero"),
        ("exits", "SystemExit: 3"),
        ("gives something else", "it gave NoneType, not Dispensed"),
    ],
)
async def test_an_adapter_that_fails_fails_that_worker(root, sort, text):
    async def answer():
        if sort == "refuses":
            raise AdapterError("it is no rule")
        if sort == "has a bug":
            _ = 1 / 0
        if sort == "exits":
            sys.exit(3)
        if sort == "gives something else":
            return
        await asyncio.get_running_loop().create_future()

    async with house(root, answer) as here:
        here.want("good", start_timeout=4.0)
        await here.until(lambda: here.plugin.last_exit)
        assert here.plugin.last_exit.reason == "AdapterFailed"
        assert text in here.plugin.last_exit.message
        assert here.messages == []


async def test_what_an_adapter_reports_reaches_the_core(root):
    async def answer():
        return Dispensed("item", Reported("an-id", "A name"))

    async with house(root, answer) as here:
        here.want("good")
        await here.until(lambda: here.told(RegisterMessage))
        (handle,) = here.told(RegisterMessage)[0].workers
        assert (handle.item, handle.reported.id) == ("item", "an-id")
        assert here.plugin.serving.reported.id == "an-id"


async def test_a_run_dir_that_cannot_be_written_fails_the_start_with_a_reason(root):
    (root / "run").touch()
    async with house(root) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit)
        assert here.plugin.last_exit.reason == "SpawnFailed"
        assert "cannot prepare" in here.plugin.last_exit.message


async def test_nothing_is_left_of_a_worker(root):
    async with house(root) as here:
        here.want("good")
        await here.until(lambda: here.told(RegisterMessage))
        assert [path.name for path in (root / "work").iterdir()] == ["w1"]
        assert (root / "work" / "w1" / "config.json").read_text(encoding="utf-8") == '{"x":1}'
    assert list((root / "work").iterdir()) == list((root / "run").iterdir()) == []


async def test_only_what_workers_left_is_cleared(root):
    places = Places(root / "work", root / "run")
    for name in ("w1f", "data", "w", "wx"):
        (root / "run" / name).mkdir(parents=True)
    places.clear()
    assert {path.name for path in (root / "run").iterdir()} == {"data", "w", "wx"}


async def test_memory_before_the_handshake_counts_too(root):
    async with house(root) as here:
        limited = Limits(memory=1 << 20)
        here.want("silence", start_timeout=30.0, limits=limited)
        async with asyncio.timeout(DEADLINE):
            while not here.plugin.last_exit:
                here.site.watches.memory.sample()
                await asyncio.sleep(0)
        assert here.plugin.last_exit.reason == "MemoryLimit"


async def test_a_bug_met_on_the_way_of_one_worker_costs_that_worker_only(root, monkeypatch):
    def fails(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Supervisor, "_command", fails)
    async with house(root) as here:
        here.want("good")
        await here.until(lambda: here.plugin.last_exit)
        assert here.plugin.last_exit.reason == "InternalError"
        assert "RuntimeError: a bug" in here.plugin.last_exit.message
