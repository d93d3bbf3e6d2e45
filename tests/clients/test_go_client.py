"""The Go client's own tests, with the race detector where there is a C compiler for it; and it against a controller."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rig import KIND, Rig, rig
from tests.tools import build

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]  # the first build, with the race detector, takes a minute
MODULE = build.ROOT / "clients/go"
PAYLOAD = "0a0568656c6c6f"  # a StringValue, "hello"


HAS_COMPILER = bool(shutil.which("gcc") or shutil.which("clang"))
IN_CI = bool(os.environ.get("CI"))
RACE = ["-race"] if HAS_COMPILER else []


def go(*words: str) -> subprocess.CompletedProcess[str]:
    fixed = {"CGO_ENABLED": str(int(HAS_COMPILER)), "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": ""}
    command = [build.go(), *words]
    return subprocess.run(command, cwd=MODULE, env=os.environ | fixed, capture_output=True, text=True, check=False)


def test_vet_and_format_have_nothing_to_say() -> None:
    done = go("vet", *RACE, "./...")  # as the tests are built, so that nothing is built twice
    assert (done.returncode, done.stderr) == (0, "")
    formatter = Path(go("env", "GOROOT").stdout.strip(), "bin/gofmt")
    said = subprocess.run([formatter, "-l", "."], cwd=MODULE, capture_output=True, text=True, check=True)
    assert said.stdout == ""


def test_its_own_tests_pass() -> None:
    assert HAS_COMPILER or not IN_CI, "no C compiler: CI must not go without the race detector"
    if not HAS_COMPILER:
        print("no C compiler: without the race detector")
    done = go("test", *RACE, "-short", "./...")
    assert done.returncode == 0, done.stdout + done.stderr


class CallHost:
    """The load host as a subprocess."""

    def __init__(self, run_dir: Path, name: str, *more: str) -> None:
        command = [build.build("callhost"), "--run-dir", run_dir, "--key", f"{KIND}/{name}"]
        command += ["--method", "/zoo.Echo/Call", "--payload-hex", PAYLOAD, *more]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def until(self, event: str) -> dict[str, Any]:
        """The next line of that event."""
        assert self.process.stdout
        for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            if said["event"] == event:
                return said
        raise AssertionError(f"it ended without {event!r}: {self.process.wait()}")

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def finish(self) -> dict[str, Any]:
        self.process.terminate()
        return self.until("final")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path) as made:
        made.install("echo")
        made.configure({"echo": {"workers": 2, "update": {"minReadySeconds": 0}}})
        made.start()
        made.until_served("echo")
        yield made


@pytest.fixture
def host(running: Rig, request: pytest.FixtureRequest) -> Iterator[CallHost]:
    made = CallHost(running.run, "echo", *getattr(request, "param", ()))
    yield made
    made.close()


def serving(running: Rig) -> list[int]:
    return running.pids("echo")


def swap(running: Rig, number: int) -> None:
    """New bytes under the same name, until the old workers are gone."""
    before = set(serving(running))
    running.install("echo", "echo", version=str(number))
    running.until(lambda _: len(now := serving(running)) == 2 and not before & set(now))


def test_swaps_lose_no_call(running: Rig, host: CallHost) -> None:
    host.until("ready")
    for number in range(5):
        swap(running, number)
    host.say("mark swaps")
    window = host.until("mark")
    assert (window["name"], window["failed"], window["errors"]) == ("swaps", 0, {})
    assert len(window["workers"]) >= 10  # the last two may not have had a call yet
    final = host.finish()
    assert final["failed"] == 0
    assert final["calls"] >= window["calls"] > 0


@pytest.mark.parametrize("host", [("--idempotent",)], indirect=True)
def test_kills_lose_no_idempotent_call(running: Rig, host: CallHost) -> None:
    host.until("ready")
    for _ in range(5):
        victim = serving(running)[0]
        os.kill(victim, 9)
        running.until(lambda _, victim=victim: len(now := serving(running)) == 2 and victim not in now)
    final = host.finish()
    assert (final["failed"], final["failures"]) == (0, [])
    assert len(final["workers"]) >= 6
