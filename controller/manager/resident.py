"""Resident memory of every worker, sampled: the limit's guard, the metric's source, the post-mortem's witness.

Sampling is all there is: the kernel's own limit takes the whole container. A worker between two samples may be over.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from controller.core.actions import Start
from controller.core.events import Event, MemoryExceeded
from controller.core.model import Exit, WorkerId
from controller.core.reasons import Reason
from controller.goplugin import descendants

PERIOD = 1.0  # seconds between samples of workers with a limit
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Watched:
    start: Start
    pid: int


class MemoryWatch:
    """Samples while `watching`; `sample` is called by one task, every PERIOD."""

    def __init__(self, submit: Callable[[Event], None]) -> None:
        self._submit = submit
        self._watched: dict[WorkerId, _Watched] = {}

    @contextmanager
    def watching(self, start: Start, pid: int) -> Iterator[None]:
        """Sample the process for the length of the block."""
        self._watched[start.worker] = _Watched(start, pid)
        try:
            yield
        finally:
            del self._watched[start.worker]

    def sample(self) -> None:
        """Report each worker above its limit, with all it started counted in, at each sample again."""
        for worker, each in self._watched.items():
            limit = each.start.target.launch.limits.memory
            if limit is not None and (size := resident(each.pid, *descendants(each.pid))) > limit:
                text = f"resident size {size >> 20} MiB is over limits.memory of {limit >> 20} MiB"
                how = Exit(Reason.MEMORY_LIMIT, text, time.time())
                self._submit(MemoryExceeded(worker, size / limit, how))

    def sizes(self) -> Mapping[WorkerId, int]:
        """Resident bytes of all workers that are up, read now. May be called from another thread."""
        return {worker: resident(each.pid) for worker, each in list(self._watched.items())}


def resident(*pids: int) -> int:
    """Resident bytes of the processes together; one that is gone counts nothing."""
    return sum(map(_resident, pids))


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123  # read often, Path costs more than the read
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
