"""The test's end of a host process (`follower.py`)."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.rig import DEADLINE, KIND

ROOT = Path(__file__).parents[2]
ECHO = f"{KIND}/echo"


class Follower:
    """A running host; `lines` is what it has said so far."""

    def __init__(self, run: Path, host: str, *, python: str = sys.executable, **who: Any) -> None:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
        env |= {name: os.environ[name] for name in os.environ if name.startswith("COVERAGE_PROCESS") and not who}
        self.lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._asked = 0
        self.process = subprocess.Popen(
            [python, str(ROOT / "tests" / "e2e" / "follower.py"), str(run), host],
            env=env,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **who,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._news:
                self.lines.append(json.loads(line))
                self._news.notify_all()

    def begin(self, key: str = ECHO, delay: int = 0) -> int:
        """Start a call; its number, once it has a worker."""
        number = self._ask(key, delay)
        self.until(lambda line: line.get("began") == number)
        return number

    def _ask(self, key: str, delay: int) -> int:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"call": key, "delay": delay}) + "\n")
        self.process.stdin.flush()
        self._asked += 1
        return self._asked - 1

    def until(self, fits: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first line that fits."""
        with self._news:
            if not self._news.wait_for(lambda: any(map(fits, self.lines)), DEADLINE):
                raise AssertionError(f"not within {DEADLINE} s; it said {self.lines}")
            return next(filter(fits, self.lines))

    def result(self, number: int) -> str:
        """Which worker answered a call, or its error."""
        line = self.until(lambda line: line.get("did") == number)
        return str(line.get("worker") or line["error"])

    def call(self, key: str = ECHO, delay: int = 0) -> str:
        """Which worker answers a call, or its error."""
        return self.result(self._ask(key, delay))

    def hears(self, worker: str) -> None:
        """Return once it was told that the worker serves."""
        self.until(lambda line: worker in line.get("workers", ()))

    def told(self) -> set[str]:
        """Every worker that it was ever told of."""
        return {worker for line in self.lines for worker in (*line.get("workers", ()), *line.get("draining", ()))}

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._reader.join()
