"""The handshake line and the environment, with every trap of the protocol."""

import pytest

from controller.goplugin.failures import Failure
from controller.goplugin.handshake import Answer, Handshake, HandshakeError, environment, parse

HANDSHAKE = Handshake("KEY", "value", (3, 1))
OLD_DATA = "x" * 50  # what old plugins put where a certificate would be
CERTIFICATE = "x" * 51


@pytest.mark.parametrize(
    "line",
    [
        "1|3|unix|/s/plugin1|grpc",
        "1|3|unix|/s/plugin1|grpc|",
        "1|3|unix|/s/plugin1|grpc||false",
        "1|3|unix|/s/plugin1|grpc||true|and|more",
        f"1|3|unix|/s/plugin1|grpc|{OLD_DATA}",
        " 1|3|unix|/s/plugin1|grpc|\r",
        "1|+3|unix|/s/plugin1|grpc",
    ],
)
def test_four_fields_and_more_are_a_handshake(line: str) -> None:
    assert parse(line, HANDSHAKE) == Answer(3, "unix", "/s/plugin1")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1234", "[::1]:1234", "[::ffff:1.2.3.4]:1", ":1234", "my-host.local:1234"]
)
def test_an_address_may_be_tcp(address: str) -> None:
    assert parse(f"1|1|tcp|{address}|grpc", HANDSHAKE) == Answer(1, "tcp", address)


@pytest.mark.parametrize(
    ("line", "failure", "words"),
    [
        ("", Failure.NOT_A_PLUGIN, "no handshake: ''"),
        ("listening", Failure.NOT_A_PLUGIN, "'listening'"),
        ("1|3|unix", Failure.NOT_A_PLUGIN, "no handshake"),
        ("a|b|c|d", Failure.NOT_A_PLUGIN, "no handshake"),
        ("1 |3|unix|/s|grpc", Failure.NOT_A_PLUGIN, "no handshake"),
        ("1_0|3|unix|/s|grpc", Failure.NOT_A_PLUGIN, "no handshake"),
        ("\u0661|3|unix|/s|grpc", Failure.NOT_A_PLUGIN, "no handshake"),
        ("9" * 5000 + "|3|unix|/s|grpc", Failure.NOT_A_PLUGIN, "no handshake"),
        ("2|3|unix|/s|grpc", Failure.INCOMPATIBLE_CORE_VERSION, "version 2"),
        ("1|4|unix|/s|grpc", Failure.INCOMPATIBLE_VERSION, r"\[1, 3\].*\[4\]"),
        ("1||unix|/s|grpc", Failure.INCOMPATIBLE_VERSION, r"\[1, 3\].*\[\]"),
        ("1|x|unix|/s|grpc", Failure.INCOMPATIBLE_VERSION, r"\[x\]"),
        ("1|3|udp|/s|grpc", Failure.UNSUPPORTED_NETWORK, "'udp'"),
        ("1|3||/s|grpc", Failure.UNSUPPORTED_NETWORK, "''"),
        ("1|3|unix||grpc", Failure.NOT_A_PLUGIN, "empty address"),
        ("1|3|unix|/" + "s" * 107 + "|grpc", Failure.SOCKET_PATH_TOO_LONG, "108 bytes"),
        ("1|3|unix|/" + "\u00e9" * 54 + "|grpc", Failure.SOCKET_PATH_TOO_LONG, "109 bytes"),
        ("1|3|tcp|127.0.0.1|grpc", Failure.NOT_A_PLUGIN, "host:port"),
        ("1|3|tcp|127.0.0.1:0|grpc", Failure.NOT_A_PLUGIN, "host:port"),
        ("1|3|tcp|127.0.0.1:65536|grpc", Failure.NOT_A_PLUGIN, "host:port"),
        ("1|3|unix|/s\0b|grpc", Failure.NOT_A_PLUGIN, "control characters: .*x00b"),
        ("1|3|unix|@s\0b|grpc", Failure.NOT_A_PLUGIN, "control characters"),
        ("1|3|tcp|a\0b:80|grpc", Failure.NOT_A_PLUGIN, "control characters"),
        ("1|3|tcp|a..b:80|grpc", Failure.NOT_A_PLUGIN, "host:port"),
        ("1|3|tcp|a.:80|grpc", Failure.NOT_A_PLUGIN, "host:port"),
        ("1|3|tcp|" + "a" * 64 + ":80|grpc", Failure.NOT_A_PLUGIN, "host:port"),
        ("1|3|tcp|\ufffd:80|grpc", Failure.NOT_A_PLUGIN, "host:port"),
        ("1|3|tcp|a/b:80|grpc", Failure.NOT_A_PLUGIN, "host:port"),
        ("1|3|unix|/s", Failure.NET_RPC, "rebuild it with gRPC"),
        ("1|3|unix|/s|", Failure.NET_RPC, "rebuild it with gRPC"),
        ("1|3|unix|/s|netrpc", Failure.NET_RPC, "rebuild it with gRPC"),
        ("1|3|unix|/s|http", Failure.NOT_A_PLUGIN, "'http'"),
        (f"1|3|unix|/s|grpc|{CERTIFICATE}", Failure.UNEXPECTED_CERTIFICATE, "no TLS was asked for"),
    ],
)
def test_each_unusable_line_has_its_word(line: str, failure: Failure, words: str) -> None:
    with pytest.raises(HandshakeError, match=words) as caught:
        parse(line, HANDSHAKE)
    assert caught.value.failure is failure
    assert len(caught.value.message) < 400


def test_the_protocols_variables_win_over_what_was_given() -> None:
    base = {"KEY": "other", "PLUGIN_UNIX_SOCKET_DIR": "/other", "X": "y"}
    assert environment(HANDSHAKE, base, "/s") == {
        "KEY": "value",
        "PLUGIN_MIN_PORT": "10000",
        "PLUGIN_MAX_PORT": "25000",
        "PLUGIN_PROTOCOL_VERSIONS": "3,1",
        "PLUGIN_UNIX_SOCKET_DIR": "/s",
        "TMPDIR": "/s",
        "X": "y",
    }


@pytest.mark.parametrize("name", ["PLUGIN_MULTIPLEX_GRPC", "PLUGIN_CLIENT_CERT"])
def test_what_would_change_the_transport_is_never_passed_on(name: str) -> None:
    assert name not in environment(HANDSHAKE, {name: "false"}, "/s")
