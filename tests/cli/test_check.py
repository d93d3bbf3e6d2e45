"""`pluginmgr check`: fit or not, why, and nothing left."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, command, environment, pluginmgr
from tests.plugins import zoo

COOKIE = f"{zoo.COOKIE_KEY}={zoo.COOKIE_VALUE}"
SLOW = {"HandshakeTimeout", "NotServing", "HealthTimeout"}  # they use up the whole start timeout
MISSING = "/nonexistent/plugin"


@pytest.fixture
def scratch() -> Iterator[Path]:
    """TMPDIR of the command; what stays in it was left behind. Short, since sockets live in it."""
    with tempfile.TemporaryDirectory(prefix="pm") as path:
        yield Path(path)


@pytest.fixture
def check(tmp_path: Path, scratch: Path):
    def check(program: str, *args: str, **env: str) -> dict:
        binary = zoo.install(program, tmp_path / "bin")
        words = [word for name, value in env.items() for word in ("--env", f"{name}={value}")]
        answer = pluginmgr("check", binary, *words, "-o", "json", *args, env={"TMPDIR": str(scratch)})
        report = json.loads(answer.stdout)
        assert answer.returncode == (0 if report["fit"] else 1)
        assert answer.stderr == ""
        assert not list(scratch.iterdir())
        assert not running(binary)
        return report

    return check


def running(binary: Path) -> list[int]:
    """The processes that carry the name of the binary in their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(os.getpid()):
            try:
                if os.fsencode(binary) in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_fit_plugin_is_told_with_its_times(check):
    report = check("good", "--cookie", COOKIE)
    assert report["fit"]
    assert report["reason"] == report["message"] == ""
    assert report["protocol_version"] == 1
    assert report["address"].startswith("unix:")
    assert report["exit"] == "exit code 0"
    assert list(report["milliseconds"]) == ["spawn", "handshake", "health", "services", "stop"]
    assert not report["warnings"]


@pytest.mark.parametrize("animal", zoo.parameters(each for each in zoo.FAILS_TO_START if each.reason not in SLOW))
def test_each_way_not_to_start_is_named(check, animal):
    report = check(animal.program, "--cookie", COOKIE, **animal.env)
    assert (report["fit"], report["reason"]) == (False, animal.reason)
    assert report["message"]


def test_without_a_cookie_it_says_how_to_give_one(check):
    report = check("good")
    assert report["reason"] == "WrongCookie"
    assert "--cookie KEY=VALUE" in report["message"]


def test_a_version_that_is_not_in_common_is_named(check):
    report = check("good", "--cookie", COOKIE, "--protocol-version", "7", "--protocol-version", "8")
    assert report["reason"] == "IncompatibleVersion"
    assert "7, 8" in report["message"]


@pytest.mark.parametrize(
    ("program", "warning"),
    [("ignores_sigterm", "ignored Shutdown and SIGTERM"), ("ignores_shutdown", "only by SIGTERM")],
)
def test_a_bad_end_is_a_warning(check, program, warning):
    report = check(program, "--cookie", COOKIE)
    assert report["fit"]
    assert warning in report["warnings"][0]


@pytest.mark.parametrize("program", ["forks_child", "daemonises"])
def test_nothing_is_left_of_what_a_plugin_forks(check, program):
    assert check(program, "--cookie", COOKIE)["fit"]


def test_the_verdict_for_people_stands_first(tmp_path):
    binary = zoo.install("exits_at_once", tmp_path)
    answer = pluginmgr("check", binary, "--cookie", COOKIE)
    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    assert lines[0] == f"{binary}: unfit: ExitedBeforeHandshake"
    assert lines[1].startswith("  why       ")
    answer = pluginmgr("check", zoo.install("good", tmp_path), "--cookie", COOKIE)
    assert answer.stdout.splitlines()[0].endswith("/good: fit")


def test_a_long_tmpdir_is_not_held_against_the_plugin(tmp_path):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    binary = zoo.install("good", tmp_path)
    answer = pluginmgr("check", binary, "--cookie", COOKIE, env={"TMPDIR": str(long)})
    assert answer.returncode == 0, answer.stdout


def test_a_file_that_is_not_there_is_bad_usage():
    answer = pluginmgr("check", MISSING)
    assert (answer.returncode, answer.stderr) == (2, f"pluginmgr: cannot check {MISSING}: no such file\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_nothing(tmp_path, scratch, number, code):
    binary = zoo.install("silence", tmp_path / "bin")
    env = environment(TMPDIR=str(scratch))
    argv = command("check", binary, "--cookie", COOKIE)
    with subprocess.Popen(argv, env=env, cwd=ROOT, stderr=subprocess.PIPE, stdout=sys.stderr, text=True) as process:
        ends = time.monotonic() + 20
        while len(running(binary)) < 2 or not list(scratch.iterdir()):  # the command itself and the plugin
            assert time.monotonic() < ends
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(20) == code
        assert process.stderr.read() == ""
    assert not running(binary)
    assert not list(scratch.iterdir())


@pytest.mark.slow
def test_a_plugin_that_says_nothing_is_given_up(check):
    report = check("silence", "--cookie", COOKIE)
    assert report["reason"] == "HandshakeTimeout"


@pytest.mark.go
@pytest.mark.foreign
def test_a_plugin_that_others_wrote_is_fit_and_its_services_are_listed(go_plugin):
    binary = go_plugin("grpc")
    answer = pluginmgr("check", binary, "--cookie", "BASIC_PLUGIN=hello", "-o", "json")
    report = json.loads(answer.stdout)
    assert report["fit"], report
    assert "proto.KV" in report["services"]
