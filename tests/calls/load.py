"""A load host as a process of its own, `pyhost.py` or the Go one, and what it said."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.tools import build

HERE = Path(__file__).resolve().parent
HOSTS = ("python", "go")
DEADLINE = 60.0
KEPT = 1000  # lines; a soak says more
METHOD = "/zoo.Echo/Call"
PAYLOAD = "0a0568656c6c6f"  # StringValue("hello")

Line = dict[str, Any]


def program(language: str) -> list[str]:
    """The command line of a load host, without options."""
    return [sys.executable, str(HERE / "pyhost.py")] if language == "python" else [str(build.build("callhost"))]


class Host:
    """A running load host; its lines are read as they come."""

    def __init__(self, language: str, run_dir: Path, key: str, *options: str) -> None:
        where = ["--run-dir", str(run_dir), "--key", key, "--method", METHOD, "--payload-hex", PAYLOAD]
        self.lines: list[Line] = []
        self._came = threading.Condition()
        self.process = subprocess.Popen(
            [*program(language), *where, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._add(json.loads(line))
        self._add({"event": "closed"})

    def _add(self, line: Line) -> None:
        with self._came:
            keep = [each for each in self.lines[:-KEPT] if each["event"] == "wrong"]
            self.lines = [*keep, *self.lines[-KEPT:], line]
            self._came.notify_all()

    def wait_for(self, event: str, fits: Callable[[Line], object] = bool, deadline: float = DEADLINE) -> Line:
        """The newest line of that event that fits, come or to come."""

        def found() -> list[Line]:
            return [each for each in self.lines if each["event"] == event and fits(each)]

        with self._came:
            if not self._came.wait_for(lambda: found() or self.lines[-1:] == [{"event": "closed"}], deadline):
                raise AssertionError(f"no {event} within {deadline} s; the last lines: {self.lines[-3:]}")
            assert found(), f"the host ended before it said {event}; its last lines: {self.lines[-3:]}"
            return found()[-1]

    def mark(self, name: str) -> Line:
        """End a window and begin the next; the figures of the one that ended."""
        self._say(f"mark {name}")
        return self.wait_for("mark", lambda line: line["name"] == name)

    def quit(self) -> Line:
        """Let it come to its end; the figures since it was ready."""
        self._say("quit")
        final = self.wait_for("final")
        assert self.process.wait(DEADLINE) == 0
        return final

    def wrong(self) -> list[Line]:
        """What it saw that must never be; only the Python host looks."""
        return [each for each in self.lines if each["event"] == "wrong"]

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def close(self) -> None:
        """Kill it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        os.write(self.process.stdin.fileno(), f"{line}\n".encode())


@contextmanager
def host(language: str, run_dir: Path, key: str, *options: str) -> Iterator[Host]:
    """A load host whose callers call already, gone at the end."""
    made = Host(language, run_dir, key, *options)
    try:
        made.wait_for("ready")
        yield made
    finally:
        made.close()
