"""What comes up comes up whole; what cannot says why, in one word and one line."""

import time

import pytest

from controller.goplugin import Command, Failure, Handshake, HealthError, LaunchError, ProcessExit, launch
from tests.goplugin.place import GO_HANDSHAKE, TAG, Place, is_running
from tests.plugins import zoo

SHORT = 1.5


@pytest.mark.parametrize("animal", zoo.parameters(zoo.FAILS_TO_START))
async def test_each_way_to_fail_has_its_own_word(place: Place, animal: zoo.Animal) -> None:
    with pytest.raises(LaunchError) as caught:
        async with place.launch(animal.program, env=animal.env, start_timeout=SHORT):
            pytest.fail("it came up")
    error = caught.value
    assert error.failure == animal.reason
    assert animal.program in error.message
    assert "\n" not in error.message
    assert not any(is_running(pid) for pid in place.pids)


@pytest.mark.parametrize("animal", zoo.parameters(zoo.SERVES))
async def test_what_is_only_badly_behaved_comes_up_and_goes(place: Place, animal: zoo.Animal) -> None:
    async with place.launch(animal.program, env=animal.env) as session:
        await session.check(2)
        assert session.protocol_version == 1
        assert session.channel is not None
        exit_ = await session.stop(0.4, 0.2)
    assert exit_ == session.exit.result()
    assert not is_running(session.pid)


@pytest.mark.go
@pytest.mark.parametrize("version", ["1.8.0", "1.4.3"])
@pytest.mark.parametrize("name", ["grpc", "bidirectional", "negotiated"])
async def test_go_plugins_built_by_others_come_up(place: Place, go_plugin, name: str, version: str) -> None:
    async with place.launch(go_plugin(name, version), Handshake("BASIC_PLUGIN", "hello", (1, 3))) as session:
        await session.check(2)
        services = await session.services(2)
        assert services is None or "plugin.GRPCController" in services
        assert session.protocol_version == (3 if name == "negotiated" else 1)
        assert await session.stop(2, 1) == ProcessExit(code=0)
        assert list(session.phases) == ["shutdown"]
    assert list(place.sockets.iterdir()) == []


async def test_services_are_listed_by_the_older_reflection_too(place: Place) -> None:
    plugin = place.write(
        "import grpc, plugin_base as base\n"
        "names = [b'zoo.Echo', b'a.B']\n"
        "services = b''.join(b'\\n' + bytes([len(name) + 2]) + b'\\n' + bytes([len(name)]) + name for name in names)\n"
        "def reflect(requests, context): yield b'2' + bytes([len(services)]) + services\n"
        "served = base.Handlers.service\n"
        "def service(self, details):\n"
        "    if 'v1alpha.ServerReflection' in details.method: return grpc.stream_stream_rpc_method_handler(reflect)\n"
        "    return served(self, details)\n"
        "base.Handlers.service = service\n"
        "base.Plugin().run()\n"
    )
    async with place.launch(plugin) as session, place.launch("good") as without:
        assert await session.services(2) == ("a.B", "zoo.Echo")
        assert await without.services(2) is None
        without.kill()
        with pytest.raises(HealthError, match="reflection failed"):
            await without.services(2)


@pytest.mark.go
async def test_a_plugin_chooses_the_highest_version_that_both_know(place: Place, go_plugin) -> None:
    with pytest.raises(LaunchError) as caught:
        async with place.launch(go_plugin("negotiated"), Handshake("BASIC_PLUGIN", "hello", (2,))):
            pytest.fail("version 2 of that example is net/rpc")
    assert caught.value.failure is Failure.NET_RPC


@pytest.mark.go
async def test_a_go_plugin_tells_its_lowest_version_when_none_fits(place: Place, go_plugin) -> None:
    with pytest.raises(LaunchError, match=r"this host offers \[7, 9\], the plugin answered \[1\]") as caught:
        async with place.launch(go_plugin("grpc"), Handshake("BASIC_PLUGIN", "hello", (9, 7))):
            pytest.fail("it came up")
    assert caught.value.failure is Failure.INCOMPATIBLE_VERSION


@pytest.mark.go
async def test_a_go_plugin_refuses_another_cookie(place: Place, go_plugin) -> None:
    with pytest.raises(LaunchError, match="BASIC_PLUGIN") as caught:
        async with place.launch(go_plugin("grpc"), Handshake("BASIC_PLUGIN", "bye")):
            pytest.fail("it came up")
    assert caught.value.failure is Failure.WRONG_COOKIE
    assert caught.value.exit == ProcessExit(code=1)


@pytest.mark.go
async def test_a_go_plugin_that_fails_with_code_0_has_failed(place: Place, go_plugin) -> None:
    command = Command(str(go_plugin("grpc")), env={}, cwd="/", socket_dir="/nowhere/at/all")
    with pytest.raises(LaunchError, match="exit code 0 before its handshake") as caught:
        async with launch(command, GO_HANDSHAKE, start_timeout=5, emit=place.records.append, tag=TAG):
            pytest.fail("it came up")
    assert caught.value.failure is Failure.EXITED_BEFORE_HANDSHAKE


