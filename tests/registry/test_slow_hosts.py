"""A host that does not read what it is sent costs a bounded buffer, then its connection, and nobody else anything."""

from pathlib import Path

import grpc

from controller.core.model import Reported
from controller.registry import feed
from controller.registry.feed import Feed
from controller.registry.pb import registry_pb2 as pb
from tests.registry.conftest import until
from tests.registry.deaf import watch

HELLO = pb.WatchRequest(hello=pb.Hello(host="deaf"))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def test_a_host_that_never_reads_is_cut_and_its_memory_is_bounded(registry, connect, monkeypatch):
    monkeypatch.setattr("controller.registry.server.LINGER_SECONDS", 0.1)
    monkeypatch.setattr("tests.registry.words.REPORTED", Reported("id", "name", "x" * 20_000))
    words, good = registry.words, connect()
    await good.hello("good")
    deaf = watch(registry.socket, HELLO)
    await until(lambda: "deaf" in registry.server.hosts)
    slow = registry.server._feeds["deaf"]
    before, most = resident(), 0
    registry.say(words.register("w0"))
    await good.hear()
    for number in range(1, 4_001):
        registry.say(words.update(f"w{number:x}", draining=(f"w{number - 1:x}",)))
        most = max(most, slow.length)
        assert (await good.hear()).sequence == number + 2, "the other host misses nothing"
    assert 50 < most < feed.MOST_MESSAGES
    assert slow.ended.result()[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert slow.length == 0
    assert resident() - before < 32 << 20, "it was sent 80 MB"
    await until(lambda: len(registry.server._door._open) == 1)
    deaf.close()


async def test_the_number_of_waiting_messages_is_bounded(registry):
    deaf = watch(registry.socket, HELLO)
    await until(lambda: registry.server.hosts)
    slow = registry.server._feeds["deaf"]
    lengths = []
    while registry.server.hosts:
        registry.say(registry.words.unregister())
        lengths.append(slow.length)
    assert max(lengths) == feed.MOST_MESSAGES
    deaf.close()


async def test_a_host_that_is_slow_hears_why_it_was_cut(registry, connect, monkeypatch):
    monkeypatch.setattr(feed, "MOST_MESSAGES", 10)
    host = connect()
    await host.hello("slow")
    registry.say(*(registry.words.update("w1") for _ in range(20)))
    code, text = await host.end()
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "'slow' is too slow" in text


async def test_debts_of_a_host_that_was_cut_are_void_when_it_is_gone(registry, monkeypatch):
    monkeypatch.setattr(feed, "MOST_MESSAGES", 3)
    words = registry.words
    registry.say(words.register("w1"))
    deaf = watch(registry.socket, HELLO)
    await until(lambda: registry.server.hosts)
    registry.say(words.update("w2", draining=("w1",)), *(words.update("w2") for _ in range(9)))
    assert registry.server.hosts == ()
    assert not words.answers
    await until(lambda: words.answers)
    deaf.close()


async def test_one_message_is_never_too_large_for_a_host_that_waits_for_it(monkeypatch):
    monkeypatch.setattr(feed, "MOST_BYTES", 100)
    made = Feed("app", pb.WatchResponse(snapshot=pb.Snapshot()))
    await made.get()
    made.put(pb.WatchResponse(remove=pb.Remove(plugin="x" * 500)))
    assert not made.ended.done()
    made.put(pb.WatchResponse(remove=pb.Remove(plugin="x")))
    assert made.ended.result()[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_bytes_are_bounded_as_well_and_the_snapshot_is_not_counted(monkeypatch):
    monkeypatch.setattr(feed, "MOST_BYTES", 100)
    big = pb.WatchResponse(remove=pb.Remove(plugin="x" * 60))
    made = Feed("app", pb.WatchResponse(remove=pb.Remove(plugin="x" * 500)))
    made.put(big)
    assert made.length == 2
    assert (await made.get()).sequence == 1
    assert (await made.get()).sequence == 2
    made.put(big)
    assert not made.ended.done()
    made.put(big)
    assert made.ended.result()[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    made.put(big)
    assert made.length == 0
