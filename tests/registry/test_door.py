"""Who comes in at the door, and what passes through it. Real processes; those of other users need root."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import grpc
import pytest

from controller.http import listen_unix
from controller.peers import Peers
from tests.registry.conftest import DEADLINE, Host, until

USER, GROUP = 12001, 12000
KNOCK = """
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
print(end="x", flush=True); sys.stdin.read()
"""
# Judges one caller in a process namespace of its own, where this test's processes have no number.
JUDGE = """
import sys
from pathlib import Path
from controller.http import listen_unix
from controller.peers import Peers
with listen_unix(Path(sys.argv[1])) as listener:
    print(end="x", flush=True)
    connection, _ = listener.accept()
    print(Peers("TAG=").refusal_of_host(connection, 0))
"""

need_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
need_python = pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no interpreter that all may run")


def verdict(path: Path, of_group: int, **who: object) -> str | None:
    """What is said of a child of ours, running as another user."""
    with listen_unix(path, 0o666) as listener:
        path.parent.chmod(0o755)
        line = ["/usr/bin/python3", "-I", "-c", KNOCK, str(path)]
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **who) as child:
            assert child.stdout
            assert child.stdout.read(1) == b"x"
            connection, _ = listener.accept()
            with connection:
                said = Peers("TAG=").refusal_of_host(connection, of_group)
            child.communicate()
    return said


PLUGIN = "refused: a plugin may not pose as a host"  # it is our child: only its groups let it get so far


@need_root
@need_python
@pytest.mark.parametrize(
    ("who", "said"),
    [
        ({"user": USER, "group": GROUP, "extra_groups": []}, PLUGIN),
        ({"user": USER, "group": USER, "extra_groups": [GROUP]}, PLUGIN),
        ({"user": USER, "group": USER, "extra_groups": [*range(20_000, 20_200), GROUP]}, PLUGIN),
        ({"user": USER, "group": USER, "extra_groups": []}, f"refused: uid {USER} is not in the group {GROUP} of"),
        ({"user": USER, "group": USER, "extra_groups": [GROUP + 1]}, f"refused: uid {USER} is not in the group"),
        ({"user": USER, "group": USER, "extra_groups": range(20_000, 21_000)}, f"refused: uid {USER} is not in"),
        ({}, PLUGIN),
    ],
    ids=["primary", "supplementary", "one of many", "none", "another", "too many to see", "our own user"],
)
def test_a_peer_is_judged_by_user_and_all_groups(root, who, said):
    assert str(verdict(root / "door.sock", GROUP, **who)).startswith(said)


def test_the_own_process_is_let_in(root):
    with listen_unix(root / "door.sock") as listener, socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(root / "door.sock"))
        connection, _ = listener.accept()
        with connection:
            assert Peers("TAG=").refusal_of_host(connection, GROUP) is None


@need_root
def test_a_peer_in_another_container_has_no_number_here_and_is_let_in(root):
    line = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", JUDGE, str(root / "door.sock")]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as judge:
        assert judge.stdout
        if judge.stdout.read(1) != "x":
            pytest.skip(f"no process namespaces here: {judge.communicate()[1]}")
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(root / "door.sock"))
            assert judge.communicate()[0] == "None\n"


async def test_a_refused_peer_is_hung_up_on_with_a_line_at_most_one_a_second(registry, caplog):
    registry.admit = lambda connection, group: f"refused for a test, group {group}"
    for _ in range(3):
        reader, writer = await asyncio.open_unix_connection(registry.socket)
        assert await reader.read() == b""
        writer.close()
    (line,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert line.message == "host refused"
    assert line.why == f"refused for a test, group {registry.socket.stat().st_gid}"
    registry.server._door._silent_until = 0
    reader, writer = await asyncio.open_unix_connection(registry.socket)
    assert await reader.read() == b""
    writer.close()
    assert caplog.records[-1].more == 2


async def test_who_cannot_be_seen_is_refused(registry, caplog):
    def fail(connection, group):
        raise OSError(34, "Numerical result out of range")

    registry.admit = fail
    reader, writer = await asyncio.open_unix_connection(registry.socket)
    assert await reader.read() == b""
    writer.close()
    assert "cannot see who calls" in caplog.records[-1].why


async def test_who_goes_round_the_door_gets_nothing(registry):
    """A plugin runs as the controller's user and can reach the private socket."""
    await until(registry.private.exists)
    plugin = Host(registry.private)
    code, _ = await plugin.end()
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert registry.server.hosts == ()
    await plugin.close()


async def test_the_number_of_connections_is_bounded(registry, monkeypatch, caplog):
    monkeypatch.setattr("controller.registry.door.MOST_CONNECTIONS", 1)
    host = Host(registry.socket)
    await host.hello("one")
    other = Host(registry.socket)
    assert (await other.end())[0] is grpc.StatusCode.UNAVAILABLE
    assert "1 connections are open" in caplog.records[-1].why
    await host.close()
    await other.close()


async def test_a_connection_without_a_watch_is_cut_and_one_with_a_watch_is_not(registry, connect, monkeypatch):
    monkeypatch.setattr("controller.registry.door.SILENT_SECONDS", 0.1)
    host = connect()
    await host.hello("one")
    began = time.monotonic()
    reader, writer = await asyncio.open_unix_connection(registry.socket)
    with suppress(ConnectionResetError):
        async with asyncio.timeout(DEADLINE):
            await reader.read()
    assert time.monotonic() - began > 0.09
    writer.close()
    registry.say(registry.words.register("w1"))
    assert (await host.hear()).sequence == 2


async def test_a_connection_is_cut_when_its_watches_have_ended_for_long(registry, connect, monkeypatch):
    monkeypatch.setattr("controller.registry.door.SILENT_SECONDS", 0.1)
    host = connect()
    await host.hello("one")
    await host.call.done_writing()
    assert (await host.end())[0] is grpc.StatusCode.OK
    await until(lambda: not registry.server._door._open)


async def test_a_private_socket_that_is_gone_costs_the_connection_and_not_the_controller(registry, connect):
    host = connect()
    await host.hello("one")
    registry.private.unlink()
    late = connect()
    assert (await late.end())[0] is grpc.StatusCode.UNAVAILABLE
    registry.say(registry.words.register("w1"))
    assert (await host.hear()).sequence == 2


async def test_a_socket_that_a_killed_predecessor_left_is_replaced(registry, connect):
    await registry.stop()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(registry.socket))
    registry.start()
    assert (await connect().hello()).sequence == 1
    assert registry.socket.stat().st_mode & 0o777 == 0o660


async def test_many_hosts_at_once(registry, connect):
    hosts = [connect() for _ in range(50)]
    for number, host in enumerate(hosts):
        await host.hello(f"host-{number}")
    registry.say(registry.words.register("w1"), registry.words.unregister("w1"))
    for host in hosts:
        assert (await host.hear()).WhichOneof("message") == "register"
        assert (await host.hear()).WhichOneof("message") == "unregister"
        assert not registry.words.answers
        await host.drained("w1")
    await until(lambda: registry.words.answers == {"w1": 1})
