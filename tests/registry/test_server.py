"""What the server says on the wire, and what it bears."""

import asyncio
import logging

import grpc
import pytest

from controller.registry.pb import registry_pb2 as pb
from tests.registry.conftest import DEADLINE, Host, until
from tests.registry.deaf import DATA, frame, watch
from tests.registry.words import REPORTED, V1, V2, A, B


def ids(workers) -> list[str]:
    return [each.id for each in workers]


async def test_the_first_message_is_a_snapshot_of_all_that_serves(registry, connect):
    words = registry.words
    registry.say(words.register("w1", "w2"), words.remove(plugin=B))
    heard = await connect().hello()
    assert heard.sequence == 1
    (plugin,) = heard.snapshot.plugins
    assert (plugin.plugin, plugin.max_procs, list(heard.snapshot.removed)) == (A, 2, [B])
    assert plugin.version == pb.Version(digest=V1.digest, launch=V1.launch, restart=V1.restart)
    assert plugin.workers[0] == pb.Worker(
        id="w1",
        pid=1,
        network="unix",
        address="w1/plugin",
        adapter="rule",
        concurrency=1,
        plugin_id=REPORTED.id,
        display_name=REPORTED.display_name,
        metadata=REPORTED.metadata,
    )


async def test_then_every_message_comes_in_order_and_numbered(registry, connect):
    words, host = registry.words, connect()
    await host.hello()
    registry.say(
        words.register("w1"),
        words.update("w2", draining=("w1",), version=V2),
        words.unregister("w2"),
        words.remove(),
    )
    heard = [await host.hear() for _ in range(4)]
    assert [each.sequence for each in heard] == [2, 3, 4, 5]
    assert [each.WhichOneof("message") for each in heard] == ["register", "update", "unregister", "remove"]
    assert ids(heard[1].update.workers) == ["w2"]
    assert list(heard[1].update.draining) == ["w1"]
    assert heard[1].update.version.digest == V2.digest
    assert list(heard[2].unregister.draining) == ["w2"]


async def test_a_drain_waits_for_every_host_that_was_told(registry, connect):
    words, one, two = registry.words, connect(), connect()
    registry.say(words.register("w1"))
    await one.hello("one")
    await two.hello("two")
    registry.say(words.unregister("w1"))
    await one.drained("w1")
    await until(lambda: registry.server._ledger.debtors("w1") == {"two"})
    assert not words.answers
    await two.drained("w1")
    await until(lambda: words.answers == {"w1": 1})


async def test_a_host_that_joins_in_the_middle_of_a_drain_is_not_told_of_it(registry, connect):
    words, early, late = registry.words, connect(), connect()
    registry.say(words.register("w1"))
    await early.hello("early")
    registry.say(words.update("w2", draining=("w1",)))
    snapshot = (await late.hello("late")).snapshot
    assert ids(snapshot.plugins[0].workers) == ["w2"]
    registry.say(words.unregister("w2"))
    assert list((await late.hear()).unregister.draining) == ["w2"]


async def test_a_host_that_is_lost_owes_for_two_seconds(registry, connect):
    words, host = registry.words, connect()
    registry.say(words.register("w1"))
    await host.hello()
    registry.say(words.unregister("w1"))
    await host.close()
    await until(lambda: not registry.server.hosts)
    assert not words.answers
    await until(lambda: words.answers)


async def test_a_reconnect_keeps_its_debts(registry, connect):
    words, host, again = registry.words, connect(), connect()
    registry.say(words.register("w1"))
    await host.hello("app")
    registry.say(words.unregister("w1"))
    await host.close()
    snapshot = (await again.hello("app", "w1", "w99")).snapshot
    assert not snapshot.plugins
    await until(lambda: registry.server._ledger.due_at() == float("inf"))
    assert not words.answers
    await again.drained("w1")
    await until(lambda: words.answers)


async def test_a_second_watch_of_one_name_cuts_the_first(registry, connect):
    first, second = connect(), connect()
    await first.hello("app")
    await second.hello("app")
    code, text = await first.end()
    assert code is grpc.StatusCode.ABORTED
    assert "'app'" in text
    registry.say(registry.words.register("w1"))
    assert (await second.hear()).register.plugin == A


async def test_a_host_that_hangs_up_leaves_in_peace(registry, connect, caplog):
    caplog.set_level(logging.INFO, "controller.registry")
    host = connect()
    await host.hello()
    await host.call.done_writing()
    assert (await host.end())[0] is grpc.StatusCode.OK
    await until(lambda: not registry.server.hosts)
    assert caplog.records[-1].why == "the host hung up"


async def nothing(host: Host) -> None:
    await host.call.done_writing()


async def drained_first(host: Host) -> None:
    await host.drained("w1")


async def empty_first(host: Host) -> None:
    await host.say()


async def no_name(host: Host) -> None:
    await host.say(hello=pb.Hello())


async def long_name(host: Host) -> None:
    await host.say(hello=pb.Hello(host="x" * 129))


