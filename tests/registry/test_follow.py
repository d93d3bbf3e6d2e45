"""A pool and a client in one, for the length of a block."""

import asyncio

import pytest

from controller.pool import DrainingError, LostError, NotFoundError
from controller.registry import client
from controller.registry.client import RegistryClient, follow
from tests.registry.conftest import DEADLINE, until
from tests.registry.test_client import ask, worker
from tests.registry.words import A


async def test_calls_go_to_the_worker_and_a_swap_is_answered(registry):
    words = registry.words
    async with (
        worker(registry.run_dir / "w1" / "plugin", "v1") as (began, go),
        worker(registry.run_dir / "w2" / "plugin", "v2"),
        follow(registry.run_dir, host="app", item=lambda handle, channel: (handle.worker, channel)) as pool,
    ):
        registry.say(words.register("w1"))
        async with asyncio.timeout(DEADLINE):
            await pool.wait_for(A)
        slow = asyncio.ensure_future(pool.call(A, lambda handle: ask(handle.item[1], "wait"), timeout=DEADLINE))
        await began.wait()
        registry.say(words.update("w2", draining=("w1",)))
        await until(lambda: [each.worker for each in pool.plugins()[A]] == ["w2"])
        assert (await pool.call(A, lambda handle: ask(handle.item[1]), timeout=DEADLINE)).value == "v2"
        assert not words.answers
        go.set()
        assert (await slow).value == "v1"
        await until(lambda: words.answers == {"w1": 1})


async def test_the_blocks_own_exception_comes_out_as_it_was_raised(registry):
    with pytest.raises(KeyError, match="mine"):
        async with follow(registry.run_dir, host="app"):
            raise KeyError("mine")


async def test_a_cancelled_block_ends_cancelled(registry):
    async def run():
        async with follow(registry.run_dir, host="app"):
            await asyncio.Event().wait()

    running = asyncio.create_task(run())
    await until(lambda: registry.server.hosts)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_after_the_block_the_pool_is_closed_and_the_host_has_left(registry):
    async with follow(registry.run_dir, host="app") as pool:
        await until(lambda: registry.server.hosts == ("app",))
        with pytest.raises(NotFoundError):
            async with pool.acquire(A):
                pass
    with pytest.raises(DrainingError):
        async with pool.acquire(A):
            pass
    await until(lambda: registry.server.hosts == ())


async def test_what_an_item_raises_ends_the_block(registry):
    def broken(handle, channel):
        raise ValueError("no stub for it")

    async def run():
        async with follow(registry.run_dir, host="app", item=broken):
            registry.say(registry.words.register("w1"))
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert caught.group_contains(ValueError, match="no stub for it")


async def test_nobody_waits_for_a_host_that_has_left(registry):
    words = registry.words
    async with worker(registry.run_dir / "w1" / "plugin", "v1"):
        async with follow(registry.run_dir, host="app") as pool:
            registry.say(words.register("w1"))
            async with asyncio.timeout(DEADLINE):
                await pool.wait_for(A)
        registry.say(words.unregister("w1"))
        assert words.answers == {"w1": 1}  # at once, and not when the host counts as gone


@pytest.fixture
def no_hurry(monkeypatch):
    """Whoever waits for a registry that is not there, for the pause or in leaving, waits too long for a test."""
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "LEAVE_SECONDS"):
        monkeypatch.setattr(client, name, 1000)


@pytest.mark.usefixtures("no_hurry")
async def test_a_block_that_ends_at_once_costs_no_wait(tmp_path):
    async with asyncio.timeout(DEADLINE):
        async with follow(tmp_path, host="app"):
            pass


@pytest.mark.usefixtures("no_hurry")
async def test_a_block_that_found_no_controller_does_not_wait_for_one_in_the_end(tmp_path):
    tried = asyncio.Event()
    following = RegistryClient(tmp_path, lambda _: None, host="app", on_link=lambda _: tried.set())
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        group.create_task(following.run())
        await tried.wait()
        following.leave()


async def test_calls_that_outlast_the_grace_lose_their_channel(registry):
    words = registry.words
    async with worker(registry.run_dir / "w1" / "plugin", "v1") as (began, _):
        async with asyncio.timeout(DEADLINE), follow(registry.run_dir, host="app", grace=0.1) as pool:
            registry.say(words.register("w1"))
            await pool.wait_for(A)
            slow = asyncio.ensure_future(pool.call(A, lambda handle: ask(handle.item, "wait"), timeout=1000))
            await began.wait()
        with pytest.raises(LostError):
            await slow
        await until(lambda: registry.server.hosts == ())


async def test_calls_that_end_within_the_grace_have_their_answer(registry):
    words = registry.words
    async with worker(registry.run_dir / "w1" / "plugin", "v1") as (began, go):
        async with follow(registry.run_dir, host="app", grace=DEADLINE) as pool:
            registry.say(words.register("w1"))
            async with asyncio.timeout(DEADLINE):
                await pool.wait_for(A)
            slow = asyncio.ensure_future(pool.call(A, lambda handle: ask(handle.item, "wait"), timeout=1000))
            await began.wait()
            go.set()
        assert (await slow).value == "v1"
