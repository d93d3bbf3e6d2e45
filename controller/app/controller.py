"""The composition root: every part built once, their tasks under one TaskGroup, ended in order.

The manager decides the length of it all: when it has shut the plugins down, the rest is cancelled.
"""

import asyncio
import gc
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from controller.adapters.lookup import Handshakes, adapter
from controller.app.post_mortem import PostMortem
from controller.app.sampling import Sampling
from controller.app.status_writer import StatusWriter
from controller.app.views import AppViews
from controller.app.worker_numbers import WorkerNumbers
from controller.config import CurrentConfig, Hints, Place
from controller.core.events import ConfigRead, Event, ShutdownRequested, Stopped
from controller.core.memory import digests_in_use
from controller.core.model import Health, PluginKey, State
from controller.core.step import Step
from controller.errors import PluginmgrError
from controller.goplugin import HealthTicker
from controller.http import Control, Probes, serve
from controller.local import ConfigFile, StatusFile
from controller.manager.directories import Directories
from controller.manager.environment import allowed
from controller.manager.history import Entry, History
from controller.manager.journal import Journal
from controller.manager.manager import Manager
from controller.manager.remembered import Remembering
from controller.manager.resident import MemoryWatch
from controller.manager.sidecars import Sidecars
from controller.manager.status import Identity
from controller.manager.supervisor import TAG, Site
from controller.manager.watches import Watches
from controller.manager.workplace import Places
from controller.metrics import PluginManagerMetrics
from controller.peers import Peers
from controller.registry.server import RegistryServer
from controller.settings import Settings
from controller.volume import Scanner, Store, VolumeWatch


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
        self._journal, self._history = Journal(), History()
        self._remembering = Remembering(directories.memory, os.environ, settings.secrets_dirs)
        self._numbers = WorkerNumbers(directories.worker_numbers)
        state = self._remembering.initial_state(self._numbers.first)
        self._manager = Manager(state, self._registry.notify, (self._observe,))
        submit = self._manager.submit
        self._memory = MemoryWatch(submit)
        self._health = HealthTicker()
        sidecars = Sidecars(adapter)
        self._current = _current_config(settings, directories, submit, sidecars.hints)
        self._file = ConfigFile(_config_file(settings), self._current)
        scanner = Scanner(settings.plugin_dir, Store(directories.store))
        self._volume = VolumeWatch(scanner, sidecars.joined(submit, self._current.refresh), on_rescan=self._rescan)
        self._metrics = self._made_metrics()
        self._places = Places(directories.work, directories.run)
        me = Identity("local", os.getpid(), time.time(), version("pluginmgr"))
        self._views = AppViews(self._manager, me, self._journal, self._history, self._memory, self._watch_age)
        self._status = StatusWriter(self._views.document, StatusFile(directories.status).write)
        self._post_mortem = PostMortem(directories.post_mortem)

    def _made_metrics(self) -> PluginManagerMetrics:
        return PluginManagerMetrics(
            version=version("pluginmgr"),
            resident=self._memory.sizes,
            ages={"volume": self._watch_age, "config": lambda: time.monotonic() - self._file.looked_at},
            hosts=lambda: len(self._registry.hosts),
        )

    def shut_down(self, grace: float) -> None:
        """Begin to stop everything; `run` returns when nothing is left."""
        self._manager.submit(ShutdownRequested(grace))

    def kill_all(self) -> None:
        """SIGKILL every worker now."""
        self._manager.kill_all()

    async def run(self) -> None:
        """Keep the plugins as config and volume say, until a shutdown has ended.

        Raises:
            ConfigError: the config is bad and there is no last good one.
        """
        self._places.clear()
        self._tell_of_predecessor()
        self._file.start()
        try:
            await self._run()
        finally:
            self._post_mortem.close()  # only who is killed leaves a record

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            sampling = Sampling(self._memory, self._post_mortem, lambda: self._manager.state)
            works = {
                "config file": self._file.run(),
                "volume": self._volume.run(),
                "health": self._health.run(),
                "sampling": sampling.run(),
                "status file": self._status.run(),
                "probes": serve(Probes(self._views, self._metrics.render).handle, self._listeners.probes),
                "control": serve(Control(self._views).handle, self._listeners.control, admit=self._peers.refusal),
                "registry": self._registry.run(self._listeners.hosts, self._directories.registry_server),
            }
            gc.freeze()  # what is built by now stays: no collection has to look at it again
            tasks = [group.create_task(work, name=name) for name, work in works.items()]
            await self._manager.run(self._site())
            for task in tasks:
                task.cancel()

    def _site(self) -> Site:
        return Site(
            instance=self._directories.instance,
            places=self._places,
            adapter=adapter,
            environment=allowed(os.environ),
            journal=self._journal,
            watches=Watches(self._health, self._memory, self._health_policy, self._manager.submit),
            submit=self._manager.submit,
        )

    def _health_policy(self, key: PluginKey) -> Health:
        plugin = self._manager.state.plugins.get(key)
        return plugin.spec.health if plugin else Health()

    def _observe(self, event: Event, before: State, step: Step, seconds: float) -> None:
        """Everything that follows from a step besides messages and actions."""
        self._history.observe(event, before, step, time.time())
        self._metrics.observe(event, before, step, seconds)
        self._numbers.keep(step.state.index.next_worker)
        if step.touched or before.conditions is not step.state.conditions:
            self._status.changed()
            self._remembering.keep(step.state, step.touched)
        if isinstance(event, Stopped):
            self._registry.ended(event.worker)
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

    def _tell_of_predecessor(self) -> None:
        verdict = self._post_mortem.verdict()
        if verdict:
            plugin, text = verdict
            self._history.add(Entry(time.time(), plugin, "PreviousRunKilled", "", text))


def _current_config(
    settings: Settings,
    directories: Directories,
    submit: Callable[[Event], None],
    hints: Callable[[Sequence[Place]], Hints],
) -> CurrentConfig:
    return CurrentConfig(
        submit,
        plugin_dir=str(settings.plugin_dir),
        environ=os.environ,
        secrets_dirs=[str(each) for each in settings.secrets_dirs],
        keep=directories.last_good_config,
        hints=hints,
        adapters=Handshakes(),
    )


def _config_file(settings: Settings) -> Path:
    if settings.config is None:
        raise PluginmgrError("--pluginconfig: this version reads no config from a cluster; give --config FILE")
    return settings.config
