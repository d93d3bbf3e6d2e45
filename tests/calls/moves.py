"""What is done to a controller under load, each move until it has converged: nothing old is left, all new is ready."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.rig import Rig

DEADLINE = 60.0
PAUSE = 0.01  # between two looks; a look costs the controller something too
SWIFT = {
    "update": {"minReadySeconds": 0, "probationSeconds": 0, "drainSeconds": 30},
    "restart": {"calmSeconds": 0, "initialDelayMilliseconds": 10, "maxDelaySeconds": 1},
    "stop": {"shutdownSeconds": 1, "killSeconds": 1},
    "startTimeoutSeconds": 60,
}
"""For a plugin's entry: nothing waits for longer than it must, and a busy machine fails no start."""


class Moves:
    """Moves of one controller. `workers` is how many of `plugin` are wanted at the moment."""

    def __init__(self, controller: Rig, plugin: str, other: str, workers: int) -> None:
        self.controller = controller
        self.plugin, self.other, self.workers = plugin, other, workers
        self.round = 0

    @property
    def file(self) -> Path:
        """The plugin's file."""
        return self.controller.file(self.plugin)

    def swap(self) -> None:
        """Other bytes, renamed into place."""
        self._replaced(lambda: self.controller.swap(self.plugin))

    def relaunch(self) -> None:
        """The same bytes with another launch spec."""
        self.round += 1
        env = [{"name": "ROUND", "value": str(self.round)}]
        self._replaced(lambda: self.controller.flag(self.plugin, env=env))

    def restart(self) -> None:
        """Fresh workers of the same version."""
        self._replaced(lambda: self.controller.restart(self.plugin))

    def flip(self) -> None:
        """The other plugin off if it is on, and on if it is off."""
        wanted = not self._ready(self.other)
        self.controller.flag(self.other, enabled=wanted)
        self.until(lambda: len(self._ready(self.other)) == wanted and len(self.all(self.other)) == wanted)

    def resize(self, workers: int) -> None:
        """Another number of workers."""
        self.workers = workers
        self.controller.flag(self.plugin, workers=workers)
        self.settled()

    def kill(self, number: int = 0) -> tuple[str, float]:
        """SIGKILL a ready worker and wait for its successor; its id, and the wall time just before."""
        worker, pid = sorted(self._ready(self.plugin).items())[number]
        at = time.time()
        os.kill(pid, 9)
        self.until(lambda: worker not in self.all(self.plugin) and len(self._ready(self.plugin)) == self.workers)
        return worker, at

    def settled(self) -> None:
        """As many workers as wanted, all of them ready, no other."""
        self.until(lambda: len(self._ready(self.plugin)) == len(self.all(self.plugin)) == self.workers)

    def all(self, plugin: str) -> dict[str, dict[str, Any]]:
        """All processes of a plugin by worker, whatever they do."""
        return {each["worker"]: each for each in self.controller.plugin(plugin).get("processes", ())}

    def until(self, fits: Callable[[], object]) -> None:
        ends = time.monotonic() + DEADLINE
        while not fits():
            self.controller.check()
            if time.monotonic() > ends:
                raise AssertionError(f"not within {DEADLINE} s: {self.controller.status()}\n{self.controller.tail()}")
            time.sleep(PAUSE)

    def _ready(self, plugin: str) -> dict[str, int]:
        return {worker: each["pid"] for worker, each in self.all(plugin).items() if each["phase"] == "Ready"}

    def _replaced(self, change: Callable[[], object]) -> None:
        former = self.all(self.plugin).keys()
        change()
        self.until(lambda: not former & self.all(self.plugin).keys() and len(self._ready(self.plugin)) == self.workers)
        self.settled()
