"""What is looked after while a worker is up: its health, and its memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from controller.core.actions import Start
from controller.core.events import Event, Unhealthy
from controller.core.model import Exit, Health, PluginKey
from controller.core.reasons import Reason
from controller.goplugin import HealthTicker, Schedule, Session
from controller.manager.adapter import PluginLifecycle
from controller.manager.foreign import pinging
from controller.manager.resident import MemoryWatch


@dataclass(frozen=True, slots=True)
class Watches:
    """The controller's shared watches: `memory` from the spawn on, health once a worker is up.

    `policy` gives a plugin's health settings as they are now: they are taken over without a restart.
    """

    health: HealthTicker
    memory: MemoryWatch
    policy: Callable[[PluginKey], Health]
    submit: Callable[[Event], None]

    @contextmanager
    def watching(self, start: Start, session: Session, lifecycle: PluginLifecycle | None) -> Iterator[None]:
        """Check the worker's health for the length of the block, and ask its own ping too if it has one."""

        def schedule() -> Schedule:
            health = self.policy(start.plugin)
            return Schedule(health.period, health.timeout, health.failure_threshold, watch=True)

        def unhealthy(why: str) -> None:
            self.submit(Unhealthy(start.worker, Exit(Reason.UNHEALTHY, why, time.time())))

        ping = None if lifecycle is None else pinging(lifecycle, session)
        with closing(self.health.watch(session, schedule, unhealthy, ping)):
            yield
