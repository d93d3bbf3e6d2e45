"""The client over real sockets: what it feeds to `Notify`, how it comes back, and which channels it has."""

import asyncio
import logging
import random
import subprocess
import sys
from contextlib import asynccontextmanager

import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from controller.manager.host_messages import RegisterMessage, RemoveMessage, UnregisterMessage, UpdateMessage
from controller.registry.client import RegistryClient
from controller.registry.pb import registry_pb2 as pb
from controller.registry.pb.registry_pb2_grpc import add_RegistryServicer_to_server
from tests.registry.conftest import DEADLINE, until
from tests.registry.words import A, B


class Pool:
    """A fake Notify: keeps what it heard; drains are answered by hand."""

    def __init__(self):
        self.heard = []
        self._news = asyncio.Event()

    def sync(self, message):
        self.heard.append(message)
        self._news.set()

    async def hears(self, number):
        """Return the first messages once there are so many."""
        async with asyncio.timeout(DEADLINE):
            while len(self.heard) < number:
                self._news.clear()
                await self._news.wait()
        return self.heard[:number]


@pytest.fixture
def pool():
    return Pool()


@asynccontextmanager
async def following(run_dir, pool, **options):
    running = asyncio.create_task(RegistryClient(run_dir, pool.sync, host="app", **options).run())
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled(), running.exception()


@asynccontextmanager
async def worker(path, version="v1"):
    """A plugin's server that says its version; `began` and `go` hold calls that ask to wait."""
    began, go = asyncio.Event(), asyncio.Event()

    async def call(request, context):
        if request.value == "wait":
            began.set()
            await go.wait()
        return StringValue(value=version)

    handler = grpc.unary_unary_rpc_method_handler(call, StringValue.FromString, StringValue.SerializeToString)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {"Call": handler}),))
    path.parent.mkdir(exist_ok=True)
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    try:
        yield began, go
    finally:
        await server.stop(None)


def ask(channel, value=""):
    method = channel.unary_unary(
        "/test.Echo/Call",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )
    return method(StringValue(value=value), timeout=DEADLINE)


async def test_messages_come_as_the_controller_sent_them(registry, pool):
    words = registry.words
    registry.say(words.register("w1"))
    async with following(registry.run_dir, pool):
        await pool.hears(1)
        registry.say(words.update("w1", "w2"), words.unregister("w1", "w2"), words.remove(), words.register("w3"))
        heard = await pool.hears(5)
    kinds = [RegisterMessage, UpdateMessage, UnregisterMessage, RemoveMessage, RegisterMessage]
    assert [type(each) for each in heard] == kinds
    first, second = heard[0].workers[0], heard[1].workers[0]
    assert first is second
    assert first.address == str(registry.run_dir / "w1" / "plugin")


async def test_a_drained_worker_is_answered_for_and_its_channel_closed(registry, pool):
    words = registry.words
    registry.say(words.register("w1"))
    async with following(registry.run_dir, pool):
        await pool.hears(1)
        channel = pool.heard[0].workers[0].item
        registry.say(words.unregister("w1"))
        drain = (await pool.hears(2))[1]
        assert not words.answers
        assert channel.get_state() is not grpc.ChannelConnectivity.SHUTDOWN
        drain.on_drained("w1")
        drain.on_drained("w1")
        await until(lambda: words.answers)
        await until(lambda: channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN)
    assert words.answers == {"w1": 1}


async def test_an_item_is_made_from_the_worker_and_a_channel_that_is_connected_already(registry, pool):
    def item(handle, channel):
        return (handle.worker, handle.reported.display_name, channel)

    async with worker(registry.run_dir / "w1" / "plugin"), following(registry.run_dir, pool, item=item):
        registry.say(registry.words.register("w1"))
        await pool.hears(1)
        name, display_name, channel = pool.heard[0].workers[0].item
        assert (name, display_name) == ("w1", "The A")
        await until(lambda: channel.get_state() is grpc.ChannelConnectivity.READY)
        assert (await ask(channel)).value == "v1"


async def test_a_worker_that_vanished_lets_its_calls_in_flight_end(registry, pool):
    async with (
        worker(registry.run_dir / "w1" / "plugin") as (began, go),
        following(registry.run_dir, pool),
    ):
        registry.say(registry.words.register("w1", "w2"))
        await pool.hears(1)
        channel = pool.heard[0].workers[0].item
        call = asyncio.ensure_future(ask(channel, "wait"))
        await began.wait()
        registry.say(registry.words.update("w2"))
        await pool.hears(2)
        go.set()
        assert (await call).value == "v1"
        await until(lambda: channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN)


async def test_it_waits_for_a_registry_that_is_not_there_yet(root, registry, pool):
    await registry.stop()
    async with following(registry.run_dir, pool):
        await asyncio.sleep(0)
        registry.start()
        registry.say(registry.words.register("w1"))
        await pool.hears(1)


async def test_a_restarted_controller_is_found_and_only_the_difference_is_told(registry, pool):
    words = registry.words
    registry.say(words.register("w1"), words.register("w2", plugin=B))
    async with following(registry.run_dir, pool):
        await pool.hears(2)
        await registry.stop()
        registry.start()
        registry.say(words.register("w3"), words.register("w2", plugin=B))
        heard = (await pool.hears(3))[2:]
        assert heard[0].draining == ("w1",)
        heard[0].on_drained("w1")
        await until(lambda: registry.server.hosts)
        registry.say(words.remove("w2", plugin=B))
        assert (await pool.hears(4))[3].draining == ("w2",)
    assert len(pool.heard) == 4


