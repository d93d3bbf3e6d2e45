"""The fake registry says what a test wants said, and sees what hosts do about it."""

import asyncio

import grpc
import pytest

from controller import NotFoundError, RemovedError
from controller.core.model import Reported
from controller.registry.client import follow
from controller.testing import FakeRegistry
from controller.testing.fake_worker import echo

PLUGIN = "rule/x"
METHOD = "/test.Echo/Call"
METHODS = {METHOD: echo}


async def call(worker, request: bytes = b"hello") -> bytes:
    return await worker.item.unary_unary(METHOD)(request)


async def test_hosts_get_what_is_registered(fake_registry: FakeRegistry):
    async with fake_registry as registry, follow(registry.run_dir, host="h") as pool:
        reported = Reported("id-1", "X", '{"a": 1}')
        worker = await registry.worker(PLUGIN, METHODS, adapter="rule", concurrency=1, reported=reported)
        registry.register(PLUGIN, worker)
        await pool.wait_for(PLUGIN)
        (handle,) = pool.plugins()[PLUGIN]
        assert (handle.worker, handle.adapter, handle.concurrency) == (worker.id, "rule", 1)
        assert handle.reported == reported
        assert await pool.call(PLUGIN, call, timeout=5) == b"hello"
        assert (worker.calls, worker.running) == (1, 0)
        assert registry.hosts == ("h",)


async def test_an_update_drains_who_served_and_knows_who_answered(fake_registry: FakeRegistry):
    async with (
        fake_registry as registry,
        follow(registry.run_dir, host="busy") as busy,
        follow(registry.run_dir, host="idle") as idle,
    ):
        old, new = [await registry.worker(PLUGIN, METHODS) for _ in range(2)]
        await registry.until(lambda: set(registry.hosts) == {"busy", "idle"})
        registry.register(PLUGIN, old)
        await busy.wait_for(PLUGIN)
        await idle.wait_for(PLUGIN)
        async with busy.acquire(PLUGIN):
            registry.update(PLUGIN, new)
            await registry.until(lambda: registry.answers[old.id] == {"idle"})
            assert not registry.is_drained(old)
            assert registry.serving(PLUGIN) == (new,)
        await registry.until(lambda: registry.is_drained(old))
        assert registry.answers[old.id] == {"busy", "idle"}


async def test_a_call_after_drained_is_seen(fake_registry: FakeRegistry):
    async with fake_registry as registry, follow(registry.run_dir, host="h") as pool:
        old, new = [await registry.worker(PLUGIN, METHODS) for _ in range(2)]
        registry.register(PLUGIN, old)
        await pool.wait_for(PLUGIN)
        registry.update(PLUGIN, new)
        await registry.until(lambda: registry.is_drained(old))
        assert registry.late_calls() == {}
        async with grpc.aio.insecure_channel(f"unix:{old.handle.address}") as behind_the_pool:
            await behind_the_pool.unary_unary(METHOD)(b"late")
        assert registry.late_calls() == {old.id: 1}


@pytest.mark.parametrize(("end", "error"), [("unregister", NotFoundError), ("remove", RemovedError)])
async def test_what_is_withdrawn_is_found_no_more(fake_registry: FakeRegistry, end: str, error: type[Exception]):
    async with fake_registry as registry, follow(registry.run_dir, host="h") as pool:
        worker = await registry.worker(PLUGIN, METHODS)
        registry.register(PLUGIN, worker)
        await pool.wait_for(PLUGIN)
        getattr(registry, end)(PLUGIN)
        await registry.until(lambda: registry.is_drained(worker))
        with pytest.raises(error):
            await pool.call(PLUGIN, call, timeout=5)


async def test_a_crash_breaks_calls_off_and_is_announced(fake_registry: FakeRegistry):
    async def never(_request: bytes) -> bytes:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async with fake_registry as registry, follow(registry.run_dir, host="h") as pool:
        worker = await registry.worker(PLUGIN, {METHOD: never})
        registry.register(PLUGIN, worker)
        await pool.wait_for(PLUGIN)
        calling = asyncio.create_task(pool.call(PLUGIN, call, timeout=5))
        await registry.until(lambda: worker.running == 1)
        await registry.crash(worker)
        with pytest.raises(grpc.aio.AioRpcError):
            await calling
        await registry.until(lambda: pool.plugins() == {})


async def test_a_drain_can_be_ended_for_a_host_that_never_answers(fake_registry: FakeRegistry):
    async with fake_registry as registry, follow(registry.run_dir, host="h") as pool:
        old, new = [await registry.worker(PLUGIN, METHODS) for _ in range(2)]
        registry.register(PLUGIN, old)
        await pool.wait_for(PLUGIN)
        async with pool.acquire(PLUGIN):
            registry.update(PLUGIN, new)
            await registry.end(old)
            with pytest.raises(grpc.aio.AioRpcError):
                async with grpc.aio.insecure_channel(f"unix:{old.handle.address}") as channel:
                    await channel.unary_unary(METHOD)(b"gone", timeout=1)


async def test_what_is_waited_for_in_vain_is_a_timeout(fake_registry: FakeRegistry):
    async with fake_registry as registry:
        with pytest.raises(TimeoutError):
            await registry.until(lambda: registry.hosts, deadline=0.05)


async def test_what_the_block_raises_comes_out_as_it_is(fake_registry: FakeRegistry):
    with pytest.raises(KeyError):
        async with fake_registry:
            raise KeyError
