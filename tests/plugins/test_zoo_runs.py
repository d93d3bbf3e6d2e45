"""What the programs of the zoo do once they are up.

What the programs' docstrings say holds, run bare: else the tests that use them prove nothing.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from tests.plugins import zoo
from tests.plugins.bare import (
    CHECK,
    NOT_SERVING,
    PATIENCE,
    SERVING,
    SHUTDOWN,
    Bare,
    call,
    free_port,
    is_silent,
    wait_until,
)

Run = Callable[..., Bare]


@pytest.mark.parametrize("animal", zoo.parameters(zoo.SERVES + zoo.FAILS_LATER))
def test_what_is_listed_as_coming_up_answers_its_first_health_check(bare: Run, animal: zoo.Animal):
    environment = {**animal.env, "ZOO_PORT": str(free_port()), "ZOO_AFTER_MS": "60000"}
    with bare(animal.program, **environment).connect() as channel:
        assert call(channel, CHECK) == SERVING


@pytest.mark.parametrize("name", ["good", "reports_id", "two_handshakes"])
def test_a_good_plugin_exits_with_0_on_shutdown_and_takes_its_socket_along(bare: Run, name: str):
    plugin = bare(name)
    path = plugin.handshake()[3]
    with grpc.insecure_channel(f"unix:{path}") as channel:
        call(channel, SHUTDOWN)
    assert plugin.process.wait(PATIENCE) == 0
    assert not Path(path).exists()


@pytest.mark.parametrize("name", ["good", pytest.param("echo", marks=pytest.mark.go)])
def test_echo_gives_the_request_back_after_the_delay_asked_for(bare: Run, name: str):
    with bare(name).connect() as channel:
        request = b"\x0a\x05hello"
        assert call(channel, "/zoo.Echo/Call", request) == request
        begin = time.monotonic()
        assert call(channel, "/zoo.Echo/Call", request, delay_ms="200") == request
        assert time.monotonic() - begin >= 0.2


def test_versions_of_a_program_differ_in_bytes_and_behave_alike(
    bare: Run, install: Callable[..., Path], tmp_path: Path
):
    one, two = (install("good", tmp_path, f"good-{version}", version=version) for version in "12")
    assert one.read_bytes() != two.read_bytes()
    with bare(two).connect() as channel:
        assert call(channel, CHECK) == SERVING


def test_not_serving_says_so(bare: Run):
    with bare("not_serving").connect() as channel:
        assert call(channel, CHECK) == NOT_SERVING


def test_health_stops_while_calls_go_on(bare: Run, tmp_path: Path):
    switch = tmp_path / "stop"
    with bare("stops_answering_health", ZOO_FILE=str(switch)).connect() as channel:
        assert call(channel, CHECK) == SERVING
        switch.touch()
        with pytest.raises(grpc.RpcError) as error:
            call(channel, CHECK, timeout=0.3)
        assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert call(channel, "/zoo.Echo/Call", b"still here") == b"still here"


def test_slow_answers_come(bare: Run):
    with bare("answers_slowly", ZOO_DELAY_MS="200").connect() as channel:
        begin = time.monotonic()
        assert call(channel, CHECK) == SERVING
        assert time.monotonic() - begin >= 0.2


@pytest.mark.parametrize(("environment", "code"), [({}, 7), ({"ZOO_CODE": "5"}, 5), ({"ZOO_SIGNAL": "11"}, -11)])
def test_crashes_ends_as_told(bare: Run, environment: dict[str, str], code: int):
    plugin = bare("crashes", ZOO_AFTER_MS="100", **environment)
    assert plugin.handshake()
    assert plugin.process.wait(PATIENCE) == code


def test_leaked_descriptors_end_in_death(bare: Run, tmp_path: Path, install: Callable[..., Path]):
    limited = tmp_path / "limited.sh"
    limited.write_text(f"#!/bin/sh\nulimit -n 64\nexec {install('leaks_descriptors', tmp_path)}\n")
    plugin = bare(limited)
    assert b"Too many open files" in plugin.read("stderr")
    assert plugin.process.wait(PATIENCE) == 24


def test_grows_takes_and_keeps_memory(bare: Run):
    plugin = bare("grows", ZOO_EVERY_MS="1", ZOO_MAX_MB="160")
    statm = Path(f"/proc/{plugin.process.pid}/statm")
    wait_until(lambda: int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE") > 160 << 20)


@pytest.mark.parametrize("name", ["ignores_shutdown", "ignores_sigterm"])
def test_shutdown_is_ignored(bare: Run, name: str):
    plugin = bare(name)
    with plugin.connect() as channel:
        call(channel, SHUTDOWN)
        assert call(channel, CHECK) == SERVING
    assert plugin.process.poll() is None


def test_a_hanging_shutdown_gives_no_answer(bare: Run):
    plugin = bare("hangs_in_shutdown")
    with plugin.connect() as channel:
        with pytest.raises(grpc.RpcError) as error:
            call(channel, SHUTDOWN, timeout=0.3)
        assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert plugin.process.poll() is None


def test_sigterm_is_fatal(bare: Run):
    plugin = bare("ignores_shutdown")
    plugin.handshake()
    plugin.process.terminate()
    assert plugin.process.wait(PATIENCE) == -signal.SIGTERM


def test_sigterm_is_ignored(bare: Run):
    plugin = bare("ignores_sigterm")
    with plugin.connect() as channel:
        plugin.process.terminate()
        assert call(channel, CHECK) == SERVING


def test_the_forked_child_holds_the_pipes(bare: Run):
    plugin = bare("forks_child")
    plugin.handshake()
    plugin.process.kill()
    plugin.process.wait(PATIENCE)
    assert len(plugin.descendants()) == 1
    assert is_silent(plugin)


def test_the_daemon_is_out_of_the_session_and_its_parent_gone(bare: Run):
    plugin = bare("daemonises")
    plugin.handshake()
    (daemon,) = plugin.descendants()
    wait_until(lambda: os.getsid(daemon) == daemon)
    stat = Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()
    assert int(stat[1]) != plugin.process.pid


def test_floods_never_ends(bare: Run):
    plugin = bare("floods")
    for stream in ("stdout", "stderr"):
        descriptor = getattr(plugin.process, stream).fileno()
        assert sum(len(os.read(descriptor, 65536)) for _ in range(100)) > 100_000


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_long_line_is_followed_by_broken_text_and_a_plain_line(bare: Run, stream: str):
    lines = bare("long_line").read(stream, upto=b"plain again\n").splitlines()
    assert len(lines[-3]) == 10_000_000
    with pytest.raises(UnicodeDecodeError):
        lines[-2].decode()


def test_the_deleted_socket_serves_who_is_connected(bare: Run):
    plugin = bare("deletes_socket")
    path = plugin.handshake()[3]
    with grpc.insecure_channel(f"unix:{path}") as channel:
        assert call(channel, CHECK) == SERVING
        assert not Path(path).exists()
        assert call(channel, CHECK) == SERVING


def test_reports_id_says_its_id(bare: Run):
    with bare("reports_id", ZOO_ID="one").connect() as channel:
        assert call(channel, "/zoo.Identity/Get") == b"one"