async def test_a_drain_that_was_told_before_the_connection_was_lost_is_answered_after(registry, pool):
    words = registry.words
    registry.say(words.register("w1"))
    async with following(registry.run_dir, pool):
        await pool.hears(1)
        registry.say(words.unregister("w1"))
        drain = (await pool.hears(2))[1]
        (peer,) = registry.server._door._open
        registry.server._door.cut(peer)
        await until(lambda: not registry.server.hosts)
        drain.on_drained("w1")
        await until(lambda: words.answers)


async def test_a_drain_that_began_while_the_connection_was_lost_is_a_debt(registry, pool):
    words = registry.words
    registry.say(words.register("w1"))
    async with following(registry.run_dir, pool):
        await pool.hears(1)
        (peer,) = registry.server._door._open
        registry.server._door.cut(peer)
        await until(lambda: not registry.server.hosts)
        registry.say(words.update("w2", draining=("w1",)))
        drain = (await pool.hears(2))[1]
        assert drain.draining == ("w1",)
        await until(lambda: registry.server._ledger.due_at() == float("inf"))
        assert not words.answers
        drain.on_drained("w1")
        await until(lambda: words.answers)


async def test_without_a_connection_the_workers_stay(registry, pool):
    async with worker(registry.run_dir / "w1" / "plugin"), following(registry.run_dir, pool):
        registry.say(registry.words.register("w1"))
        await pool.hears(1)
        await registry.stop()
        assert (await ask(pool.heard[0].workers[0].item)).value == "v1"
    assert len(pool.heard) == 1


class Script:
    """A registry that says whatever it is told to, one list of responses for each Watch."""

    def __init__(self, *watches):
        self.watches = list(watches)
        self.hellos = []

    async def Watch(self, requests, context):  # noqa: N802
        self.hellos.append((await anext(requests)).hello)
        for response in self.watches.pop(0) if self.watches else ():
            await context.write(response)
        await asyncio.Event().wait()


@asynccontextmanager
async def scripted(path, script):
    server = grpc.aio.server()
    add_RegistryServicer_to_server(script, server)
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    try:
        yield script
    finally:
        await server.stop(None)


def snapshot(sequence=1):
    return pb.WatchResponse(sequence=sequence, snapshot=pb.Snapshot())


def register(sequence, plugin=A):
    return pb.WatchResponse(sequence=sequence, register=pb.Register(plugin=plugin, workers=[pb.Worker(id="w1")]))


@pytest.mark.parametrize(
    "bad",
    [
        [snapshot(), register(3)],
        [snapshot(), register(2), register(2, B)],
        [register(1)],
        [snapshot(0)],
        [snapshot(), snapshot(2)],
    ],
    ids=["gap", "twice", "no snapshot", "from zero", "two snapshots"],
)
async def test_a_message_out_of_turn_is_answered_by_a_new_watch(root, pool, bad):
    async with scripted(root / "registry.sock", Script(bad, [snapshot(), register(2, "rule/last")])) as script:
        async with following(root, pool):
            await until(lambda: any(each.plugin == "rule/last" for each in pool.heard))
        assert len(script.hellos) == 2
        assert {each.host for each in script.hellos} == {"app"}
        assert B not in {each.plugin for each in pool.heard}


async def test_what_it_holds_is_said_at_a_reconnect(root, pool):
    async with scripted(root / "registry.sock", Script([snapshot(), register(2), snapshot(3)], [])) as script:
        async with following(root, pool):
            await until(lambda: len(script.hellos) == 2)
        assert [list(each.holds) for each in script.hellos] == [[], ["w1"]]


async def test_a_connection_that_does_not_last_is_tried_again_ever_more_slowly(root, pool):
    """Two hosts of one name would cut each other at full speed."""
    async with scripted(root / "registry.sock", Script(*[[snapshot(), snapshot(2)]] * 5)) as script:
        began = asyncio.get_running_loop().time()
        async with following(root, pool):
            await until(lambda: len(script.hellos) == 5)
        # At the least half of 0.1, 0.2, 0.4 and 0.8 s.
        assert asyncio.get_running_loop().time() - began > 0.75


async def test_the_state_of_the_connection_has_one_line_for_each_change(root, pool, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "controller.registry")
    links, pauses = [], []
    monkeypatch.setattr(random, "uniform", lambda low, _: pauses.append(low) or low)
    async with following(root, pool, on_link=links.append):
        await until(lambda: len(pauses) > 3)  # each after a try
        async with scripted(root / "registry.sock", Script([snapshot()])):
            await until(lambda: len(links) == 2)
            first, second = caplog.records
    assert [first.message, second.message] == ["no connection to the registry", "connected to the registry"]
    assert "No such file" in first.why
    assert links[:2] == [first.why, ""]


@pytest.mark.parametrize("host", ["", "x" * 129])
def test_a_name_that_the_registry_would_refuse_is_refused_at_once(root, host):
    with pytest.raises(ValueError, match="1 to 128 characters"):
        RegistryClient(root, print, host=host)


def test_a_host_loads_nothing_heavy():
    heavy = ("yaml", "watchfiles", "prometheus_client", "jsonschema_rs", "kopf", "h11", "kubernetes")
    code = f"import sys; import controller.registry.client; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
