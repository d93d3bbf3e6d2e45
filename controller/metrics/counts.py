"""What is counted, by comparing the state before a step with the one after it. Nothing here knows how it is exposed.

A plugin's counts begin with the step that first knows it and end with the step that forgets it, so their number is
bounded by the state; beyond `MAX_PLUGINS` they are put together.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from controller.core.actions import Start
from controller.core.events import Event, Failed, MemoryExceeded, Unhealthy
from controller.core.model import Exit, Phase, Plugin, PluginKey, State, Worker
from controller.core.reasons import Reason
from controller.core.step import Step

START_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
MAX_PLUGINS = 2000
LOSSES = (Reason.EXITED, Reason.KILLED, Reason.UNHEALTHY, Reason.MEMORY_LIMIT)  # at zero; other reasons once seen


class Histogram:
    """Counts per bucket; prometheus_client's own takes a lock and three objects per bucket and plugin."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """A value equal to a bound belongs to that bucket."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Counts:
    """What is counted of one plugin."""

    starts: int = 0
    crashes: int = 0
    restarts: int = 0
    updates: int = 0
    drains: int = 0
    drain_seconds: float = 0.0
    exits: dict[Reason, int] = field(default_factory=lambda: dict.fromkeys(LOSSES, 0))
    latency: Histogram = field(default_factory=lambda: Histogram(START_BUCKETS))


class Tally:
    """`plugins` holds the counts of those that have their own; `other` those of all beyond the limit."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, limit: int = MAX_PLUGINS) -> None:
        self._clock = clock
        self._limit = limit
        self.plugins: dict[str, Counts] = {}  # by key
        self.other = Counts()

    def count(self, event: Event, before: State, step: Step) -> None:
        """Costs with the plugins that the step touched, no more."""
        for key in step.touched:
            old, new = before.plugins.get(key), step.state.plugins.get(key)
            if new is None:
                self.plugins.pop(key, None)
            elif old is None:
                self._begin(key)
            else:
                self._compare(self._of(key), old, new, event)
        for action in step.actions:
            if isinstance(action, Start):
                self._of(action.plugin).starts += 1

    def _begin(self, key: PluginKey) -> None:
        if len(self.plugins) < self._limit:
            self.plugins[key] = Counts()

    def _of(self, key: PluginKey) -> Counts:
        return self.plugins.get(key, self.other)

    def _compare(self, counts: Counts, old: Plugin, new: Plugin, event: Event) -> None:
        counts.restarts += new.restarts - old.restarts
        if old.serving and new.serving and old.serving.target.version != new.serving.target.version:
            counts.updates += 1
        if old.workers is new.workers:
            return
        for worker in old.workers.values():
            self._compare_worker(counts, worker, new.workers.get(worker.id))
        match event:
            case Failed(lost, how) | Unhealthy(lost, how) | MemoryExceeded(lost, _, how):
                _count_loss(counts, old.workers.get(lost), new.workers.get(lost), how)
            case _ if new.last_exit is not None and new.last_exit is not old.last_exit:  # the core found it out itself
                counts.exits[new.last_exit.reason] = counts.exits.get(new.last_exit.reason, 0) + 1
            case _:
                pass

    def _compare_worker(self, counts: Counts, old: Worker, new: Worker | None) -> None:
        if new is not None and new.phase is old.phase:
            return
        if old.phase is Phase.DRAINING:
            counts.drains += 1
            counts.drain_seconds += (self._clock() if new is None else new.since) - old.since
        elif old.phase is Phase.STARTING and new is not None and new.phase is Phase.READY:
            counts.latency.observe(new.since - old.since)


def _count_loss(counts: Counts, old: Worker | None, new: Worker | None, how: Exit) -> None:
    """A worker that was being stopped anyway is no loss; the memory of one is reported at every sample."""
    if old is None or old.phase is Phase.STOPPING or (new is not None and new.phase is old.phase):
        return
    counts.exits[how.reason] = counts.exits.get(how.reason, 0) + 1
    counts.crashes += old.phase is Phase.READY
