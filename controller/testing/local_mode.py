"""A whole controller in local mode, as a subprocess in directories of its own, with what tests do to it.

`LocalMode` is the volume and the config (`Wanted`), the questions (`Answers`), and the process itself.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from controller.pool import ProcessPool
from controller.registry.channels import Item, bare
from controller.registry.client import follow
from controller.testing.answers import DEADLINE, Answers
from controller.testing.processes import tagged
from controller.testing.wanted import Wanted

Mode = TypeVar("Mode", bound="LocalMode")
KEPT = ("PATH", "HOME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "PYTHONPATH")


class LocalMode(Wanted, Answers):
    """Not running before `start`. `env` is the controller's environment beside the variables in KEPT."""

    def __init__(self, root: Path, run: Path, kind: str = "rule") -> None:
        """Make the directories below `root`; `run` must be short, since sockets live in it."""
        Wanted.__init__(self, root, kind)
        Answers.__init__(self, root / "state", kind)
        self.run = run
        self.log = root / "controller.log"
        self.env: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    # --- the process

    def command(self, *options: str) -> list[str]:
        """The command line of `start`."""
        where = {
            "--plugin-dir": self.plugins,
            "--config": self.config,
            "--state-dir": self.state,
            "--run-dir": self.run,
            "--http": "127.0.0.1:0",
        }
        words = [str(word) for pair in where.items() for word in pair]
        return [sys.executable, "-m", "controller", "run", *words, *options]

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start the controller with more options of `pluginmgr run`; its log goes to `log`."""
        env = {name: os.environ[name] for name in KEPT if name in os.environ} | self.env
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(*options), env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self.process

    def start_failing(self, *options: str) -> tuple[int, str]:
        """Start a controller that is to end by itself; its exit code and all that it said."""
        done = self.start(*options).wait(DEADLINE)
        return done, self.tail()

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(DEADLINE)

    def kill(self) -> None:
        """SIGKILL the controller; its workers go with it."""
        self.running.kill()
        self.running.wait(DEADLINE)

    def close(self) -> None:
        """Kill the controller if it still runs."""
        if self.process and self.process.poll() is None:
            self.kill()

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The controller's process."""
        if self.process is None:
            raise AssertionError("the controller was not started")
        return self.process

    def cli(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the other commands against this controller."""
        line = [sys.executable, "-m", "controller", command, *words, "--state-dir", str(self.state)]
        return subprocess.run(line, capture_output=True, text=True, timeout=DEADLINE, check=False)

    # --- its plugins

    def crash(self, plugin: str) -> int:
        """SIGKILL the first ready worker of the plugin; its pid."""
        pid = self.pids(plugin)[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def pool(self, host: str = "test", *, item: Item = bare) -> AbstractAsyncContextManager[ProcessPool[Any]]:
        """Follow the controller as a host does; an item is a channel, or what `item(worker, channel)` makes of it."""
        return follow(self.run, host=host, item=item)

    # --- what it says and leaves

    @property
    def instance(self) -> str:
        """The name that this state dir's workers are tagged with."""
        return (self.state / "instance").read_text(encoding="ascii").strip()

    def records(self, message: str | None = None) -> list[dict[str, Any]]:
        """The controller's own log records, or those with this message."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in found if message in (None, each.get("message"))]

    def leftovers(self) -> list[str]:
        """What there should be none of after a clean end: processes, workers' directories."""
        processes = [str(pid) for pid in tagged(self.instance)]
        directories = [str(each) for each in (*self.run.iterdir(), *(self.state / "work").iterdir()) if each.is_dir()]
        return processes + directories

    def check(self) -> None:
        """Raise an AssertionError if the controller has ended."""
        if self.process and self.process.poll() is not None:
            raise AssertionError(f"the controller ended with {self.process.returncode}\n{self.tail()}")

    def tail(self, lines: int = 40) -> str:
        """The end of the controller's log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@contextmanager
def in_local_mode(root: Path, make: Callable[[Path, Path], Mode]) -> Iterator[Mode]:
    """Give what `make(root, run dir)` made, such as `LocalMode`; its controller and the run dir are gone at the end."""
    run = Path(tempfile.mkdtemp(prefix="pm"))
    made = make(root, run)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(run, ignore_errors=True)
