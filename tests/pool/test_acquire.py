"""Who gets which worker, and in which order."""

import asyncio
from typing import Any

import pytest

from controller.pool import DrainingError, FullError, NotFoundError, RemovedError
from tests.pool.words import KEY, Host, timers, turns


async def test_a_free_worker_is_given_at_once() -> None:
    host = Host()
    host.register("a")
    async with host.pool.acquire(KEY) as worker:
        assert (worker.worker, worker.item) == ("a", "a")


async def test_a_free_worker_is_given_even_if_there_is_no_time_to_wait() -> None:
    host = Host()
    host.register("a")
    async with host.pool.acquire(KEY, timeout=0) as worker:
        assert worker.worker == "a"


async def test_a_worker_has_as_many_calls_as_its_concurrency_says() -> None:
    host = Host()
    host.register("a", concurrency=2)
    callers = [host.begin() for _ in range(3)]
    await turns()
    assert [caller.worker for caller in callers] == ["a", "a", None]
    await callers[0].end()
    await turns()
    assert callers[2].worker == "a"


async def test_a_worker_without_a_limit_takes_any_number() -> None:
    host = Host()
    host.register("a", concurrency=None)
    callers = [host.begin() for _ in range(200)]
    await turns()
    assert {caller.worker for caller in callers} == {"a"}


async def test_the_least_busy_worker_is_taken() -> None:
    host = Host()
    host.register("a", "b", "c", concurrency=None)
    callers = [host.begin() for _ in range(6)]
    await turns()
    by_worker = {name: [c for c in callers if c.worker == name] for name in "abc"}
    assert {name: len(found) for name, found in by_worker.items()} == {"a": 2, "b": 2, "c": 2}
    await by_worker["b"][0].end()
    late = host.begin()
    await turns()
    assert late.worker == "b"


async def test_of_equally_busy_workers_the_longest_unused_is_taken() -> None:
    host = Host()
    host.register("a", "b", "c")
    order = []
    for _ in range(6):
        async with host.pool.acquire(KEY) as worker:
            order.append(worker.worker)
    assert order == ["a", "b", "c"] * 2


async def test_waiters_are_served_in_the_order_they_came() -> None:
    host = Host()
    host.register("a")
    callers = [host.begin() for _ in range(5)]
    for position, caller in enumerate(callers):
        await turns()
        assert [each.worker for each in callers[position:]] == ["a"] + [None] * (4 - position)
        await caller.end()


async def test_a_newcomer_does_not_overtake_a_waiter_that_was_woken_and_has_not_run() -> None:
    host = Host()
    host.register("a")
    first, waiter = host.begin(), host.begin()
    await turns()
    first.leave()
    newcomer = host.begin()  # runs after `first` has left the block, before `waiter` wakes
    await turns()
    assert (waiter.worker, newcomer.worker) == ("a", None)


async def test_plugins_do_not_wait_for_one_another() -> None:
    host = Host()
    host.register("a")
    host.register("b", key="rule/y")
    first, waiter, other = host.begin(), host.begin(), host.begin("rule/y")
    await turns()
    assert (first.worker, waiter.worker, other.worker) == ("a", None, "b")


async def test_the_queue_is_bounded_per_plugin() -> None:
    host = Host(max_waiting=2)
    host.register("a")
    host.register("b", key="rule/y")
    callers = [host.begin() for _ in range(3)]
    await turns()
    with pytest.raises(FullError, match=r"rule/x: 2 calls wait already \(1 of 1 wanted workers serve"):
        async with host.pool.acquire(KEY):
            pass
    async with host.pool.acquire("rule/y"):
        pass
    await callers[0].end()
    late = host.begin()
    await turns()
    assert not late.task.done()  # there was a place again


async def test_who_was_woken_and_has_not_run_still_counts_for_the_bound() -> None:
    host = Host(max_waiting=1)
    host.register("a")
    first, waiter = host.begin(), host.begin()
    await turns()
    first.leave()
    newcomer = host.begin()
    assert isinstance(await newcomer.outcome(), FullError)
    assert waiter.worker == "a"


async def test_a_deadline_ends_the_waiting_and_says_how_it_stands() -> None:
    host = Host()
    host.register("a")
    holder = host.begin()
    await turns()
    waiter = host.begin(timeout=3)
    began = asyncio.get_running_loop().time()
    error = await waiter.outcome()
    assert isinstance(error, TimeoutError)
    assert "rule/x: no worker was free within 3 s (1 of 1 wanted workers serve, 0 of them ejected; 1 calls run" in str(
        error
    )
    assert asyncio.get_running_loop().time() == began + 3
    await holder.end()
    async with host.pool.acquire(KEY, timeout=0):
        pass  # the waiter took no worker with it


