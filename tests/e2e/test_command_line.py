"""The commands of people, against a running controller: what they print, and how they end."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.rig import HANDSHAKE, Rig
from tests.plugins import zoo


@pytest.fixture
def running(controller: Rig) -> Rig:
    """Two plugins: one that serves, one that cannot."""
    controller.install("good", "plugin")
    controller.install("exits_at_once", "broken")
    controller.configure({"plugin": {"update": {"minReadySeconds": 0}}, "broken": {"enabled": False}})
    controller.start()
    controller.until_served("plugin")
    controller.until_state("broken", "Disabled")
    return controller


def break_it(controller: Rig) -> None:
    controller.configure({"plugin": {}, "broken": {}})
    controller.until_plugin("broken", lambda each: each.get("lastExit"))


@contextmanager
def started(controller: Rig, *words: str, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """A command that goes on until it is interrupted."""
    line = [sys.executable, "-m", "controller", *words, "--state-dir", str(controller.state)]
    env = {**os.environ, "TERM": "xterm", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(descriptor: int, pattern: str, seconds: float = 30.0) -> str:
    """What comes, up to where it fits."""
    ends, text = time.monotonic() + seconds, ""
    while not re.search(pattern, text, re.DOTALL):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, ends - time.monotonic()))
        assert ready, f"no {pattern!r} in {text!r}"
        text += os.read(descriptor, 65536).decode()
    return text


def test_status_is_0_when_all_is_ready_and_1_when_not(running: Rig):
    done = running.cli("status")
    assert done.returncode == 0
    assert re.search(r"^zoo/plugin +Serving +1/1 ", done.stdout, re.MULTILINE)
    assert re.search(r"^zoo/broken +Disabled +0/0 ", done.stdout, re.MULTILINE)
    break_it(running)
    done = running.cli("status")
    assert done.returncode == 1
    assert re.search(
        r"^zoo/broken +(Starting|BackingOff|CrashLoop) .* ExitedBeforeHandshake ", done.stdout, re.MULTILINE
    )


def test_status_in_every_form_says_the_same(running: Rig):
    wide = running.cli("status", "-o", "wide")
    assert wide.returncode == 0
    assert "PIDS" in wide.stdout.splitlines()[2]
    by_json = json.loads(running.cli("status", "-o", "json").stdout)
    by_yaml = yaml.safe_load(running.cli("status", "-o", "yaml").stdout)
    assert by_json == by_yaml
    assert by_json["kind"] == "PluginPodStatus"
    assert by_json["status"]["summary"] == "1/1"
    assert by_json["status"]["controller"]["pid"] == running.running.pid


def test_the_status_file_says_what_the_socket_says_but_for_the_processes(running: Rig):
    path = running.state / "status.json"

    def fits(status: dict[str, Any]) -> bool:
        plugins = [{key: each[key] for key in each.keys() - {"processes"}} for each in status["plugins"]]
        return path.exists() and json.loads(path.read_bytes())["status"] == status | {"plugins": plugins}

    running.until(fits)


def test_status_of_one_plugin_tells_all_of_it(running: Rig):
    (pid,) = running.pids("plugin")
    done = running.cli("status", "zoo/plugin")
    assert done.returncode == 0
    assert re.search(r"^Plugin +zoo/plugin$", done.stdout, re.MULTILINE)
    assert f"pid {pid}" in done.stdout
    break_it(running)
    done = running.cli("status", "zoo/broken")
    assert done.returncode == 1
    assert "ExitedBeforeHandshake" in done.stdout
    assert "Last lines" in done.stdout
    assert running.cli("status", "zoo/nobody").returncode == 1


@pytest.mark.parametrize("command", [["status"], ["logs", "zoo/plugin"], ["history"], ["restart", "zoo/plugin"]])
def test_without_a_controller_it_is_3(controller: Rig, command: list[str]):
    done = controller.cli(*command)
    assert done.returncode == 3
    assert "no controller answers" in done.stderr
    assert done.stdout == ""


def test_after_a_killed_controller_nothing_looks_alive(running: Rig):
    running.close()
    assert running.cli("status").returncode == 3


def test_watch_redraws_on_a_terminal(running: Rig):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
    with started(running, "status", "--watch", stdout=theirs) as process:
        os.close(theirs)
        first = read_until(ours, r"zoo/plugin.*\x1b\[J")
        assert first.startswith("\x1b[?1049h")
        break_it(running)
        assert "\x1b[H" in read_until(ours, r"zoo/broken[^\n]*ExitedBeforeHandshake.*\x1b\[J")
        process.send_signal(signal.SIGINT)
        assert "\x1b[?1049l" in read_until(ours, r"\x1b\[\?1049l")
        assert process.wait(10) == 130
    os.close(ours)


def test_watch_is_plain_in_a_pipe(running: Rig):
    with started(running, "status", "--watch") as process:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        first = read_until(descriptor, r"zoo/plugin +Serving")
        break_it(running)
        later = read_until(descriptor, r"zoo/broken  [^\n]*ExitedBeforeHandshake[^\n]*\n")
        assert "\x1b" not in first + later
        running.close()
        read_until(descriptor, r"no controller answers")


def test_logs_follow_and_previous(running: Rig):
    running.install("floods", "noisy")
    running.until_served("noisy")
    done = running.cli("logs", "zoo/noisy", "-o", "json")
    assert done.returncode == 0
    (old,) = {json.loads(line)["worker"] for line in done.stdout.splitlines()}
    with started(running, "logs", "-f", "zoo/noisy", "-o", "json") as process:
        assert process.stdout is not None
        os.kill(running.pids("noisy")[0], signal.SIGKILL)
        running.until_plugin("noisy", lambda each: each["restarts"] == 1 and each["workers"]["ready"])
        new = running.plugin("noisy")["processes"][0]["worker"]
        read_until(process.stdout.fileno(), f'"worker": "{new}"')
    lines = running.cli("logs", "--previous", "zoo/noisy", "-o", "json").stdout.splitlines()
    assert {json.loads(line)["worker"] for line in lines} <= {old}
    assert running.cli("logs", "zoo/nobody").returncode == 1


def test_history_tells_what_happened_and_why(running: Rig):
    (pid,) = running.pids("plugin")
    os.kill(pid, signal.SIGKILL)
    running.until_plugin("plugin", lambda each: each["restarts"] == 1 and each["workers"]["ready"])
    done = running.cli("history", "zoo/plugin", "-o", "json")
    assert done.returncode == 0
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    words = [each["what"] for each in entries]
    assert words.count("Register") == 2
    assert words.index("Register") < words.index("WorkerLost") < words.index("Unregister")
    (lost,) = [each for each in entries if each["what"] == "WorkerLost"]
    assert lost["reason"] == "Killed"
    assert "zoo/plugin  WorkerLost  Killed: " in running.cli("history").stdout


def test_restart_gives_fresh_workers(running: Rig):
    (pid,) = running.pids("plugin")
    done = running.cli("restart", "zoo/plugin")
    assert (done.returncode, done.stderr) == (0, "")
    running.until(lambda _: running.pids("plugin") not in ([], [pid]))
    assert running.cli("restart", "zoo/nobody").returncode == 1


def test_validate_knows_what_run_takes(running: Rig, tmp_path: Path):
    command = [sys.executable, "-m", "controller", "validate"]
    good = subprocess.run([*command, str(running.config)], capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    bad = tmp_path / "bad.yaml"
    bad.write_text(running.config.read_text(encoding="utf-8").replace("enabled: false", "enabled: perhaps"))
    done = subprocess.run([*command, str(bad)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(rf"^{bad}:\d+:\d+: spec\.kinds\[zoo\]\.plugins\[broken\]\.enabled: ", done.stdout, re.MULTILINE)
    gone = subprocess.run([*command, str(tmp_path / "none")], capture_output=True, text=True, check=False)
    assert gone.returncode == 2


@pytest.mark.parametrize(("program", "code", "word"), [("good", 0, "fit"), ("net_rpc", 1, "NetRpc")])
def test_check_is_0_if_fit_and_1_with_a_reason_if_not(tmp_path: Path, program: str, code: int, word: str):
    binary = zoo.install(program, tmp_path)
    cookie = f"{HANDSHAKE['cookieKey']}={HANDSHAKE['cookieValue']}"
    line = [sys.executable, "-m", "controller", "check", str(binary), "--cookie", cookie]
    env = {**os.environ, "TMPDIR": "/tmp"}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == code
    assert word in done.stdout.splitlines()[0]


def test_a_plugin_cannot_control_its_controller(running: Rig):
    spy = running.root / "spy.py"
    text = f"""#!{sys.executable}
import http.client, socket, sys
connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect({str(running.state / "control.sock")!r})
connection.request("POST", "/restart/zoo/plugin")
answer = connection.getresponse()
print(answer.status, answer.read().decode(), file=sys.stderr)
"""
    spy.write_text(text, encoding="utf-8")
    running.install(spy, "spy")
    entry = running.until_plugin("spy", lambda each: each.get("lastExit"))
    assert entry["lastExit"]["reason"] == "ExitedBeforeHandshake"
    assert "403" in running.cli("logs", "zoo/spy").stdout
    assert "a plugin may not control its controller" in running.cli("logs", "zoo/spy").stdout
    assert not [each for each in running.history("plugin") if each["what"] == "RestartRequested"]
