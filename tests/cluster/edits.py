"""Somebody who edits a flag again and again, whatever the API server is up to."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

from controller.testing.answers import DEADLINE
from tests.cluster.api import ApiError
from tests.cluster.cluster_mode import ClusterMode

TROUBLE = (OSError, http.client.HTTPException, ApiError)


class Edits:
    """Sets `workers` of one plugin to 2 and 1 in turn; what fails is tried again. `last` is what was accepted last."""

    def __init__(self, mode: ClusterMode, plugin: str) -> None:
        self.accepted = 0
        self.failed = 0
        self.last = 0
        self._mode = mode
        self._plugin = plugin
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="edits")

    def until_accepted(self, more: int) -> None:
        """Wait until so many more have been accepted."""
        wanted, ends = self.accepted + more, time.monotonic() + DEADLINE
        while self.accepted < wanted:
            assert time.monotonic() < ends, f"{self.accepted} accepted, {self.failed} failed"
            time.sleep(0.005)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let the edit that is being made be the last."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        for workers in cycle((2, 1)):
            while not self._edit(workers):
                self.failed += 1
                if self._over.wait(0.01):
                    return
            self.accepted, self.last = self.accepted + 1, workers
            if self._over.is_set():
                return

    def _edit(self, workers: int) -> bool:
        try:
            self._mode.flag(self._plugin, workers=workers)
        except TROUBLE:
            return False
        return True


@contextmanager
def edited(mode: ClusterMode, plugin: str) -> Iterator[Edits]:
    """Edits that go on until the block ends."""
    made = Edits(mode, plugin)
    made.start()
    try:
        yield made
    finally:
        made.stop()