async def test_a_waiter_that_got_its_worker_leaves_no_timer() -> None:
    host = Host()
    host.register("a")
    first, waiter, cancelled = host.begin(), host.begin(timeout=60), host.begin(timeout=60)
    await turns()
    assert len(timers()) == 2
    cancelled.task.cancel()
    await first.end()
    await turns()
    assert (waiter.worker, timers()) == ("a", [])


@pytest.mark.parametrize("fate", ["unregistered", "swapped", "left without workers"])
async def test_a_waiter_whose_time_ran_out_while_it_was_handed_a_worker_never_waits_without_a_timer(fate: str) -> None:
    host = Host()
    host.register("a")
    holder, waiter = host.begin(), host.begin(timeout=3)
    await turns()
    loop: Any = asyncio.get_running_loop()
    tell = {
        "unregistered": lambda: host.unregister("a"),
        "swapped": lambda: host.update("b", draining=("a",)),
        "left without workers": lambda: host.update(draining=("a",)),
    }[fate]
    loop.now += 3  # the timer is due, and fires in this turn, after the call has ended
    loop.call_soon(loop.call_soon, tell)
    holder.leave()
    await turns()
    if fate == "swapped":
        assert waiter.worker == "b"  # it was in time, and keeps its place
    else:
        expected = NotFoundError if fate == "unregistered" else TimeoutError
        assert type(waiter.task.exception()) is expected
    assert host.drained == {"a": 1}


async def test_a_cancelled_waiter_takes_no_worker_with_it() -> None:
    host = Host()
    host.register("a")
    first, cancelled, last = host.begin(), host.begin(), host.begin()
    await turns()
    cancelled.task.cancel()
    await turns()
    await first.end()
    await turns()
    assert last.worker == "a"


async def test_a_waiter_woken_and_cancelled_at_once_passes_the_worker_on() -> None:
    host = Host()
    host.register("a")
    first, cancelled, last = host.begin(), host.begin(), host.begin()
    await turns()
    first.afterwards = cancelled.task.cancel  # it was handed the worker and has not run since
    await first.end()
    await turns()
    assert (cancelled.task.cancelled(), cancelled.worker, last.worker) == (True, None, "a")


async def test_an_exception_of_the_block_goes_through_and_gives_the_worker_back() -> None:
    host = Host()
    host.register("a")
    with pytest.raises(KeyError):
        async with host.pool.acquire(KEY):
            raise KeyError
    async with host.pool.acquire(KEY, timeout=0):
        pass


async def test_a_key_that_nobody_ever_heard_of_is_not_found_and_leaves_nothing() -> None:
    host = Host()
    for number in range(100):
        with pytest.raises(NotFoundError, match=f"rule/{number}: nothing serves at the moment"):
            async with host.pool.acquire(f"rule/{number}"):
                pass
    assert host.pool._pools == {}


async def test_an_unregistered_plugin_is_not_found_at_once_for_waiters_and_newcomers() -> None:
    host = Host()
    host.register("a")
    holder, waiter = host.begin(), host.begin(timeout=60)
    await turns()
    host.unregister("a")
    await turns(1)
    assert isinstance(waiter.task.exception(), NotFoundError)
    assert isinstance(await host.begin().outcome(), NotFoundError)
    await holder.end()
    assert isinstance(await host.begin().outcome(), NotFoundError)


async def test_a_removed_plugin_is_removed_at_once_for_waiters_and_newcomers() -> None:
    host = Host()
    host.register("a")
    _, waiter = host.begin(), host.begin(timeout=60)
    await turns()
    host.remove("a")
    await turns(1)
    assert isinstance(waiter.task.exception(), RemovedError)
    assert isinstance(await host.begin().outcome(), RemovedError)


async def test_a_plugin_registered_again_has_no_tombstone() -> None:
    host = Host()
    host.register("a")
    host.remove("a")
    host.register("b")
    async with host.pool.acquire(KEY) as worker:
        assert worker.worker == "b"
    host.unregister("b")
    assert isinstance(await host.begin().outcome(), NotFoundError)


async def test_an_unregistered_plugin_has_no_tombstone() -> None:
    host = Host()
    host.remove()
    host.unregister()
    assert isinstance(await host.begin().outcome(), NotFoundError)


async def test_a_waiter_that_was_handed_a_worker_when_its_plugin_went_is_told_so() -> None:
    host = Host()
    host.register("a")
    first, waiter = host.begin(), host.begin()
    await turns()
    first.afterwards = lambda: host.unregister("a")
    first.leave()
    assert isinstance(await waiter.outcome(), NotFoundError)
    assert host.drained == {"a": 1}


