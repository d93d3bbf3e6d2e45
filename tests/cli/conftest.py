"""The command line as people run it: a subprocess, against a control socket that another subprocess serves."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.fakes import plugin, pod

ROOT = Path(__file__).parents[2]
DEADLINE = 30
KEPT = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """`run` blocks signals before it hands over to the controller; what a test starts next would inherit that."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "TZ": "UTC"} | more


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "controller", *map(str, args)]


def pluginmgr(*args: object, **more: Any) -> subprocess.CompletedProcess[str]:
    env = environment(**more.pop("env", {}))
    return subprocess.run(
        command(*args), env=env, capture_output=True, text=True, timeout=DEADLINE, check=False, cwd=ROOT, **more
    )


class FakeController:
    """`state_dir` has its socket; `show` and the rest write what it answers."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._answers: dict[str, Any] = {"document": pod(plugin("rule/good")), "records": {}, "past": []}
        self._write()
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "cli" / "serve_fakes.py"), str(self.state_dir)],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.read_line() == "serving"

    def read_line(self) -> str:
        return self.process.stdout.readline().strip()

    def _write(self) -> None:
        scratch = self.state_dir / "fake.new"
        scratch.write_text(json.dumps(self._answers))
        scratch.replace(self.state_dir / "fake.json")

    def show(self, *plugins: dict[str, Any], conditions: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
        self._answers["document"] = pod(*plugins, conditions=conditions)
        self._write()
        return self._answers["document"]

    def keep(self, key: str, *records: dict[str, Any]) -> None:
        self._answers["records"][key] = records
        self._write()

    def remember(self, *past: dict[str, Any]) -> None:
        self._answers["past"] = past
        self._write()

    def say(self, record: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps(record) + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, *args: object, **more: Any) -> subprocess.CompletedProcess[str]:
        return pluginmgr(*args, "--state-dir", self.state_dir, **more)

    def open(self, *args: object, **more: Any) -> subprocess.Popen[str]:
        """A command that goes on; its owner ends it."""
        argv = command(*args, "--state-dir", self.state_dir)
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | more
        return subprocess.Popen(argv, env=environment(**streams.pop("env", {})), cwd=ROOT, **streams)


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pm") as path:
        yield Path(path)


@pytest.fixture
def controller(state_dir: Path) -> Iterator[FakeController]:
    made = FakeController(state_dir)
    yield made
    made.kill()


@pytest.fixture
def follow(controller: FakeController) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command that goes on until the test ends."""
    begun: list[subprocess.Popen[str]] = []

    def start(*args: object, **more: Any) -> subprocess.Popen[str]:
        begun.append(controller.open(*args, **more))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()
