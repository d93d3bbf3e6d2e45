"""What cannot run is told before it is started."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from controller.goplugin import Command, Failure, LaunchError, elf, launch, preflight
from tests.goplugin.place import TAG, ZOO_HANDSHAKE, Place

TRUE = Path(shutil.which("true") or "")
ROOT = Path(__file__).resolve().parents[2]


async def refused(place: Place, program: Path | str, **changes: str) -> LaunchError:
    options = {"cwd": str(place.root), "socket_dir": str(place.sockets), **changes}
    command = Command(str(program), env={"PATH": os.environ["PATH"]}, **options)  # type: ignore[arg-type]
    with pytest.raises(LaunchError) as caught:
        async with launch(command, ZOO_HANDSHAKE, start_timeout=5, emit=print, on_spawn=place.pids.append, tag=TAG):
            pytest.fail("it came up")
    assert place.pids == []
    assert caught.value.exit is None
    return caught.value


def file(place: Place, content: bytes, mode: int = 0o755) -> Path:
    path = place.root / "program"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("content", "mode", "failure", "words"),
    [
        (b"", 0o755, Failure.UNKNOWN_FORMAT, "empty"),
        (b"MZ\x90\x00 a Windows program", 0o755, Failure.UNKNOWN_FORMAT, "neither an ELF"),
        (b"\x7fELF", 0o755, Failure.UNKNOWN_FORMAT, "neither an ELF"),
        (b"#!/bin/sh\n", 0o644, Failure.NOT_EXECUTABLE, "chmod it 0755"),
        (b"#!\n", 0o755, Failure.MISSING_INTERPRETER, "names no interpreter"),
        (b"#!/no/where -x\n", 0o755, Failure.MISSING_INTERPRETER, "/no/where is not here"),
        (b"#!/bin/sh\r\n", 0o755, Failure.MISSING_INTERPRETER, "carriage return"),
        (b"#!/bin/sh\0x\n", 0o755, Failure.MISSING_INTERPRETER, "NUL byte"),
        (b"#!/usr/bin/env no-such-python\n", 0o755, Failure.MISSING_INTERPRETER, "no-such-python is not on"),
    ],
)
async def test_each_unfit_file_has_its_word(
    place: Place, content: bytes, mode: int, failure: Failure, words: str
) -> None:
    error = await refused(place, file(place, content, mode))
    assert error.failure is failure
    assert words in error.message
    assert error.message.startswith("cannot start program: ")


async def test_a_file_that_is_not_there(place: Place) -> None:
    error = await refused(place, place.root / "gone")
    assert error.failure is Failure.SPAWN_FAILED
    assert "No such file" in error.message


async def test_a_directory_is_no_program(place: Place) -> None:
    assert (await refused(place, place.sockets)).failure is Failure.NOT_EXECUTABLE


async def test_a_dynamic_loader_that_is_not_here(place: Place) -> None:
    content = TRUE.read_bytes()  # noqa: ASYNC240 a small file
    begin = content.index(b"/lib")  # the interpreter comes before all other strings
    error = await refused(place, file(place, content[:begin] + b"/LIB" + content[begin + 4 :]))
    assert error.failure is Failure.MISSING_INTERPRETER
    assert "/LIB" in error.message


def test_a_dynamic_loader_with_no_possible_name(place: Place) -> None:
    program = file(place, b"")
    with pytest.raises(LaunchError, match="its dynamic loader") as caught:
        preflight._check_elf(
            str(program), dataclasses.replace(elf.read(TRUE.read_bytes()), interpreter="/" + "x" * 300)
        )
    assert caught.value.failure is Failure.MISSING_INTERPRETER


def test_a_noexec_mount_is_told_from_a_missing_bit(place: Place) -> None:
    script = f"""
set -e
mount -t tmpfs -o noexec none {place.sockets}
cp {TRUE} {place.sockets}/program
exec {sys.executable} -c '
from controller.goplugin import preflight
preflight.check("{place.sockets}/program", {{}}, "/s")'
"""
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(
        unshare, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    if "unshare failed" in done.stderr or "permission denied" in done.stderr:
        pytest.skip("no mount of its own can be made here")
    assert "LaunchError: cannot start program: its file system is mounted noexec" in done.stderr


async def test_a_socket_directory_too_deep_for_any_socket(place: Place) -> None:
    error = await refused(place, sys.executable, socket_dir="/tmp/" + "d" * 90)
    assert error.failure is Failure.SOCKET_PATH_TOO_LONG
    assert "112 bytes" in error.message


async def test_a_working_directory_that_is_not_there(place: Place) -> None:
    error = await refused(place, file(place, b"#!/bin/sh\n"), cwd="/no/where")
    assert error.failure is Failure.SPAWN_FAILED
    assert "/no/where" in error.message


async def test_a_nul_byte_is_refused_without_showing_a_secret(place: Place) -> None:
    with pytest.raises(LaunchError, match="NUL byte") as caught:
        async with place.launch("good", env={"TOKEN": "sec\0ret"}):
            pytest.fail("it came up")
    assert "sec" not in caught.value.message