async def test_a_fixed_port_that_is_taken_is_named(place: Place) -> None:
    async with place.launch("fixed_port") as first:
        with pytest.raises(LaunchError) as caught:
            async with place.launch("fixed_port"):
                pytest.fail("it came up")
        assert caught.value.failure is Failure.PORT_IN_USE
        await first.check(2)


async def test_a_port_that_two_would_share_is_left_to_the_first(place: Place) -> None:
    plugin = place.write(
        "import os, plugin_base as base\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "plugin = base.Plugin()\n"
        "plugin.server = base.grpc.server(ThreadPoolExecutor(2), options=[('grpc.so_reuseport', 1)])\n"
        "calls = {'/grpc.health.v1.Health/Check': base.serving, '/plugin.GRPCController/Shutdown': plugin._shutdown}\n"
        "plugin.server.add_generic_rpc_handlers((base.Handlers(calls),))\n"
        "port = plugin.server.add_insecure_port('127.0.0.1:' + os.environ['PORT'])\n"
        "plugin.server.start()\n"
        "base.announce(f'127.0.0.1:{port}', network='tcp')\n"
        "plugin.wait()\n"
    )
    async with place.launch(plugin, env={"PORT": "0"}) as first:
        assert first.network == "tcp"
        with pytest.raises(LaunchError, match="another process") as caught:
            async with place.launch(plugin, env={"PORT": first.address.rpartition(":")[2]}):
                pytest.fail("it came up")
        assert caught.value.failure is Failure.PORT_IN_USE
        await first.check(2)
        assert await first.stop(2, 2) == ProcessExit(code=0)


async def test_a_socket_that_comes_after_the_line_is_met_within_a_moment(place: Place) -> None:
    plugin = place.write(
        "import os, time, plugin_base as base\n"
        "plugin = base.Plugin()\n"
        "base.announce(plugin.path)\n"
        "time.sleep(0.3)\n"
        "plugin.listen()\n"
        "print(f'listening {time.monotonic()}', file=sys.stderr, flush=True)\n"
        "plugin.wait()\n"
    )
    async with place.launch(plugin) as session:
        ready = time.monotonic()
        listening = float(next(line for line in session.tail if line.startswith("listening")).split()[1])
        assert ready - listening < 0.09  # gRPC by itself would wait 100 ms and more
        await session.stop(1, 1)


async def test_a_plugin_without_a_health_service_is_taken_as_alive_and_that_is_said(place: Place) -> None:
    plugin = place.write(
        "import plugin_base as base\n"
        "plugin = base.Plugin()\n"
        "base.Handlers.service = lambda self, details: None\n"
        "plugin.run()\n"
    )
    async with place.launch(plugin) as session:
        assert not session.has_health
        await session.check(2)
    assert any("no health service" in message for message in place.messages("host"))


async def test_a_plugin_that_knows_only_the_whole_server_is_asked_for_that(place: Place) -> None:
    plugin = place.write(
        "import grpc, plugin_base as base\n"
        "def health(request, context):\n"
        "    if request: context.abort(grpc.StatusCode.NOT_FOUND, 'unknown service')\n"
        "    return base.SERVING\n"
        "base.Plugin(health=health).run()\n"
    )
    async with place.launch(plugin) as session:
        await session.check(2)


async def test_a_plugin_that_serves_late_is_waited_for(place: Place) -> None:
    plugin = place.write(
        "import plugin_base as base\n"
        "asked = []\n"
        "def health(request, context):\n"
        "    asked.append(1)\n"
        "    return base.SERVING if len(asked) > 3 else base.NOT_SERVING\n"
        "base.Plugin(health=health).run()\n"
    )
    async with place.launch(plugin) as session:
        await session.check(2)


async def test_the_end_between_line_and_first_answer_is_known_at_once(place: Place) -> None:
    plugin = place.write("print('1|1|unix|/nowhere|grpc', flush=True)\nsys.exit('no licence')\n")
    began = time.monotonic()
    with pytest.raises(LaunchError, match="no licence") as caught:
        async with place.launch(plugin, start_timeout=30):
            pytest.fail("it came up")
    assert time.monotonic() - began < 5
    assert caught.value.failure is Failure.CONNECT_FAILED
    assert caught.value.exit == ProcessExit(code=1)
    assert caught.value.tail == ("no licence",)


async def test_a_line_without_an_end_counts_when_its_plugin_has_ended(place: Place) -> None:
    plugin = place.write("sys.stdout.write('1|1|unix|/nowhere|netrpc')\n")
    with pytest.raises(LaunchError) as caught:
        async with place.launch(plugin):
            pytest.fail("it came up")
    assert caught.value.failure is Failure.NET_RPC


async def test_last_words_without_an_end_are_told(place: Place) -> None:
    with pytest.raises(LaunchError, match="out of licences") as caught:
        async with place.launch(place.write("sys.stderr.write('out of licences')\n")):
            pytest.fail("it came up")
    assert caught.value.tail == ("out of licences",)


async def test_the_start_timeout_covers_all_of_the_start(place: Place) -> None:
    began = time.monotonic()
    with pytest.raises(LaunchError, match=r"within 0\.5 s"):
        async with place.launch("silence", start_timeout=0.5):
            pytest.fail("it came up")
    assert 0.4 < time.monotonic() - began < 3
