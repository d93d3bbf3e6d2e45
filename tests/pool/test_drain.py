"""What becomes of a worker that no message lists any more, and who is told when."""

import asyncio
from collections import Counter

import pytest

from controller.core.model import PluginKey, WorkerId
from controller.manager.host_messages import UnregisterMessage
from tests.pool.words import KEY, Host, transport_error, turns


async def test_a_draining_worker_without_calls_is_answered_at_once() -> None:
    host = Host()
    host.register("a")
    host.update("b", draining=("a",))
    assert host.drained == {"a": 1}


async def test_a_worker_that_the_pool_never_knew_is_answered_at_once() -> None:
    host = Host()
    host.unregister("a")
    host.remove("b", key="rule/y")
    assert host.drained == {"a": 1, "b": 1}
    assert host.pool._pools == {}


async def test_a_draining_worker_takes_no_new_call_and_is_answered_after_its_last() -> None:
    host = Host()
    host.register("a", concurrency=2)
    first, second = host.begin(), host.begin()
    await turns()
    host.update("b", draining=("a",))
    late = host.begin()
    await first.end()
    await turns()
    assert (late.worker, host.drained) == ("b", {})
    await second.end()
    assert host.drained == {"a": 1}


@pytest.mark.parametrize("message", ["unregister", "remove"])
async def test_a_plugin_that_goes_is_answered_for_after_its_last_call(message: str) -> None:
    host = Host()
    host.register("a", "b")
    caller = host.begin()
    await turns()
    getattr(host, message)("a", "b")
    assert host.drained == {"b": 1}
    await caller.end()
    assert host.drained == {"a": 1, "b": 1}
    assert host.pool._pools == {}


async def test_a_call_that_ends_in_error_or_is_cancelled_ends_the_drain_too() -> None:
    host = Host()
    host.register("a", "b")
    failing, cancelled = host.begin(), host.begin()
    await turns()
    host.unregister("a", "b")
    await failing.end(transport_error())  # it crashed while it drained
    assert host.drained == {"a": 1}
    cancelled.task.cancel()
    await turns()
    assert host.drained == {"a": 1, "b": 1}


async def test_waiters_of_the_old_version_get_the_workers_of_the_new_one() -> None:
    host = Host()
    host.register("a")
    first, waiters = host.begin(), [host.begin() for _ in range(3)]
    await turns()
    host.update("b", "c", draining=("a",))
    await turns()
    assert [waiter.worker for waiter in waiters] == ["b", "c", None]
    await first.end()
    await turns()
    assert waiters[2].worker is None  # not the old one


async def test_a_waiter_that_was_handed_a_worker_does_not_run_on_it_once_it_drains() -> None:
    host = Host()
    host.register("a")
    first, waiter = host.begin(), host.begin()
    await turns()
    first.afterwards = lambda: host.update("b", draining=("a",))
    await first.end()
    assert host.drained == {"a": 1}  # at once: the waiter never ran on it
    await turns()
    assert waiter.worker == "b"


async def test_waiters_keep_their_order_when_what_they_were_handed_goes() -> None:
    host = Host()
    host.register("a", "b")
    first, second, *waiters = (host.begin() for _ in range(5))
    await turns()
    first.leave()
    second.afterwards = lambda: host.update("c", draining=("a", "b"))
    second.leave()
    await turns()
    assert [waiter.worker for waiter in waiters] == ["c", None, None]
    await waiters[0].end()
    await turns()
    assert [waiter.worker for waiter in waiters] == ["c", "c", None]


async def test_a_worker_named_draining_again_is_answered_once_to_each_message() -> None:
    host = Host()
    host.register("a")
    caller = host.begin()
    await turns()
    host.update("b", draining=("a",))
    again: Counter[str] = Counter()

    def on_drained(worker: WorkerId) -> None:
        again[worker] += 1

    host.pool.sync(UnregisterMessage(PluginKey(KEY), (WorkerId("a"), WorkerId("a")), on_drained))
    assert (host.drained, again) == ({}, {})
    await caller.end()
    assert (host.drained, again) == ({"a": 1}, {"a": 1})
    host.pool.sync(UnregisterMessage(PluginKey(KEY), (WorkerId("a"),), on_drained))
    assert (host.drained, again) == ({"a": 1}, {"a": 2})


