"""A server's port stays its own while it is down."""

import socket

import pytest

from tests.cluster import ports


def test_it_is_none_that_a_client_is_given(monkeypatch: pytest.MonkeyPatch):
    lowest = int(ports.RANGE.read_text().split()[0])
    found = ports.free_ports(3)
    assert len(set(found)) == 3
    assert max(found) < lowest


def test_it_is_none_that_somebody_listens_on(monkeypatch: pytest.MonkeyPatch):
    port, other = ports.free_ports(2)
    monkeypatch.setattr(ports.random, "sample", lambda *_: [port, other])
    with socket.create_server(("127.0.0.1", port)):
        assert ports.free_ports(1) == [other]
