"""The one object that the manager feeds and the endpoint renders. Its registry is its own, not the process-wide one."""

import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from controller.core.events import Event
from controller.core.model import State, WorkerId
from controller.core.step import Step
from controller.metrics import families
from controller.metrics.counts import Histogram, Tally

SUBSYSTEM = re.compile(r"[a-zA-Z0-9_]*")  # what a metric's name may have in the middle
STEP_BUCKETS = (0.00002, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25)


class PluginManagerMetrics(Collector):
    """`subsystem` tells the metrics of several managers apart that one host embeds and exposes together.

    `registry` has them and those of the process. A host with a registry of its own registers this object there, beside
    those of other subsystems.
    """

    def __init__(
        self,
        subsystem: str = "",
        *,
        version: str = "unknown",
        resident: Callable[[], Mapping[WorkerId, int]] = dict,
        ages: Mapping[str, Callable[[], float]] = MappingProxyType({}),
        hosts: Callable[[], int] = int,
        failures: Mapping[str, Callable[[], int]] = MappingProxyType({}),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what is no part of the state, asked for at each scrape, in its thread.

        Args:
            subsystem: a part of each name, `pluginmgr_<subsystem>_...`.
            version: of the program.
            resident: bytes of each worker that is up.
            ages: by name of a source (`volume`, `config`): seconds since it was last looked at.
            hosts: how many follow the registry.
            failures: by place (`file`, `object`): how often the status could not be written there.
            clock: the monotonic clock of the steps.

        Raises:
            ValueError: `subsystem` cannot be a part of a metric's name.
        """
        if not SUBSYSTEM.fullmatch(subsystem):
            raise ValueError(f"subsystem {subsystem!r} has other characters than letters, digits and '_'")
        self._prefix = f"pluginmgr_{subsystem}_" if subsystem else "pluginmgr_"
        self._version = version
        self._resident = resident
        self._ages = ages
        self._hosts = hosts
        self._failures = failures
        self._clock = clock
        self._state = State()
        self._tally = Tally(clock=clock)
        self._steps = {event.__name__: Histogram(STEP_BUCKETS) for event in get_args(Event)}
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def attach(
        self, version: str, resident: Callable[[], Mapping[WorkerId, int]], ages: Mapping[str, Callable[[], float]]
    ) -> None:
        """Take what only the manager knows that these are given to; the same as `__init__` takes."""
        self._version, self._resident, self._ages = version, resident, ages

    def observe(self, event: Event, before: State, step: Step, seconds: float) -> None:
        """Count what one step changed; `seconds` is how long it took."""
        self._state = step.state
        self._steps[type(event).__name__].observe(seconds)
        self._tally.count(event, before, step)

    def render(self, accept: str) -> tuple[bytes, str]:
        """The exposition for an Accept header, and its content type. May run in a thread."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def collect(self) -> Iterator[Metric]:
        """Every family, in the order of the documentation."""
        state, now, known = self._state, self._clock(), self._tally.plugins.copy()
        others = {families.OTHER: self._tally.other} if len(state.plugins) > len(known) else {}
        yield from families.counted(self._prefix, known | others)
        yield from families.running(self._prefix, state, known, self._resident(), now)
        yield from families.whole(self._prefix, state)
        yield families.ages(self._prefix, self._ages)
        yield families.hosts(self._prefix, self._hosts())
        yield families.failures(self._prefix, self._failures)
        yield families.steps(self._prefix, self._steps)
        yield families.build(self._prefix, self._version, platform.python_version())
