"""`pluginmgr status --watch`: on a real pseudo-terminal, and in a pipe."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.cli.conftest import FakeController
from tests.cli.screen import Screen
from tests.http.fakes import plugin

WIDTH, HEIGHT = 80, 10
DEADLINE = 20


class Terminal:
    """A program on a pseudo-terminal, and what its screen shows."""

    def __init__(self, process: subprocess.Popen, master: int) -> None:
        self.process = process
        self.master = master
        self.screen = Screen(WIDTH, HEIGHT)

    def until(self, fits: Callable[[list[str]], object]) -> list[str]:
        ends = time.monotonic() + DEADLINE
        while not fits(self.screen.lines):
            left = ends - time.monotonic()
            assert left > 0, self.screen.lines
            assert select.select([self.master], [], [], left)[0], self.screen.lines
            self.screen.feed(os.read(self.master, 65536).decode())
        return self.screen.lines

    def read_to_end(self) -> None:
        while True:
            try:
                text = os.read(self.master, 65536)
            except OSError:  # Linux: EIO once nobody has the other end open
                return
            self.screen.feed(text.decode())


@contextmanager
def terminal(controller: FakeController, *args: str, **env: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", HEIGHT, WIDTH, 0, 0))
    process = controller.open(*args, env={"TERM": "xterm"} | env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_a_terminal_is_redrawn_in_place(controller):
    controller.show(plugin("rule/good"), plugin("rule/long", message="x" * 200))
    with terminal(controller, "status", "--watch") as seen:
        lines = seen.until(lambda lines: lines[3].startswith("rule/good"))
        assert lines[0].startswith("2/2 ready")
        assert seen.screen.is_alternate
        assert not seen.screen.has_cursor
        assert "32" in seen.screen.colours
        controller.show(plugin("rule/good", "CrashLoop", message="because"))
        lines = seen.until(lambda lines: "CrashLoop" in lines[3])
        assert lines[0].startswith("0/1 ready")
        assert lines[4:] == [""] * 6


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_screen_is_given_back_at_the_end(controller, number, code):
    with terminal(controller, "status", "--watch") as seen:
        seen.until(lambda lines: "rule/good" in lines[3])
        seen.process.send_signal(number)
        seen.read_to_end()
        assert seen.process.wait(DEADLINE) == code
        assert not seen.screen.is_alternate
        assert seen.screen.has_cursor


def test_more_plugins_than_lines_do_not_scroll(controller):
    controller.show(*(plugin(f"rule/{number}", message="m" * 100) for number in range(20)))
    with terminal(controller, "status", "--watch") as seen:
        lines = seen.until(lambda lines: lines[-1])
        assert lines[-1] == "... and 14 more lines"
        fcntl.ioctl(seen.master, termios.TIOCSWINSZ, struct.pack("4H", HEIGHT, 40, 0, 0))
        lines = seen.until(lambda lines: all(len(line) <= 40 for line in lines))
        assert lines[3].startswith("rule/0")


def test_a_controller_that_goes_is_said_to_be_gone_and_shown_again_when_it_is_back(controller):
    with terminal(controller, "status", "--watch") as seen:
        seen.until(lambda lines: "rule/good" in lines[3])
        controller.kill()
        lines = seen.until(lambda lines: "no controller answers" in lines[0])
        assert not any("rule/good" in line for line in lines)
        controller.start()
        seen.until(lambda lines: "rule/good" in lines[3])


def test_no_colour_where_it_is_not_wanted(controller):
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with terminal(controller, "status", **env) as seen:
            seen.read_to_end()
            assert seen.screen.lines[3].startswith("rule/good")
            assert not seen.screen.colours


@pytest.fixture
def watch(follow):
    def start(*args: str) -> subprocess.Popen:
        return follow("status", "--watch", *args)

    return start


def test_a_pipe_gets_the_table_and_then_a_line_for_each_change(controller, watch):
    controller.show(plugin("rule/a"), plugin("rule/b"))
    process = watch()
    head = [process.stdout.readline() for _ in range(5)]
    assert head[3].startswith("rule/a")
    controller.show(plugin("rule/a"), plugin("rule/c", "CrashLoop", message="because"))
    changes = [process.stdout.readline() for _ in range(3)]
    assert re.fullmatch(r"\d\d:\d\d:\d\d  1/2 ready\n", changes[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d  rule/c  CrashLoop  0/1  a{12}  because\n", changes[1])
    assert re.fullmatch(r"\d\d:\d\d:\d\d  rule/b  gone\n", changes[2])
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 130
    assert process.stdout.read() == ""


def test_a_pipe_of_json_gets_a_document_a_line(controller, watch):
    first = controller.show(plugin("rule/a"))
    process = watch("-o", "json")
    assert json.loads(process.stdout.readline()) == first
    second = controller.show(plugin("rule/a", "CrashLoop"))
    assert json.loads(process.stdout.readline()) == second


def test_a_pipe_gets_nothing_while_nothing_that_matters_changes(controller, watch):
    controller.show(plugin("rule/a"))
    process = watch("-o", "json")
    process.stdout.readline()
    controller.show(plugin("rule/a", logs=["a line"], processes=[]))
    assert not select.select([process.stdout], [], [], 2.5)[0]


def test_a_pipe_of_yaml_gets_a_document_after_each_mark(controller, watch):
    controller.show(plugin("rule/a"))
    process = watch("-o", "yaml")
    assert process.stdout.readline() == "---\n"
    assert process.stdout.readline() == "apiVersion: pluginmgr.dev/v1alpha1\n"


def test_one_plugin_can_be_watched(controller, follow):
    controller.show(plugin("rule/a"))
    process = follow("status", "rule/a", "--watch", "-o", "json")
    assert json.loads(process.stdout.readline())["state"] == "Serving"
    controller.show(plugin("rule/a", "CrashLoop"))
    assert json.loads(process.stdout.readline())["state"] == "CrashLoop"


def test_a_pipe_hears_of_a_controller_that_goes_and_comes_back(controller, watch):
    process = watch("-o", "json")
    process.stdout.readline()
    controller.kill()
    assert "no controller answers" in process.stderr.readline()
    controller.start()
    assert json.loads(process.stdout.readline())["status"]["ready"]
