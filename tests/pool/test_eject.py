"""A worker whose connection breaks gets no call for a while."""

import asyncio

import grpc
import grpc.aio
import pytest

from tests.pool.words import KEY, Host, application_error, timers, transport_error, turns


async def fail(host: Host, error: BaseException) -> None:
    """Let one call on the next worker end so."""
    with pytest.raises(type(error)):
        async with host.pool.acquire(KEY, timeout=0):
            raise error


def now() -> float:
    return asyncio.get_running_loop().time()


BROKEN = {
    "unavailable": transport_error(),
    "cancelled by the plugin": transport_error(grpc.StatusCode.CANCELLED),
    "closed channel": grpc.aio.UsageError("Channel is closed."),
    "closed during the call": asyncio.CancelledError(),
    "in a group": ExceptionGroup("", [ValueError(), transport_error()]),
    "deep in a group": BaseExceptionGroup("", [ExceptionGroup("", [transport_error()])]),
}
WELL = {
    "refused": application_error(),
    "late": transport_error(grpc.StatusCode.DEADLINE_EXCEEDED),
    "a bug": ValueError(),
    "a group of others": ExceptionGroup("", [ValueError(), application_error()]),
    "out of time": TimeoutError(),
}


@pytest.mark.parametrize("error", BROKEN.values(), ids=BROKEN)
async def test_a_transport_error_takes_the_worker_out_for_a_second(error: BaseException) -> None:
    host = Host()
    host.register("a")
    await fail(host, error)
    began = now()
    async with host.pool.acquire(KEY, timeout=60):
        assert now() == began + 1


@pytest.mark.parametrize("error", WELL.values(), ids=WELL)
async def test_another_error_leaves_the_worker_in_rotation(error: BaseException) -> None:
    host = Host()
    host.register("a")
    await fail(host, error)
    async with host.pool.acquire(KEY, timeout=0):
        pass


async def test_a_cancelled_caller_tells_nothing_of_the_worker() -> None:
    host = Host()
    host.register("a")
    caller = host.begin()
    await turns()
    caller.task.cancel()
    await turns()
    async with host.pool.acquire(KEY, timeout=0):
        pass


async def test_a_timeout_around_the_block_tells_nothing_of_the_worker() -> None:
    host = Host()
    host.register("a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1), host.pool.acquire(KEY):
            await asyncio.sleep(2)
    async with host.pool.acquire(KEY, timeout=0):
        pass


async def test_others_are_taken_meanwhile() -> None:
    host = Host()
    host.register("a", "b", "c", concurrency=None)
    await fail(host, transport_error())
    for _ in range(20):
        async with host.pool.acquire(KEY, timeout=0) as worker:
            assert worker.worker in "bc"


async def test_who_waits_while_all_are_ejected_gets_the_first_to_return() -> None:
    host = Host(eject_seconds=2)
    host.register("a", "b")
    await fail(host, transport_error())
    await asyncio.sleep(1)
    await fail(host, transport_error())
    began = now()
    async with host.pool.acquire(KEY) as worker:
        assert (worker.worker, now()) == ("a", began + 1)


async def test_who_waits_while_all_are_ejected_gets_a_worker_that_is_new() -> None:
    host = Host()
    host.register("a")
    await fail(host, transport_error())
    waiter, began = host.begin(), now()
    await turns()
    assert waiter.worker is None
    host.update("a", "b")
    await turns()
    assert (waiter.worker, now()) == ("b", began)


async def test_a_deadline_holds_while_all_are_ejected_and_says_so() -> None:
    host = Host()
    host.register("a")
    await fail(host, transport_error())
    with pytest.raises(TimeoutError, match="1 of 1 wanted workers serve, 1 of them ejected"):
        async with host.pool.acquire(KEY, timeout=0.5):
            pass


async def test_a_message_that_lists_it_does_not_bring_it_back_before_its_time() -> None:
    host = Host()
    host.register("a", "b")
    await fail(host, transport_error())
    host.update("a", "b")
    async with host.pool.acquire(KEY, timeout=0) as first:
        assert first.worker == "b"
        with pytest.raises(TimeoutError):
            async with host.pool.acquire(KEY, timeout=0.5):
                pass


async def test_an_ejected_worker_still_owes_its_drain() -> None:
    host = Host()
    host.register("a", concurrency=2)
    caller = host.begin()
    await turns()
    await fail(host, transport_error())
    host.update("b", draining=("a",))
    assert host.drained == {}
    await caller.end()
    assert host.drained == {"a": 1}


async def test_an_ejected_worker_that_drains_does_not_come_back() -> None:
    host = Host()
    host.register("a", concurrency=2)
    caller = host.begin()
    await turns()
    await fail(host, transport_error())
    host.update("b", draining=("a",))
    assert timers() == []
    async with host.pool.acquire(KEY) as worker:
        assert worker.worker == "b"
        waiter = host.begin()
        await asyncio.sleep(2)
        assert waiter.worker is None
    await caller.end()


async def test_a_second_failure_does_not_prolong_it() -> None:
    host = Host()
    host.register("a", concurrency=2)
    callers = [host.begin() for _ in range(2)]
    await turns()
    await callers[0].end(transport_error())
    began = now()
    await asyncio.sleep(0.5)
    await callers[1].end(transport_error())
    async with host.pool.acquire(KEY):
        assert now() == began + 1
    await fail(host, transport_error())
    async with host.pool.acquire(KEY):
        assert now() == began + 2  # nor does it shorten the next time


async def test_a_waiter_that_was_handed_a_worker_does_not_run_on_it_once_it_is_ejected() -> None:
    host = Host()
    host.register("a", concurrency=2)
    good, bad, waiter = host.begin(), host.begin(), host.begin()
    await turns()
    good.leave()  # hands a place to the waiter,
    bad.leave(transport_error())  # and this takes it back before the waiter runs
    await turns(1)
    await turns()
    assert waiter.worker is None
    host.update("b", draining=("a",))
    await turns()
    assert (waiter.worker, host.drained) == ("b", {"a": 1})


async def test_close_leaves_no_timer() -> None:
    host = Host()
    host.register("a")
    await fail(host, transport_error())
    assert timers() != []
    await host.pool.close()
    assert timers() == []
