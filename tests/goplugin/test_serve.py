"""A plugin made with `serve`, as a process of its own: under our host, under Go's, and under none."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from controller.goplugin import Handshake, ProcessExit, Session
from controller.goplugin.pb.goplugin_pb2 import HealthCheckRequest, HealthCheckResponse
from tests.goplugin.place import MEASURED, Place, until
from tests.tools import build

ROOT = Path(__file__).resolve().parents[2]
HANDSHAKE = Handshake("SERVE_TEST", "yes")
HEAVY = {"kopf", "kubernetes", "watchfiles", "prometheus_client", "jsonschema_rs", "yaml", "h11"}
PLUGIN = """
import asyncio, os, sys, threading, time, grpc
from controller.goplugin import serve
print('early')
forever = threading.Event()

def sync(request, context):
    print('begun')
    if request == b'hang': forever.wait()
    else: time.sleep(float(request))
    return threading.current_thread().name.encode()
async def unsync(request, context):
    print('begun')
    await asyncio.sleep(float(request)); return request
def says(request, context):
    print(request.decode()); sys.stderr.write(request.decode()[:3]); sys.stderr.flush()
    return b''
def size(request, context): return str(len(request)).encode()
def release(request, context): forever.set(); return b''
def version(number):
    def register(server):
        if 'LOUD' in os.environ: print('x' * 50_000, 'y' * 50_000, sep='\\n')
        call = grpc.unary_unary_rpc_method_handler
        calls = {'Sync': call(sync), 'Async': call(unsync), 'Says': call(says), 'Size': call(size),
                 'Release': call(release),
                 'Version': call(lambda request, context: str(number).encode())}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler('t.T', calls),))
    return register
async def bye(): print('bye')
serve('SERVE_TEST', 'yes', {1: version(1), 2: version(2)}, grace=float(os.environ.get('GRACE', '0.5')), on_stop=bye)
print('after')
"""


@pytest.fixture
def plugin(place: Place) -> Path:
    return place.write(PLUGIN, flags="")


def call(session: Session, method: str, request: bytes) -> Any:
    return session.channel.unary_unary(f"/t.T/{method}")(request)


def run(plugin: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **MEASURED, **environ}
    return subprocess.run([plugin], env=env, capture_output=True, text=True, timeout=10, check=False)


# --- what it costs to import


def test_an_author_imports_nothing_heavy_and_not_the_hosts_side() -> None:
    code = "import sys, controller.kinds; from controller.goplugin import serve; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"controller.kinds", "grpc"} <= loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    own = {name for name in loaded if name.startswith("controller.") and ".pb" not in name}
    assert {name.split(".")[1] for name in own} == {"kinds", "goplugin"}
    assert "controller.goplugin.host" not in loaded


def test_the_hosts_names_are_there_whatever_was_imported_before() -> None:
    code = """
import controller.goplugin.family, controller.goplugin.session, controller.goplugin.launcher
from controller.goplugin import descendants, launch, serve
assert callable(descendants) and callable(launch) and callable(serve)
import controller.goplugin as library
assert all(getattr(library, name) for name in library.__all__)
try: library.nothing
except AttributeError as error: print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "module 'controller.goplugin' has no attribute 'nothing'\n"


# --- without a host


def test_without_a_host_it_says_what_it_is_and_ends_with_1(plugin: Path) -> None:
    done = run(plugin)
    assert (done.returncode, done.stdout) == (1, "early\n")
    assert done.stderr.startswith("This binary is a plugin. These are not meant to be executed directly.\n")


def test_a_socket_directory_that_is_not_there_is_said(plugin: Path, place: Place) -> None:
    done = run(plugin, SERVE_TEST="yes", PLUGIN_UNIX_SOCKET_DIR=f"{place.root}/none")
    assert (done.returncode, done.stdout) == (1, "early\n")
    assert done.stderr.splitlines()[-1].startswith(f"cannot listen at {place.root}/none/plugin")


def test_a_socket_path_that_is_too_long_is_said(plugin: Path, place: Place) -> None:
    done = run(plugin, SERVE_TEST="yes", PLUGIN_UNIX_SOCKET_DIR="/tmp/" + "x" * 100)
    assert (done.returncode, done.stdout) == (1, "early\n")
    assert "longer than 107 bytes" in done.stderr


