"""The wire lets everything through, until it is cut, held or pulled out."""

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from tests.cluster.cut import Wire, wire_to


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while some := self.request.recv(65536):
            self.request.sendall(some)


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as made:
        thread = threading.Thread(target=made.serve_forever, args=[0.01])
        thread.start()
        yield made.server_address
        made.shutdown()
        thread.join()


@pytest.fixture
def wire(server: tuple[str, int]) -> Iterator[Wire]:
    with wire_to(server) as made:
        yield made


def call(wire: Wire) -> socket.socket:
    return socket.create_connection(wire.address, timeout=5)


def echo(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(65536)


def test_it_forwards(wire: Wire):
    with call(wire) as connection:
        assert echo(connection, b"one") == b"one"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert (wire.accepted, wire.forwarded) == (1, 6)


def test_a_cut_resets_what_is_open_and_takes_new_ones(wire: Wire):
    with call(wire) as first, call(wire) as second:
        assert [echo(each, b"x") for each in (first, second)] == [b"x", b"x"]
        assert wire.cut() == 2
        for each in (first, second):
            with pytest.raises(ConnectionResetError):
                each.recv(1)
    with call(wire) as third:
        assert echo(third, b"again") == b"again"


def test_swallowing_is_silent_and_what_was_held_comes_after(wire: Wire):
    with call(wire) as connection:
        assert echo(connection, b"one") == b"one"
        wire.swallow()
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            echo(connection, b"two")
        with call(wire) as other:
            other.settimeout(0.1)
            with pytest.raises(TimeoutError):
                echo(other, b"three")
            wire.mend()
            for each, text in ((connection, b"two"), (other, b"three")):
                each.settimeout(5)
                assert each.recv(65536) == text


def test_refusing_ends_all_and_lets_nobody_in_until_it_is_mended(wire: Wire):
    with call(wire) as connection:
        assert echo(connection, b"one") == b"one"
        wire.refuse()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with pytest.raises(ConnectionRefusedError):
        call(wire)
    address = wire.address
    wire.mend()
    with call(wire) as connection:
        assert echo(connection, b"two") == b"two"
    assert wire.address == address


def test_a_server_that_is_gone_ends_the_callers_connection(wire: Wire):
    wire.server = ("127.0.0.1", 1)
    with call(wire) as connection:
        assert connection.recv(1) == b""
