"""What hosts may do to a controller, and what they owe it: seen from outside of them."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.testing import FakeRegistry
from controller.testing.fake_worker import echo
from tests.calls import amounts
from tests.calls.crowd import Crowd
from tests.calls.load import HOSTS, METHOD, Host, host
from tests.calls.moves import SWIFT
from tests.calls.test_changes import served
from tests.calls.watcher import Watcher
from tests.e2e.rig import Rig

pytestmark = [pytest.mark.go, pytest.mark.slow]
KEY = "zoo/called"
DRAIN = 2  # seconds
SLACK = 1.5  # from a drain's deadline until it is seen to be over, on a busy machine
FLOOD = 30000  # messages, three times what a registry keeps for one host
GROWTH = 32 * 1024  # KiB


def resident(pid: int | str = "self") -> int:
    """The process's memory in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@asynccontextmanager
async def following(registry: FakeRegistry, language: str) -> AsyncIterator[Host]:
    """A load host of a registry in this loop, which must turn while the host is talked to."""
    load = await asyncio.to_thread(Host, language, registry.run_dir, KEY, "--host", language, "--idempotent")
    try:
        await asyncio.to_thread(load.wait_for, "ready")
        yield load
    finally:
        await asyncio.to_thread(load.close)


@pytest.mark.parametrize("language", HOSTS)
async def test_no_host_calls_a_worker_after_it_answered_drained(fake_registry: FakeRegistry, language: str):
    async with fake_registry as registry:
        registry.register(KEY, await registry.worker(KEY, {METHOD: echo}))
        async with following(registry, language) as load:
            for _ in range(amounts.of(200, 50)):
                (old,) = registry.serving(KEY)
                registry.update(KEY, await registry.worker(KEY, {METHOD: echo}))
                await registry.until(lambda old=old: registry.is_drained(old))
                assert registry.answers[old.id] == {language}
            final = await asyncio.to_thread(load.quit)
        assert registry.late_calls() == {}
    assert (final["failed"], final["tries"]) == (0, final["calls"])
    assert load.wrong() == []


@pytest.mark.parametrize("language", HOSTS)
async def test_a_host_that_reads_nothing_costs_little_and_comes_back(fake_registry: FakeRegistry, language: str):
    async with fake_registry as registry:
        worker = await registry.worker(KEY, {METHOD: echo})
        registry.register(KEY, worker)
        async with following(registry, language) as load:
            load.signal(signal.SIGSTOP)
            before = resident()
            for number in range(FLOOD):
                registry.update("zoo/flood", worker)
                if number % 100 == 0:
                    await asyncio.sleep(0)  # what is sent is sent here
            assert registry.hosts == ()
            assert resident() - before < GROWTH
            load.signal(signal.SIGCONT)
            await registry.until(lambda: registry.hosts == (language,))
            final = await asyncio.to_thread(load.quit)
    assert final["failed"] == 0


async def test_a_host_that_joins_in_the_middle_of_a_drain_never_sees_the_draining_worker(controller: Rig):
    moves = served(controller, "echo", workers=1)
    async with controller.pool("first") as first:
        await first.wait_for(KEY)
        (old,) = first.plugins()[KEY]
        async with first.acquire(KEY):
            await asyncio.to_thread(controller.until_served, "called", controller.swap("called"))
            for number in range(20):
                async with controller.pool(f"late-{number}") as late:
                    await late.wait_for(KEY)
                    assert old.worker not in [each.worker for each in late.plugins()[KEY]]
            for language in HOSTS:
                joined = await asyncio.to_thread(calls_for_a_second, controller, language)
                assert joined["calls"] > 0
                assert old.worker not in joined["workers"]
            assert moves.all("called")[old.worker]["phase"] == "Draining"
        await asyncio.to_thread(moves.settled)


def calls_for_a_second(controller: Rig, language: str) -> dict:
    with host(language, controller.run, KEY, "--host", f"joins-{language}") as load:
        load.wait_for("second")
        return load.quit()


@pytest.mark.timeout(400)
def test_hosts_that_stop_and_die_hold_nothing_up(controller: Rig, capsys: pytest.CaptureFixture[str]):
    seed = int(os.environ.get("PLUGINMGR_SEED", random.randrange(2**32)))
    chance = random.Random(seed)
    moves = served(controller, "echo", update=SWIFT["update"] | {"drainSeconds": DRAIN})
    count = amounts.of(200, 60)
    with (
        Watcher(controller, "called") as watcher,
        Crowd(controller.run, KEY, HOSTS, "--idempotent", "--timeout", "60s", "--callers", "8") as crowd,
    ):
        before = resident(controller.running.pid)
        for _ in range(count):
            crowd.stir(chance)
            controller.until_served("called", controller.swap("called"))
        finals = crowd.quit()
        moves.settled()
    grown = resident(controller.running.pid) - before
    with capsys.disabled():
        print(
            f"\nseed {seed}: {count} swaps, {len(crowd.former)} hosts killed; {len(watcher.drains)} drains were seen, "
            f"the longest took {watcher.longest():.2f} s of {DRAIN}; the controller grew by {grown} KiB"
        )
    assert watcher.longest() < DRAIN + SLACK, crowd.deeds
    assert {language: final["failed"] for language, final in finals.items()} == dict.fromkeys(HOSTS, 0), crowd.deeds
    assert crowd.wrong() == []
    assert grown < GROWTH