async def two_hellos(host: Host) -> None:
    await host.hello("bad")
    await host.say(hello=pb.Hello(host="bad"))


async def empty_later(host: Host) -> None:
    await host.hello("bad")
    await host.say()


@pytest.mark.parametrize(
    ("misbehave", "text"),
    [
        (nothing, "must be a Hello"),
        (drained_first, "must be a Hello"),
        (empty_first, "must be a Hello"),
        (no_name, "1 to 128 characters, not 0"),
        (long_name, "1 to 128 characters, not 129"),
        (two_hellos, "a second Hello"),
        (empty_later, "an empty message"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_bad_input_is_refused_with_a_text_and_disturbs_nobody(registry, connect, misbehave, text):
    good, bad = connect(), connect()
    await good.hello("good")
    await misbehave(bad)
    code, details = await bad.end()
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert text in details
    await until(lambda: registry.server.hosts == ("good",))
    registry.say(registry.words.register("w1"))
    assert (await good.hear()).sequence == 2


async def test_the_longest_name_is_taken(connect):
    assert (await connect().hello("x" * 128)).sequence == 1


@pytest.mark.parametrize("first", [(), (pb.WatchRequest(hello=pb.Hello(host="junk")),)], ids=["at first", "later"])
async def test_bytes_that_are_no_message_end_that_watch_alone(registry, connect, first):
    good = connect()
    await good.hello("good")
    junk = watch(registry.socket, *first)
    junk.sendall(frame(DATA, 0, 1, b"\0\0\0\0\5\xff\xff\xff\xff\xff"))
    junk.setblocking(False)
    said = b""
    async with asyncio.timeout(DEADLINE):
        while b"these bytes are no WatchRequest" not in said:
            said += await asyncio.get_running_loop().sock_recv(junk, 4096)
    junk.close()
    registry.say(registry.words.register("w1"))
    assert (await good.hear()).sequence == 2


async def test_who_says_nothing_is_not_waited_for_for_ever(registry, connect, monkeypatch):
    monkeypatch.setattr("controller.registry.server.HELLO_SECONDS", 0.05)
    code, text = await connect().end()
    assert (code, text) == (grpc.StatusCode.INVALID_ARGUMENT, "no Hello within 0.05 s")


async def test_more_hosts_than_may_be_are_refused_and_those_that_are_known_are_not(registry, connect, monkeypatch):
    monkeypatch.setattr("controller.registry.server.MOST_HOSTS", 1)
    await connect().hello("one")
    other = connect()
    await other.say(hello=pb.Hello(host="two"))
    assert (await other.end())[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await connect().hello("one")).sequence == 1


async def test_a_host_that_comes_back_under_new_names_is_refused_until_the_former_ones_are_gone(
    registry, connect, monkeypatch
):
    monkeypatch.setattr("controller.registry.server.MOST_HOSTS", 1)
    first = connect()
    await first.hello("one")
    await first.close()
    await until(lambda: not registry.server.hosts)
    other = connect()
    await other.say(hello=pb.Hello(host="two"))
    code, text = await other.end()
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert text == "1 hosts are connected, or were within the last 2 s"
    assert (await connect().hello("one")).sequence == 1


async def test_answers_that_nobody_waits_for_are_taken_but_not_for_ever(registry, connect, monkeypatch):
    monkeypatch.setattr("controller.registry.server.MOST_STRAYS", 2)
    words, host = registry.words, connect()
    registry.say(words.register("w1", "w2"))
    await host.hello()
    registry.say(words.update("w2", draining=("w1",)))
    for worker in ("none", "none", "w1", "w1", "none", "w2", "w2", "w2"):
        await host.drained(worker)
    await until(lambda: words.answers)
    assert registry.server.hosts == ("app",)
    await host.drained("none")
    assert await host.end() == (grpc.StatusCode.INVALID_ARGUMENT, "3 answers for workers that it does not owe")


async def test_at_the_end_hosts_are_told_and_drains_are_answered(registry, connect):
    host = connect()
    await host.hello()
    await registry.stop()
    assert await host.end() == (grpc.StatusCode.UNAVAILABLE, "the controller stops")
    registry.say(registry.words.register("w1"), registry.words.unregister("w1"))


async def test_without_hosts_every_message_has_its_line_and_every_drain_its_answer(registry, caplog):
    caplog.set_level(logging.INFO, "controller.registry")
    words = registry.words
    registry.say(words.register("w1"), words.update("w2", draining=("w1",)), words.unregister("w2"), words.remove())
    assert words.answers == {"w1": 1, "w2": 1}
    assert [each.message for each in caplog.records] == ["registered", "updated", "unregistered", "removed"]
    assert [getattr(each, "draining", None) for each in caplog.records] == [None, 1, 1, 0]


async def test_a_worker_that_ended_is_owed_by_nobody(registry, connect):
    words, host = registry.words, connect()
    registry.say(words.register("w1"))
    await host.hello()
    registry.say(words.unregister("w1"))
    registry.server.ended("w1")
    assert registry.server._ledger.debtors("w1") == set()
