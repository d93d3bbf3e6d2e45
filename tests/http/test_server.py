"""What a peer may do to the server, and what it gets for it."""

import asyncio
import socket
import stat

import pytest

from controller.errors import PluginmgrError, StateDirError
from controller.http import Limits, listen_tcp, listen_unix
from controller.http.exchange import Request, Response, text

GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def echo(request: Request) -> Response:
    return text(200, f"{request.method} {request.path} {sorted(request.query.items())} {request.accept}")


async def test_a_request_reaches_the_handler_undecoded(serving, connect):
    wire = await connect(await serving(echo))
    wire.write("GET /a%2Fb?follow&x=%20 HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n")
    assert await wire.answer() == (200, _any(), b"GET /a%2Fb [('follow', ''), ('x', ' ')] text/plain\n")


def _any():
    class Any:
        def __eq__(self, _):
            return True

        __hash__ = None

    return Any()


async def test_a_connection_serves_one_request_after_the_other_even_when_they_come_together(serving, connect):
    wire = await connect(await serving(echo))
    wire.write(GET + GET)
    assert (await wire.answer())[0] == 200
    assert (await wire.answer())[0] == 200
    wire.write(GET)
    assert (await wire.answer())[0] == 200


async def test_a_connection_ends_when_the_peer_says_so(serving, connect):
    wire = await connect(await serving(echo))
    wire.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await wire.answer())[0] == 200
    assert await wire.is_closed()


async def test_the_answer_to_head_has_no_body(serving, connect):
    wire = await connect(await serving(echo))
    wire.write("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    status, headers = await wire.head()
    assert status == 200
    assert int(headers["content-length"]) > 0
    assert (await wire.answer())[0] == 200


async def test_a_small_body_is_ignored(serving, connect):
    wire = await connect(await serving(echo))
    wire.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody" + GET)
    assert (await wire.answer())[2].startswith(b"POST /")
    assert (await wire.answer())[2].startswith(b"GET /")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\nX: " + "a" * 20_000, 431),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + "a" * 100_000, 413),
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzz\r\n", 400),
    ],
)
async def test_what_is_too_large_or_no_request_is_refused_and_the_connection_closed(
    serving, connect, request_bytes, status
):
    wire = await connect(await serving(echo))
    wire.write(request_bytes)
    assert (await wire.answer())[:2] == (status, _any())
    wire.writer.write_eof()
    assert await wire.is_closed()


async def test_a_refusal_reaches_a_peer_that_reads_only_when_it_has_sent_all(serving, connect):
    """To close over bytes that were not read would reset the answer away."""
    wire = await connect(await serving(echo))
    wire.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
    wire.write(b"x" * 9_000_000)
    await wire.writer.drain()
    wire.writer.write_eof()
    assert (await wire.answer())[0] == 413


async def test_a_peer_that_asks_before_it_sends_its_body_is_answered_without_it(serving, connect):
    wire = await connect(await serving(echo))
    wire.write("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
    assert (await wire.answer())[0] == 200
    assert await wire.is_closed()


async def test_a_request_that_does_not_arrive_in_time_is_refused(serving, connect):
    wire = await connect(await serving(echo, limits=Limits(request=0.05)))
    wire.write("GET / HTTP/1.1\r\n")
    assert (await wire.answer())[0] == 408
    assert await wire.is_closed()


async def test_a_silent_connection_is_closed(serving, connect):
    wire = await connect(await serving(echo, limits=Limits(idle=0.05)))
    assert await wire.is_closed()


async def test_a_peer_that_does_not_read_its_answer_is_cut_off(serving, connect):
    done = asyncio.Event()

    async def huge(_: Request) -> Response:
        async def body():
            try:
                while True:
                    yield b"x" * 100_000
            finally:
                done.set()

        return Response(200, body())

    wire = await connect(await serving(huge, limits=Limits(write=0.1)))
    wire.write(GET)
    await asyncio.wait_for(done.wait(), 10)


async def test_a_probe_gets_in_although_idle_connections_take_all_places(serving, connect):
    address = await serving(echo, limits=Limits(connections=3))
    idle = [await connect(address) for _ in range(3)]
    for wire in idle:
        wire.write(GET)
        await wire.answer()
    wire = await connect(address)
    wire.write(GET)
    assert (await wire.answer())[0] == 200
    assert await idle[0].is_closed()
    idle[1].write(GET)
    assert (await idle[1].answer())[0] == 200


async def test_a_connection_that_ended_takes_no_place(serving, connect):
    address = await serving(echo, limits=Limits(connections=2))
    for _ in range(6):
        wire = await connect(address)
        wire.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await wire.answer())[0] == 200
        assert await wire.is_closed()


async def test_too_many_connections_at_work_are_refused(serving, connect):
    async def never(_: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    address = await serving(never, limits=Limits(connections=2))
    for _ in range(2):
        wire = await connect(address)
        wire.write(GET)
    await asyncio.sleep(0)  # both requests were written before the third connection is made
    refused = None
    while refused is None:
        wire = await connect(address)
        wire.write(GET)
        head = await wire.reader.read(12)
        refused = head or None
    assert refused == b"HTTP/1.1 503"


async def test_a_bug_in_a_handler_is_an_answer_and_a_log_line_and_no_more(serving, connect, caplog):
    async def broken(_: Request) -> Response:
        raise ZeroDivisionError

    wire = await connect(await serving(broken))
    wire.write(GET)
    assert (await wire.answer())[0] == 500
    assert "cannot answer" in caplog.text
    wire.write(GET)
    assert (await wire.answer())[0] == 500


async def test_an_end_of_serving_cuts_off_what_is_under_way(connect):
    async def never(_: Request) -> Response:
        begun.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    from tests.http.conftest import running  # noqa: PLC0415

    begun = asyncio.Event()
    listener = listen_tcp("127.0.0.1:0")
    async with running(never, listener) as task:
        wire, idle = await connect(listener.getsockname()), await connect(listener.getsockname())
        wire.write(GET)
        await begun.wait()
        task.cancel()
        assert await wire.is_closed()
        assert await idle.is_closed()
    assert listener.fileno() == -1


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "", "1:2:3:-4"])
def test_an_address_that_is_none_is_a_usage_error(address):
    with pytest.raises(PluginmgrError, match="not HOST:PORT") as caught:
        listen_tcp(address)
    assert caught.value.exit_code == 2


def test_a_taken_port_is_named():
    with listen_tcp("127.0.0.1:0") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PluginmgrError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            listen_tcp(f"127.0.0.1:{port}")


def test_an_unknown_host_is_named():
    with pytest.raises(PluginmgrError, match=r"cannot listen on no\.such\.host\.invalid:1"):
        listen_tcp("no.such.host.invalid:1")


def test_a_control_socket_belongs_to_its_user_alone_and_replaces_a_leftover(short_dir):
    path = short_dir / "control.sock"
    listen_unix(path).close()
    with listen_unix(path), socket.socket(socket.AF_UNIX) as client:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        client.connect(str(path))


def test_a_control_socket_that_cannot_be_made_is_a_state_dir_error(short_dir):
    for path in (short_dir / "missing" / "control.sock", short_dir / ("x" * 120)):
        with pytest.raises(StateDirError, match="cannot listen on") as caught:
            listen_unix(path)
        assert caught.value.exit_code == 4
