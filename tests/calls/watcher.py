"""Looks at one plugin's processes all the time, from a thread: how long each of them drained."""

import http.client
import threading
import time
from contextlib import suppress
from typing import Self

from tests.e2e.rig import Rig

PAUSE = 0.02


class Watcher:
    """Watches while its `with` block lasts. `drains` are seconds by worker, also of those that are not over."""

    def __init__(self, controller: Rig, plugin: str) -> None:
        self.controller, self.plugin = controller, plugin
        self.drains: dict[str, float] = {}
        self._began: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def longest(self) -> float:
        return max(self.drains.values(), default=0.0)

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            with suppress(OSError, http.client.HTTPException, KeyError):
                self._look()

    def _look(self) -> None:
        processes = self.controller.plugin(self.plugin)["processes"]
        now = time.monotonic()
        for worker in (each["worker"] for each in processes if each["phase"] == "Draining"):
            self.drains[worker] = now - self._began.setdefault(worker, now)