@contextmanager
def running(plugin: Path, **environ: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process and the fields of its line. Nobody opens its stdio stream; both pipes are one."""
    env = {"PATH": os.environ["PATH"], **MEASURED, "SERVE_TEST": "yes", **environ}
    process = subprocess.Popen([plugin], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout
        yield process, process.stdout.readline().rstrip("\n").split("|")
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def test_what_it_prints_before_it_serves_comes_after_its_line_and_nothing_is_left_of_it(plugin: Path) -> None:
    with running(plugin) as (process, fields):
        path = Path(fields[3])
        assert fields == ["1", "1", "unix", str(path), "grpc", ""]
        assert path.is_socket()
        assert path.parent.stat().st_mode & 0o777 == 0o700
        process.terminate()
        assert process.stdout
        assert process.stdout.read() == "early\nbye\nafter\n"  # the reader that may have had some with the line
        assert process.wait(10) == 0
        assert not path.parent.exists()


def test_the_socket_is_given_to_the_group_that_the_host_names(plugin: Path, place: Place) -> None:
    with running(plugin, PLUGIN_UNIX_SOCKET_DIR=str(place.sockets), PLUGIN_UNIX_SOCKET_GROUP=str(os.getgid())) as (
        process,
        fields,
    ):
        path = Path(fields[3])
        assert path.parent == place.sockets
        assert (path.stat().st_mode & 0o777, path.stat().st_gid) == (0o660, os.getgid())
        process.terminate()
        process.wait(10)
        assert list(place.sockets.iterdir()) == []


def test_prints_that_nobody_reads_block_nothing_and_what_does_not_fit_goes_the_old_way(plugin: Path) -> None:
    lines = [f"{number:04}{'x' * 996}" for number in range(70)]
    with running(plugin) as (process, fields):
        with grpc.insecure_channel(f"unix:{fields[3]}") as channel:
            says = channel.unary_unary("/t.T/Says")
            for each in lines:
                says(each.encode(), timeout=10)
        process.terminate()
        said = process.communicate(timeout=10)[0]
    beyond = said.index(lines[0])
    assert 4 <= said[:beyond].count("x" * 996) <= 6
    assert all(each in said for each in lines)


def test_a_ctrl_c_is_the_hosts(plugin: Path) -> None:
    with running(plugin) as (process, fields):
        process.send_signal(signal.SIGINT)
        with grpc.insecure_channel(f"unix:{fields[3]}") as channel:
            assert channel.unary_unary("/t.T/Size")(b"abc", timeout=10) == b"3"
        process.terminate()
        assert process.wait(10) == 0


# --- under our host


async def test_it_is_launched_is_healthy_and_ends_when_it_is_asked(plugin: Path, place: Place) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED) as session:
        await session.check(1)
        assert session.has_health
        assert await session.stop(5, 5) == ProcessExit(code=0)
    assert list(session.phases) == ["shutdown"]
    assert place.messages("stdout") == ["early", "bye", "after"]


@pytest.mark.parametrize(("theirs", "served"), [((1,), b"1"), ((1, 2), b"2")])
async def test_the_version_in_common_is_served(
    plugin: Path, place: Place, theirs: tuple[int, ...], served: bytes
) -> None:
    async with place.launch(plugin, Handshake("SERVE_TEST", "yes", theirs), env=MEASURED) as session:
        assert await call(session, "Version", b"") == served
        assert session.protocol_version == int(served)


async def test_what_it_prints_reaches_the_host_by_its_stdio_stream(plugin: Path, place: Place) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED) as session:
        await call(session, "Says", "one\ntw\u00f6\n".encode())
        await call(session, "Says", b"x" * 3000)
        await until(lambda: len(place.messages("stdio.stdout")) == 4)
        assert place.messages("stdio.stdout") == ["one", "tw\u00f6", "", "x" * 3000]
        await session.stop(5, 5)
    assert place.messages("stdio.stderr") == ["onexxx"]


async def test_nothing_that_it_prints_comes_before_its_line(plugin: Path, place: Place) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED | {"LOUD": ""}):
        await until(lambda: [len(each) for each in place.messages("stdio.stdout")] == [50_000] * 2)


async def test_a_large_message_passes_both_ways(plugin: Path, place: Place) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED) as session:
        assert await call(session, "Size", b"x" * (16 << 20)) == str(16 << 20).encode()


async def test_plain_handlers_run_in_threads_beside_the_loop(plugin: Path, place: Place) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED) as session:
        slow = [asyncio.ensure_future(call(session, "Sync", b"hang")) for _ in range(3)]
        await until(lambda: place.messages("stdio.stdout") == ["begun"] * 3)
        await call(session, "Async", b"0")
        await session.check(5)
        assert not any(each.done() for each in slow)
        await call(session, "Release", b"")
        assert len(set(await asyncio.gather(*slow))) == 3


def health(session: Session, method: str, service: str) -> Any:
    kind = session.channel.unary_stream if method == "Watch" else session.channel.unary_unary
    made = kind(
        f"/grpc.health.v1.Health/{method}",
        request_serializer=HealthCheckRequest.SerializeToString,
        response_deserializer=HealthCheckResponse.FromString,
    )
    return made(HealthCheckRequest(service=service))


async def test_health_is_known_by_gopluginss_name_and_for_the_whole_server(plugin: Path, place: Place) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED) as session:
        for service in ("", "plugin"):
            assert (await health(session, "Check", service)).status == HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health(session, "Check", "other")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_health_watch_lasts_until_the_end_and_tells_of_it(plugin: Path, place: Place) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED) as session:
        known, unknown = health(session, "Watch", "plugin"), health(session, "Watch", "other")
        assert (await known.read()).status == HealthCheckResponse.SERVING
        assert (await unknown.read()).status == HealthCheckResponse.SERVICE_UNKNOWN
        os.kill(session.pid, signal.SIGTERM)
        assert (await known.read()).status == HealthCheckResponse.NOT_SERVING
        assert [await known.read(), await unknown.read()] == [grpc.aio.EOF, grpc.aio.EOF]
        await session.exit


async def begun(place: Place, session: Session, method: str, request: bytes) -> Any:
    """A call that is being worked on."""
    slow = call(session, method, request)
    await until(lambda: place.messages("stdio.stdout") == ["begun"])
    return slow


@pytest.mark.parametrize("method", ["Sync", "Async"])
@pytest.mark.parametrize("is_asked", [True, False], ids=["Shutdown", "SIGTERM"])
async def test_a_call_in_flight_is_finished_before_the_end(
    plugin: Path, place: Place, method: str, *, is_asked: bool
) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED | {"GRACE": "10"}) as session:
        slow = await begun(place, session, method, b"0.3")
        assert await session.stop(5 if is_asked else 0, 5) == ProcessExit(code=0)
        assert await slow in {b"0.3", b"handler_0"}


@pytest.mark.parametrize(("method", "request_"), [("Sync", b"hang"), ("Async", b"60")])
async def test_a_call_that_outlasts_the_grace_is_cut_and_the_process_ends_all_the_same(
    plugin: Path, place: Place, method: str, request_: bytes
) -> None:
    async with place.launch(plugin, HANDSHAKE, env=MEASURED) as session:
        slow = await begun(place, session, method, request_)
        assert await session.stop(20, 0) == ProcessExit(code=0)
        with pytest.raises(grpc.aio.AioRpcError):
            await slow
    assert "bye" in place.messages("stdout")


# --- under Go's host


@pytest.mark.go
def test_gos_own_host_starts_it_reads_what_it_prints_and_stops_it(place: Place) -> None:
    plugin = place.write(
        "import asyncio\n"
        "from controller.goplugin import serve\n"
        "def say(loop): print('heard'); loop.call_later(0.05, say, loop)\n"
        "serve('SERVE_TEST', 'yes', {1: lambda server: say(asyncio.get_running_loop())})\n"
    )
    command = [build.build("gohost"), "-count", "4", "-cookie", "SERVE_TEST=yes", "-printed", "heard"]
    done = subprocess.run([*command, plugin], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["count"] == 4
