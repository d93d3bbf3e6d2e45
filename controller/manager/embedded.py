"""One run of an embedded manager: its engine, until the run is cancelled, and then in good order to the end."""

import asyncio
import os
import time
from importlib.metadata import version
from typing import Any

from controller.config import Document
from controller.core.events import Event, ShutdownRequested
from controller.core.model import State
from controller.core.step import Step
from controller.goplugin import sweep
from controller.manager.directories import Directories
from controller.manager.engine import Engine
from controller.manager.host_messages import Notify
from controller.manager.one_kind import OneKind
from controller.manager.resident import PERIOD
from controller.manager.status import Identity, live
from controller.manager.supervisor import TAG
from controller.metrics import PluginManagerMetrics

HURRY = 1.0  # seconds from a second cancellation until what still hangs is cut off


class Embedded:
    """One kind's plugins in the directories that the caller holds."""

    def __init__(
        self,
        notify: Notify,
        kind: OneKind,
        metrics: PluginManagerMetrics,
        directories: Directories,
        first_worker: int = 1,
    ) -> None:
        """`first_worker` as the engine's."""
        self._name, self._directories, self._metrics = kind.name, directories, metrics
        self._engine = Engine(notify, kind.sources(), directories, self._observe, first_worker)
        self._identity = Identity(kind.name, os.getpid(), time.time(), version("pluginmgr"))
        metrics.attach(self._identity.version, self._engine.memory.sizes, {"volume": self._engine.watch_age})

    @property
    def next_worker(self) -> int:
        """The number that no worker has had."""
        return self._engine.manager.state.index.next_worker

    def configure(self, document: Document) -> None:
        """Take another config over."""
        self._engine.current.offer(document)

    def status(self) -> dict[str, Any]:
        """The PluginPodStatus document, with the processes."""
        engine = self._engine
        return live(engine.manager.state, self._identity, engine.journal, engine.memory.sizes())

    async def run(self, document: Document, grace: float) -> None:
        """Reconcile and watch until cancelled; then unregister, drain and stop within the grace.

        A second cancellation kills at once.
        """
        await asyncio.to_thread(self._clear)
        self.configure(document)
        async with asyncio.TaskGroup() as group:
            for name, work in {**self._engine.works(), "memory": self._sample()}.items():
                group.create_task(work, name=f"{self._name}: {name}")
            managing = group.create_task(self._engine.manager.run(self._engine.site()), name=f"{self._name}: manager")
            try:
                await asyncio.wait({managing})
            except asyncio.CancelledError:
                await self._shut_down(managing, grace)
                raise

    async def _shut_down(self, managing: "asyncio.Task[None]", grace: float) -> None:
        """Return when nothing is left, or the grace is over: what hangs then is killed by leaving the group."""
        clock = asyncio.get_running_loop().time
        ends = clock() + grace
        self._engine.manager.submit(ShutdownRequested(grace))
        while not managing.done() and (left := ends - clock()) > 0:
            try:
                await asyncio.wait({managing}, timeout=left)
            except asyncio.CancelledError:  # again; the first one is raised when all is down
                self._engine.manager.kill_all()
                ends = min(ends, clock() + HURRY)

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            self._engine.memory.sample()

    def _clear(self) -> None:
        """Remove what a killed predecessor left; only a state dir that was given has had one."""
        sweep(f"{TAG}={self._directories.instance}/")
        self._engine.places.clear()

    def _observe(self, event: Event, before: State, step: Step, seconds: float) -> None:
        self._metrics.observe(event, before, step, seconds)