async def test_a_waiter_that_is_told_late_does_not_take_the_new_plugin_with_it() -> None:
    host = Host()
    call = asyncio.create_task(host.pool.call(KEY, lambda _: asyncio.sleep(0), timeout=9, idempotent=True))
    await turns()
    host.remove()  # the call is told, and has not run
    host.register("a")
    with pytest.raises(RemovedError):
        await call
    async with host.pool.acquire(KEY, timeout=0):
        pass


async def test_tombstones_are_bounded_and_the_oldest_go() -> None:
    host = Host()
    for number in range(10_001):
        host.remove(key=f"rule/{number}")
    assert isinstance(await host.begin("rule/0").outcome(), NotFoundError)
    assert isinstance(await host.begin("rule/1").outcome(), RemovedError)
    host.remove(key="rule/1")  # buried anew
    host.remove(key="rule/10001")
    assert isinstance(await host.begin("rule/1").outcome(), RemovedError)
    assert isinstance(await host.begin("rule/2").outcome(), NotFoundError)
    assert len(host.pool._tombstones) == 10_000


async def test_plugins_lists_the_serving_workers() -> None:
    host = Host()
    host.register("a", "b")
    host.register("c", key="rule/y")
    host.remove("c", key="rule/y")
    found = host.pool.plugins()
    assert {key: [worker.worker for worker in workers] for key, workers in found.items()} == {KEY: ["a", "b"]}


async def test_wait_for_returns_once_the_plugin_serves() -> None:
    host = Host()
    host.remove()
    waits = [asyncio.create_task(host.pool.wait_for(KEY)) for _ in range(3)]
    await turns()
    waits[0].cancel()
    await turns()
    host.register("a", key="rule/y")
    await turns()
    assert [wait.done() for wait in waits] == [True, False, False]
    host.register("a")
    await asyncio.gather(*waits[1:])
    await host.pool.wait_for(KEY)
    assert host.pool._expected == {}


async def test_wait_for_does_not_return_for_a_plugin_that_came_and_went() -> None:
    host = Host()
    wait = asyncio.create_task(host.pool.wait_for(KEY))
    await turns()
    host.register("a")
    host.unregister("a")
    await turns()
    assert not wait.done()
    host.register("a")
    await wait


async def test_close_refuses_newcomers_and_waiters_and_returns_when_no_call_runs() -> None:
    host = Host()
    host.register("a")
    holder, waiter, expecting = host.begin(), host.begin(), asyncio.create_task(host.pool.wait_for("rule/y"))
    await turns()
    closings = [asyncio.create_task(host.pool.close()) for _ in range(2)]
    await turns()
    assert isinstance(waiter.task.exception(), DrainingError)
    assert isinstance(expecting.exception(), DrainingError)
    assert isinstance(await host.begin().outcome(), DrainingError)
    assert isinstance(await host.begin("rule/nobody").outcome(), DrainingError)
    assert not any(closing.done() for closing in closings)
    await holder.end()
    await asyncio.gather(*closings)
    await host.pool.close()


async def test_a_waiter_that_was_handed_a_worker_and_loses_it_is_not_left_behind_by_close() -> None:
    host = Host()
    host.register("a")
    holder, waiter = host.begin(), host.begin()
    await turns()
    holder.leave()
    closing = asyncio.create_task(host.pool.close())  # sees the worker handed over, and a call that is to run on it
    asyncio.get_running_loop().call_soon(lambda: host.update(draining=("a",)))
    await turns()
    assert (waiter.worker, closing.done(), host.drained) == (None, True, {"a": 1})
    assert isinstance(waiter.task.exception(), DrainingError)


async def test_a_waiter_that_was_handed_a_worker_runs_though_the_pool_is_closed_and_is_waited_for() -> None:
    host = Host()
    host.register("a")
    holder, waiter = host.begin(), host.begin()
    await turns()
    closings: list[asyncio.Task[None]] = []
    holder.afterwards = lambda: closings.append(asyncio.create_task(host.pool.close()))
    await holder.end()
    await turns()
    assert (waiter.worker, closings[0].done()) == ("a", False)
    await waiter.end()
    await closings[0]


async def test_messages_may_come_while_the_pool_is_being_closed() -> None:
    host = Host()
    host.register("a")
    holder = host.begin()
    await turns()
    closing = asyncio.create_task(host.pool.close())
    await turns()
    host.update("b", draining=("a",))
    host.register("c", key="rule/y")
    assert isinstance(await host.begin("rule/y").outcome(), DrainingError)
    assert host.drained == {}
    await holder.end()
    assert host.drained == {"a": 1}
    await closing
