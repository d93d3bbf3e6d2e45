"""How the programs of the zoo start, or fail to.

What the programs' docstrings say holds, run bare: else the tests that use them prove nothing.
"""

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins import zoo
from tests.plugins.bare import (
    CHECK,
    PATIENCE,
    SERVING,
    Bare,
    call,
    free_port,
    is_silent,
)

Run = Callable[..., Bare]


def can_connect(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


@pytest.mark.parametrize(
    ("name", "code", "stdout", "stderr"),
    [
        ("exits_at_once", 3, b"", b"cannot open the database: no such host\n"),
        ("exits_silently", 0, b"", b""),
        ("wrong_cookie", 1, b"", b"This binary is a plugin."),
        ("shell_script", 2, b"usage: ", b""),
    ],
)
def test_those_that_exit_do_so_with_their_code_and_words(bare: Run, name: str, code: int, stdout: bytes, stderr: bytes):
    plugin = bare(name)
    out, err = plugin.process.communicate(timeout=PATIENCE)
    assert (plugin.process.returncode, out[: len(stdout)], err[: len(stderr)]) == (code, stdout, stderr)
    assert bool(out) == bool(stdout)


@pytest.mark.parametrize("name", ["garbage", "says"])
def test_those_that_talk_nonsense_stay(bare: Run, name: str):
    plugin = bare(name, ZOO_LINE="nonsense")
    assert b"|" not in plugin.read()
    assert plugin.process.poll() is None


def test_silence_stays_silent(bare: Run):
    assert is_silent(bare("silence"))


def test_huge_handshake_passes_64_kib_without_a_line_break(bare: Run):
    assert len(bare("huge_handshake").read(upto=b"x" * 70_000)) >= 70_000


@pytest.mark.parametrize(("rest", "fields"), [("|netrpc|", ["netrpc", ""]), ("", [])])
def test_net_rpc_listens_and_offers_nothing_else(bare: Run, rest: str, fields: list[str]):
    _, _, _, path, *others = bare("net_rpc", ZOO_REST=rest).handshake()
    assert others == fields
    assert can_connect(path)


def test_two_handshakes_serves_at_the_first_address_only(bare: Run):
    plugin = bare("two_handshakes")
    first, second = plugin.read(upto=b"/nowhere|grpc|\n").decode().splitlines()
    assert can_connect(first.split("|")[3])
    assert not can_connect(second.split("|")[3])


def test_a_slow_start_waits_for_its_file(bare: Run, tmp_path: Path):
    plugin = bare("starts_slowly", ZOO_FILE=str(tmp_path / "go"))
    assert is_silent(plugin)
    (tmp_path / "go").touch()
    with plugin.connect() as channel:
        assert call(channel, CHECK) == SERVING


def test_a_fixed_port_is_taken_once(bare: Run):
    port = str(free_port())
    with bare("fixed_port", ZOO_PORT=port).connect() as channel:
        assert call(channel, CHECK) == SERVING
        second = bare("fixed_port", ZOO_PORT=port)
        assert b"address already in use" in second.read("stderr", upto=b"in use\n")
        assert second.process.wait(PATIENCE) == 1


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param("wrong_architecture", OSError, marks=pytest.mark.go),
        ("unknown_format", OSError),
        ("missing_interpreter", FileNotFoundError),
    ],
)
def test_the_kernel_cannot_run_it(install: Callable[..., Path], tmp_path: Path, name: str, error: type[OSError]):
    with pytest.raises(error):
        subprocess.run([install(name, tmp_path)], check=True)


def test_every_program_is_listed():
    programs = {
        path.stem for path in zoo.HERE.iterdir() if path.suffix in {".py", ".sh", ".txt"} and os.access(path, os.X_OK)
    }
    assert programs | zoo.BUILT == {animal.program for animal in zoo.ZOO}