async def test_the_answer_may_bring_the_next_message() -> None:
    host = Host()
    host.register("a", "b")
    first, second = host.begin(), host.begin()
    await turns()

    def on_drained(worker: WorkerId) -> None:
        host.drained[worker] += 1
        host.register("c")

    host.pool.sync(UnregisterMessage(PluginKey(KEY), (WorkerId("a"), WorkerId("b")), on_drained))
    await first.end()
    async with host.pool.acquire(KEY, timeout=0) as worker:
        assert worker.worker == "c"
    await second.end()
    assert host.drained == {"a": 1, "b": 1}


async def test_a_draining_worker_that_is_listed_again_gets_no_call() -> None:
    host = Host()
    host.register("a")
    caller = host.begin()
    await turns()
    host.unregister("a")
    host.register("a", "b")
    late = [host.begin() for _ in range(2)]
    await turns()
    assert [each.worker for each in late] == ["b", None]
    assert [worker.worker for worker in host.pool.plugins()[PluginKey(KEY)]] == ["b"]
    await caller.end()
    assert host.drained == {"a": 1}


async def test_a_worker_listed_and_named_draining_by_one_message_drains() -> None:
    host = Host()
    host.register("a")
    holder, waiter = host.begin(), host.begin()
    await turns()
    host.update("b", draining=("a", "b"))
    assert host.drained == {"b": 1}
    await turns()
    assert waiter.worker is None
    await holder.end()


async def test_a_worker_left_out_without_draining_is_forgotten_when_its_calls_end() -> None:
    host = Host()
    host.register("a", "b", concurrency=2)
    callers = [host.begin() for _ in range(4)]
    await turns()
    host.update("b", concurrency=2)  # a crashed
    late = host.begin()
    for caller in callers:
        if caller.worker == "a":
            await caller.end(transport_error())
    await turns()
    assert (late.worker, host.drained) == (None, {})
    host.unregister("a")
    assert host.drained == {"a": 1}


async def test_a_worker_left_out_and_listed_again_still_counts_its_calls() -> None:
    host = Host()
    host.register("a")
    caller = host.begin()
    await turns()
    host.unregister()  # as after a lost connection to the registry
    host.register("a")
    late = host.begin()
    await turns()
    assert late.worker is None
    await caller.end()
    await turns()
    assert late.worker == "a"


async def test_a_listed_worker_keeps_its_calls_and_takes_over_what_the_message_says() -> None:
    host = Host()
    host.register("a", concurrency=1)
    callers = [host.begin() for _ in range(3)]
    await turns()
    host.update("a", concurrency=2)
    await turns()
    assert [caller.worker for caller in callers] == ["a", "a", None]
    host.update("a", concurrency=1)
    await callers[0].end()
    await turns()
    assert callers[2].worker is None  # one too many still runs
    await callers[1].end()
    await turns()
    assert callers[2].worker == "a"


async def test_a_drain_never_touches_the_plugin_that_was_registered_meanwhile() -> None:
    host = Host()
    host.register("a")
    caller = host.begin()
    await turns()
    host.unregister("a")
    host.register("b")
    await caller.end()
    async with host.pool.acquire(KEY, timeout=0) as worker:
        assert worker.worker == "b"


async def test_nothing_is_remembered_of_plugins_that_came_and_went() -> None:
    host = Host()
    for number in range(100):
        key = f"rule/{number}"
        host.register("a", key=key)
        caller = host.begin(key)
        await turns()
        host.unregister(key=key)
        await caller.end()
    assert host.pool._pools == {}
    assert len(asyncio.all_tasks()) == 1
