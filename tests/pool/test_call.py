"""One call: its tries, its time, and what is told of it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
import pytest

from controller.manager.handle import PluginHandle
from controller.pool import DrainingError, FullError, LostError, NotFoundError, RemovedError
from tests.pool.words import KEY, Host, application_error, timers, transport_error, turns

Method = Callable[[PluginHandle[Any]], Awaitable[str]]


def now() -> float:
    return asyncio.get_running_loop().time()


class Plugin:
    """Workers that answer with their name; those in `broken` fail so. `asked` has the tries."""

    def __init__(self, **broken: BaseException) -> None:
        self.broken = broken
        self.asked: list[str] = []

    async def __call__(self, worker: PluginHandle[Any]) -> str:
        self.asked.append(worker.worker)
        await asyncio.sleep(0)
        if error := self.broken.get(worker.worker):
            raise error
        return worker.item


async def hang(worker: PluginHandle[Any]) -> str:
    await asyncio.sleep(1000)
    return worker.item


async def test_a_call_gives_the_answer_and_the_worker_back() -> None:
    host, plugin = Host(), Plugin()
    host.register("a")
    assert await host.pool.call(KEY, plugin, timeout=1) == "a"
    async with host.pool.acquire(KEY, timeout=0):
        pass


@pytest.mark.parametrize("idempotent", [True, False])
async def test_what_the_plugin_itself_says_is_never_tried_again(*, idempotent: bool) -> None:
    host, error = Host(), application_error()
    plugin = Plugin(a=error, b=error)
    host.register("a", "b")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await host.pool.call(KEY, plugin, timeout=9, idempotent=idempotent)
    assert (raised.value, plugin.asked) == (error, ["a"])


async def test_a_call_that_is_not_idempotent_is_sent_once() -> None:
    host, error = Host(), transport_error()
    plugin = Plugin(a=error)
    host.register("a", "b")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await host.pool.call(KEY, plugin, timeout=9)
    assert (raised.value, plugin.asked) == (error, ["a"])
    assert await host.pool.call(KEY, plugin, timeout=9) == "b"  # a is ejected
    assert await host.pool.call(KEY, plugin, timeout=9) == "b"


async def test_a_call_that_is_not_idempotent_waits_for_a_worker() -> None:
    host = Host()
    host.register("a")
    holder = host.begin()
    await turns()
    asyncio.get_running_loop().call_later(5, holder.leave)
    began = now()
    assert await host.pool.call(KEY, Plugin(), timeout=9) == "a"
    assert now() == began + 5


@pytest.mark.parametrize(
    "error",
    [
        transport_error(),
        asyncio.CancelledError(),
        grpc.aio.UsageError("Channel is closed."),
        ExceptionGroup("", [transport_error(), transport_error()]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_idempotent_call_goes_to_another_worker(error: BaseException) -> None:
    host, plugin = Host(), Plugin(a=error, b=error)
    host.register("a", "b", "c")
    began = now()
    assert await host.pool.call(KEY, plugin, timeout=9, idempotent=True) == "c"
    assert (plugin.asked, now()) == (["a", "b", "c"], began)


async def test_a_group_with_another_error_in_it_is_not_tried_again() -> None:
    host, plugin = Host(), Plugin(a=ExceptionGroup("", [transport_error(), ValueError()]))
    host.register("a", "b")
    with pytest.raises(ExceptionGroup):
        await host.pool.call(KEY, plugin, timeout=9, idempotent=True)
    assert plugin.asked == ["a"]


async def test_an_idempotent_call_avoids_a_worker_it_tried_though_that_is_back_and_idle() -> None:
    host, asked = Host(), []
    host.register("a", "b", "c", concurrency=None)

    async def method(worker: PluginHandle[Any]) -> str:
        asked.append(worker.worker)
        if worker.worker == "c":
            return "c"
        await asyncio.sleep(2 if worker.worker == "b" else 0)
        raise transport_error()

    call = asyncio.create_task(host.pool.call(KEY, method, timeout=9, idempotent=True))
    await turns()  # a has failed, b is asked
    host.begin(), host.begin()
    await turns()
    busy = {worker for worker, member in host.pool._pools[KEY]._listed.items() if member.running}
    assert (asked, busy) == (["a", "b"], {"b", "c"})
    assert (await call, asked) == ("c", ["a", "b", "c"])


async def test_an_idempotent_call_takes_the_same_worker_where_there_is_no_other() -> None:
    host, plugin = Host(), Plugin(a=transport_error())
    host.register("a")
    asyncio.get_running_loop().call_later(0.5, plugin.broken.clear)
    began = now()
    assert await host.pool.call(KEY, plugin, timeout=9, idempotent=True) == "a"
    assert (plugin.asked, now()) == (["a", "a"], began + 1)


async def test_an_idempotent_call_waits_for_a_plugin_that_serves_nothing() -> None:
    host = Host()
    call = asyncio.create_task(host.pool.call(KEY, Plugin(), timeout=9, idempotent=True))
    await turns()
    host.register("a")
    host.unregister("a")  # it was handed a, and goes on to wait
    await turns()
    host.update("b")
    assert await call == "b"


async def test_an_idempotent_call_that_waits_for_a_worker_outlives_the_version() -> None:
    host = Host()
    host.register("a")
    holder = host.begin()
    await turns()
    call = asyncio.create_task(host.pool.call(KEY, Plugin(), timeout=9, idempotent=True))
    await turns()
    host.unregister("a")
    await turns()
    host.register("b")
    assert await call == "b"
    await holder.end()


async def test_those_that_wait_for_a_plugin_are_served_in_order_and_before_newcomers() -> None:
    host, plugin = Host(), Plugin()
    order: list[int] = []

    async def call(number: int) -> None:
        await host.pool.call(KEY, plugin, timeout=9, idempotent=True)
        order.append(number)

    tasks = [asyncio.create_task(call(number)) for number in range(3)]
    await turns()
    host.register("a")
    tasks.append(asyncio.create_task(call(3)))
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]


async def test_a_call_that_is_not_idempotent_is_not_found_at_once() -> None:
    host = Host()
    began = now()
    with pytest.raises(NotFoundError, match="rule/x: nothing serves at the moment"):
        await host.pool.call(KEY, Plugin(), timeout=9)
    assert now() == began


async def test_an_idempotent_call_is_not_found_after_its_timeout() -> None:
    host = Host()
    began = now()
    with pytest.raises(NotFoundError, match="rule/x: nothing served within 9 s"):
        await host.pool.call(KEY, Plugin(), timeout=9, idempotent=True)
    assert (now(), host.pool._pools) == (began + 9, {})


async def test_an_idempotent_call_is_told_at_once_that_the_plugin_is_removed() -> None:
    host = Host()
    host.register("a")
    holder = host.begin()
    await turns()
    call = asyncio.create_task(host.pool.call(KEY, Plugin(), timeout=9, idempotent=True))
    await turns()
    host.remove("a")
    with pytest.raises(RemovedError):
        await call
    with pytest.raises(RemovedError):
        await host.pool.call(KEY, Plugin(), timeout=9, idempotent=True)
    await holder.end()


async def test_calls_that_wait_for_a_plugin_are_bounded_and_end_with_the_pool() -> None:
    host = Host(max_waiting=1)
    call = asyncio.create_task(host.pool.call(KEY, Plugin(), timeout=9, idempotent=True))
    await turns()
    with pytest.raises(FullError):
        await host.pool.call(KEY, Plugin(), timeout=9, idempotent=True)
    await host.pool.close()
    with pytest.raises(DrainingError):
        await call


async def test_the_last_transport_error_is_raised_with_what_went_before() -> None:
    host = Host()
    plugin = Plugin(
        a=transport_error(details="first"),
        b=grpc.aio.UsageError("Channel is closed."),
        c=transport_error(details="third"),
    )
    host.register("a", "b", "c")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await host.pool.call(KEY, plugin, timeout=0.5, idempotent=True)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert (raised.value.details() or "").startswith(
        "third (before: worker a: UNAVAILABLE first; worker b: Channel is closed.; worker c: UNAVAILABLE third;"
        " rule/x: no worker was free within 0.5 s (3 of 3 wanted workers serve, 3 of them ejected"
    )


async def test_only_the_last_tries_are_told_one_by_one() -> None:
    host, plugin = Host(), Plugin(a=transport_error())
    host.register("a")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await host.pool.call(KEY, plugin, timeout=99.5, idempotent=True)
    assert len(plugin.asked) == 100
    assert "(before: 96 earlier tries; worker a: UNAVAILABLE gone;" in str(raised.value.details())
    assert len(str(raised.value.details())) < 500


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_channel_closed_during_the_call_never_looks_like_a_cancelled_task(*, idempotent: bool) -> None:
    host, plugin = Host(), Plugin(a=asyncio.CancelledError())
    host.register("a")
    with pytest.raises(LostError, match="rule/x: the worker's channel was closed during the call"):
        await host.pool.call(KEY, plugin, timeout=0.5, idempotent=idempotent)


async def test_a_cancelled_call_is_cancelled_and_tried_on_nobody_else() -> None:
    host, asked = Host(), []

    async def method(worker: PluginHandle[Any]) -> None:
        asked.append(worker.worker)
        await asyncio.sleep(1000)

    host.register("a", "b")
    call = asyncio.create_task(host.pool.call(KEY, method, timeout=9, idempotent=True))
    await turns()
    call.cancel()
    await asyncio.wait([call])
    assert (call.cancelled(), asked) == (True, ["a"])
    async with host.pool.acquire(KEY, timeout=0), host.pool.acquire(KEY, timeout=0):
        pass  # none is ejected


async def test_a_call_without_an_answer_ends_at_its_timeout_and_gives_the_worker_back() -> None:
    host = Host()
    host.register("a")
    began = now()
    with pytest.raises(TimeoutError, match="rule/x: worker a gave no answer within 9 s in all"):
        await host.pool.call(KEY, hang, timeout=9, idempotent=True)
    assert now() == began + 9
    async with host.pool.acquire(KEY, timeout=0):
        pass


async def test_the_timeout_spans_waiting_and_all_tries() -> None:
    host = Host()
    host.register("a", "b")

    async def method(worker: PluginHandle[Any]) -> None:
        await asyncio.sleep(2)
        if worker.worker == "a":
            raise transport_error()
        await asyncio.sleep(1000)

    began = now()
    with pytest.raises(
        TimeoutError, match=r"worker b gave no answer within 5 s in all \(before: worker a: UNAVAILABLE"
    ):
        await host.pool.call(KEY, method, timeout=5, idempotent=True)
    assert now() == began + 5


async def test_a_transport_error_at_the_very_end_is_the_last() -> None:
    host, tries = Host(), []
    host.register("a", "b")

    async def method(worker: PluginHandle[Any]) -> None:
        tries.append(worker.worker)
        asyncio.get_running_loop().now += 5  # it kept the loop busy
        raise transport_error()

    with pytest.raises(grpc.aio.AioRpcError):
        await host.pool.call(KEY, method, timeout=5, idempotent=True)
    assert tries == ["a"]


async def test_a_method_that_has_its_answer_after_all_leaves_no_cancellation_behind() -> None:
    host = Host()
    host.register("a")

    async def method(worker: PluginHandle[Any]) -> str:
        with suppress(asyncio.CancelledError):
            await hang(worker)
        return "late"

    assert await host.pool.call(KEY, method, timeout=5) == "late"
    task = asyncio.current_task()
    assert task
    assert (task.cancelling(), timers()) == (0, [])


@pytest.mark.parametrize("seconds", [4.999, 5])
async def test_who_is_cancelled_as_the_time_runs_out_is_cancelled(seconds: float) -> None:
    host = Host()
    host.register("a")
    loop: Any = asyncio.get_running_loop()
    call = asyncio.create_task(host.pool.call(KEY, hang, timeout=seconds))
    loop.call_later(5, call.cancel)
    await turns()
    loop.now += 5  # both timers are due, and fire in one turn
    await asyncio.wait([call])
    assert (call.cancelled(), timers()) == (True, [])


async def test_a_call_in_a_task_that_was_cancelled_before_has_its_time_as_any_other() -> None:
    host = Host()
    host.register("a")
    task = asyncio.current_task()
    assert task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError, match="gave no answer within 5 s"):
        await host.pool.call(KEY, hang, timeout=5)
    assert task.uncancel() == 0


async def test_a_timeout_of_the_method_itself_goes_through() -> None:
    host = Host()
    host.register("a", "b")

    async def method(_: PluginHandle[Any]) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match=r"^mine$"):
        await host.pool.call(KEY, method, timeout=5, idempotent=True)


async def test_a_call_inside_a_call_is_not_mistaken_for_a_failed_worker() -> None:
    host = Host()
    host.register("a")

    async def method(_: PluginHandle[Any]) -> None:
        await host.pool.call("rule/y", Plugin(), timeout=1)

    with pytest.raises(NotFoundError, match="rule/y"):
        await host.pool.call(KEY, method, timeout=5, idempotent=True)
    async with host.pool.acquire(KEY, timeout=0):
        pass
