"""The composition root: every part built once, their tasks under one TaskGroup, ended in order.

The manager decides the length of it all: when it has shut the plugins down, the rest is cancelled.
"""

import asyncio
import gc
import os
import socket
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from controller.adapters.lookup import Handshakes, adapter
from controller.app.post_mortem import PostMortem
from controller.app.sampling import Sampling
from controller.app.status_writer import StatusDocument, StatusWriter
from controller.app.views import AppViews
from controller.app.worker_numbers import WorkerNumbers
from controller.core.events import Event, ShutdownRequested, Stopped
from controller.core.model import State
from controller.core.step import Step
from controller.http import Control, Probes, serve
from controller.local import ConfigFile, StatusFile
from controller.manager.directories import Directories
from controller.manager.engine import Engine, Sources
from controller.manager.history import Entry, History
from controller.manager.status import Identity
from controller.manager.supervisor import TAG
from controller.metrics import PluginManagerMetrics
from controller.peers import Peers
from controller.registry.server import RegistryServer
from controller.settings import Settings

if TYPE_CHECKING:
    from controller.app.cluster import Cluster


class ConfigSource(Protocol):
    """Where the config comes from. `start` raises if there cannot be any; `looked_at` is when it was last seen."""

    looked_at: float

    def start(self) -> None: ...  # noqa: D102 - above
    async def run(self) -> None: ...  # noqa: D102 - above


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who may ask: anybody, our own user, hosts."""

    probes: socket.socket
    control: socket.socket
    hosts: socket.socket


class Controller:
    """One controller in the directories that the caller holds, answering on the listeners that it opened."""

    def __init__(self, settings: Settings, directories: Directories, listeners: Listeners) -> None:
        self._directories = directories
        self._listeners = listeners
        self._peers = Peers(f"{TAG}=")
        self._registry = RegistryServer(directories.run, self._peers.refusal_of_host)
        self._numbers = WorkerNumbers(directories.worker_numbers)
        sources = Sources(settings.plugin_dir, tuple(map(str, settings.secrets_dirs)), adapter, Handshakes())
        engine = Engine(self._registry.notify, sources, directories, self._observe, self._numbers.first)
        self._engine = engine
        self._cluster = self._joined(settings)
        self._history = History(self._cluster.tell) if self._cluster else History()
        self._source: ConfigSource = (
            self._cluster.source if self._cluster else ConfigFile(settings.config or Path(), engine.current)
        )
        name = self._cluster.pod.name if self._cluster else "local"
        me = Identity(name, os.getpid(), time.time(), version("pluginmgr"))
        self._views = AppViews(engine.manager, me, engine.journal, self._history, engine.memory, engine.watch_age)
        self._writers = self._status_writers()
        self._metrics = self._counted(me.version)
        self._post_mortem = PostMortem(directories.post_mortem)

    def shut_down(self, grace: float) -> None:
        """Begin to stop everything; `run` returns when nothing is left."""
        self._registry.hurry()
        self._engine.manager.submit(ShutdownRequested(grace))

    def kill_all(self) -> None:
        """SIGKILL every worker now."""
        self._engine.manager.kill_all()

    async def run(self) -> None:
        """Keep the plugins as config and volume say, until a shutdown has ended.

        Raises:
            ConfigError: the config is bad and there is no last good one.
        """
        self._engine.places.clear()
        self._tell_of_predecessor()
        self._source.start()
        try:
            await self._run()
        finally:
            self._post_mortem.close()  # only who is killed leaves a record

    def _joined(self, settings: Settings) -> "Cluster | None":
        if settings.pluginconfig is None:
            return None
        from controller.app.cluster import Cluster  # noqa: PLC0415 - half of the memory, and no use in local mode

        engine = self._engine
        return Cluster(settings, os.environ, engine.current, engine.manager.submit, self._document)

    def _document(self) -> StatusDocument:
        """The status of this moment; the views are built when the cluster has said who we are."""
        return self._views.document()

    def _status_writers(self) -> dict[str, StatusWriter]:
        """By place; the file is written in a cluster, too, for those who look into the pod."""
        writers = {"file": StatusWriter(self._document, StatusFile(self._directories.status).write)}
        return writers | ({"object": self._cluster.writer} if self._cluster else {})

    def _counted(self, program: str) -> PluginManagerMetrics:
        metrics = PluginManagerMetrics(
            version=program,
            resident=self._engine.memory.sizes,
            ages={"volume": self._engine.watch_age, "config": lambda: time.monotonic() - self._source.looked_at},
            hosts=lambda: len(self._registry.hosts),
            failures={place: partial(getattr, writer, "failures") for place, writer in self._writers.items()},
        )
        if self._cluster:
            metrics.registry.register(self._cluster.metrics)
        return metrics

    async def _run(self) -> None:
        manager = self._engine.manager
        async with self._cluster or nullcontext(), asyncio.TaskGroup() as group:
            works = {
                **self._engine.works(),
                "config": self._source.run(),
                **{f"status {place}": writer.run() for place, writer in self._writers.items()},
                **(self._cluster.works() if self._cluster else {}),
                "sampling": Sampling(self._engine.memory, self._post_mortem, lambda: manager.state).run(),
                "probes": serve(Probes(self._views, self._metrics.render).handle, self._listeners.probes),
                "control": serve(Control(self._views).handle, self._listeners.control, admit=self._peers.refusal),
                "registry": self._registry.run(self._listeners.hosts, self._directories.registry_server),
            }
            gc.freeze()  # what is built by now stays: no collection has to look at it again
            tasks = [group.create_task(work, name=name) for name, work in works.items()]
            await manager.run(self._engine.site())
            for task in tasks:
                task.cancel()

    def _observe(self, event: Event, before: State, step: Step, seconds: float) -> None:
        """Everything that follows from a step besides messages, actions and what the engine does itself."""
        self._history.observe(event, before, step, time.time())
        self._metrics.observe(event, before, step, seconds)
        self._numbers.keep(step.state.index.next_worker)
        after = step.state
        if step.touched or before.conditions is not after.conditions or before.config is not after.config:
            for writer in self._writers.values():
                writer.changed()
        if isinstance(event, Stopped):
            self._registry.ended(event.worker)

    def _tell_of_predecessor(self) -> None:
        verdict = self._post_mortem.verdict()
        if verdict:
            plugin, text = verdict
            self._history.add(Entry(time.time(), plugin, "PreviousRunKilled", "", text))
