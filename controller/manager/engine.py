"""The parts of one embedded manager, put together as the controller puts its own together, for the length of one run.

Nothing here touches what is the process's alone: no signal handler, no subreaper, no limit, no logging configuration.
"""

import asyncio
import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from controller.config import Document
from controller.core.events import ConfigRead, Event, ShutdownRequested
from controller.core.memory import digests_in_use
from controller.core.model import Health, PluginKey, State
from controller.core.step import Step
from controller.goplugin import HealthTicker, sweep
from controller.manager.adapter import PluginAdapter
from controller.manager.directories import Directories
from controller.manager.environment import allowed
from controller.manager.host_messages import Notify
from controller.manager.journal import Journal
from controller.manager.manager import Manager
from controller.manager.one_kind import OneKind
from controller.manager.remembered import Remembering
from controller.manager.resident import PERIOD, MemoryWatch
from controller.manager.sidecars import Sidecars
from controller.manager.status import Identity, live
from controller.manager.supervisor import TAG, Site
from controller.manager.watches import Watches
from controller.manager.workplace import Places
from controller.metrics import PluginManagerMetrics
from controller.volume import Scanner, Store, VolumeWatch

HURRY = 1.0  # seconds from a second cancellation until what still hangs is cut off


class Engine:
    """One manager in the directories that the caller holds."""

    def __init__(
        self,
        notify: Notify,
        kind: OneKind,
        metrics: PluginManagerMetrics,
        directories: Directories,
        first_worker: int = 1,
    ) -> None:
        """`first_worker` is the number of the first worker: no id is given twice to the same hosts."""
        self._kind, self._directories = kind, directories
        self._journal = Journal()
        self._remembering = Remembering(directories.memory, os.environ, map(Path, kind.secrets_dirs))
        self._manager = Manager(self._remembering.initial_state(first_worker), notify, (self._observe,))
        submit = self._manager.submit
        self._memory = MemoryWatch(submit)
        self._health = HealthTicker()
        sidecars = Sidecars(self._adapter)
        self._current = kind.current(submit, directories.last_good_config, sidecars.hints)
        scanner = Scanner(kind.directory, Store(directories.store))
        self._volume = VolumeWatch(scanner, sidecars.joined(submit, self._current.refresh), on_rescan=self._rescan)
        self._places = Places(directories.work, directories.run)
        self._metrics = metrics
        self._identity = Identity(kind.name, os.getpid(), time.time(), version("pluginmgr"))
        metrics.attach(self._identity.version, self._memory.sizes, {"volume": self._watch_age})

    @property
    def next_worker(self) -> int:
        """The number that no worker has had."""
        return self._manager.state.index.next_worker

    def configure(self, document: Document) -> None:
        """Take another config over."""
        self._current.offer(document)

    def status(self) -> dict[str, Any]:
        """The PluginPodStatus document, with the processes."""
        return live(self._manager.state, self._identity, self._journal, self._memory.sizes())

    async def run(self, document: Document, grace: float) -> None:
        """Reconcile and watch until cancelled; then unregister, drain and stop within the grace.

        A second cancellation kills at once.
        """
        await asyncio.to_thread(self._clear)
        self.configure(document)
        works = {"volume": self._volume.run(), "health": self._health.run(), "memory": self._sample()}
        async with asyncio.TaskGroup() as group:
            for name, work in works.items():
                group.create_task(work, name=f"{self._kind.name}: {name}")
            managing = group.create_task(self._manager.run(self._site()), name=f"{self._kind.name}: manager")
            try:
                await asyncio.wait({managing})
            except asyncio.CancelledError:
                await self._shut_down(managing, grace)
                raise

    async def _shut_down(self, managing: "asyncio.Task[None]", grace: float) -> None:
        """Return when nothing is left, or the grace is over: what hangs then is killed by leaving the group."""
        clock = asyncio.get_running_loop().time
        ends = clock() + grace
        self._manager.submit(ShutdownRequested(grace))
        while not managing.done() and (left := ends - clock()) > 0:
            try:
                await asyncio.wait({managing}, timeout=left)
            except asyncio.CancelledError:  # again; the first one is raised when all is down
                self._manager.kill_all()
                ends = min(ends, clock() + HURRY)

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self._memory.sample()

    def _clear(self) -> None:
        """Remove what a killed predecessor left; only a state dir that was given has had one."""
        sweep(f"{TAG}={self._directories.instance}/")
        self._places.clear()

    def _site(self) -> Site:
        return Site(
            instance=self._directories.instance,
            places=self._places,
            adapter=self._adapter,
            environment=allowed(os.environ),
            journal=self._journal,
            watches=Watches(self._health, self._memory, self._health_policy, self._manager.submit),
            submit=self._manager.submit,
        )

    def _adapter(self, _: str) -> PluginAdapter[Any]:
        return self._kind.adapter

    def _health_policy(self, key: PluginKey) -> Health:
        plugin = self._manager.state.plugins.get(key)
        return plugin.spec.health if plugin else Health()

    def _observe(self, event: Event, before: State, step: Step, seconds: float) -> None:
        self._metrics.observe(event, before, step, seconds)
        if step.touched:
            self._remembering.keep(step.state, step.touched)
        for key in step.touched:
            if key not in step.state.plugins:
                self._journal.forget(key)
        if isinstance(event, ConfigRead):
            kinds = event.config.kinds.values()
            pins = {pin for kind in kinds for spec in (kind.default, *kind.plugins.values()) for pin in spec.pins}
            self._volume.set_directories([kind.directory for kind in kinds], frozenset(pins))

    def _rescan(self) -> None:
        self._current.refresh()
        self._volume.collect(digests_in_use(self._manager.state))

    def _watch_age(self) -> float:
        return time.monotonic() - self._volume.scanned_at if self._volume.scanned_at is not None else 0.0
