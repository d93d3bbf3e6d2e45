"""The parts that keep plugins running, put together once: for the controller and for whoever embeds the manager.

Nothing here touches what is the process's alone: no signal handler, no subreaper, no limit, no logging configuration.
"""

import os
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.config import Adapters, CurrentConfig
from controller.core.events import ConfigRead, Event
from controller.core.memory import digests_in_use
from controller.core.model import Health, PluginKey, State
from controller.core.step import Step
from controller.goplugin import HealthTicker
from controller.manager.adapter import PluginAdapter
from controller.manager.directories import Directories
from controller.manager.environment import allowed
from controller.manager.host_messages import Notify
from controller.manager.journal import Journal
from controller.manager.manager import Manager, Observer
from controller.manager.remembered import Remembering
from controller.manager.resident import MemoryWatch
from controller.manager.sidecars import Sidecars
from controller.manager.supervisor import Site
from controller.manager.watches import Watches
from controller.manager.workplace import Places
from controller.volume import Scanner, Store, VolumeWatch


@dataclass(frozen=True, slots=True)
class Sources:
    """Where plugins, their secrets and their adapters come from. `adapters` are those a config may name."""

    plugin_dir: Path
    secrets_dirs: tuple[str, ...]
    adapter: Callable[[str], PluginAdapter[Any]]
    adapters: Adapters


class Engine:
    """One manager in the directories that the caller holds. The caller runs `manager` with `site`, beside all `works`.

    `observer` sees every step after the engine's own parts have. `first_worker` is the number of the first worker: no
    id is given twice to the same hosts.
    """

    def __init__(
        self, notify: Notify, sources: Sources, directories: Directories, observer: Observer, first_worker: int = 1
    ) -> None:
        self._directories, self._adapter = directories, sources.adapter
        self._remembering = Remembering(directories.memory, os.environ, map(Path, sources.secrets_dirs))
        state = self._remembering.initial_state(first_worker)
        self.manager = Manager(state, notify, (self._observe, observer))
        self.journal = Journal()
        self.memory = MemoryWatch(self.manager.submit)
        self._health = HealthTicker()
        sidecars = Sidecars(sources.adapter)
        self.current = CurrentConfig(
            self.manager.submit,
            plugin_dir=str(sources.plugin_dir),
            environ=os.environ,
            secrets_dirs=sources.secrets_dirs,
            keep=directories.last_good_config,
            hints=sidecars.hints,
            adapters=sources.adapters,
        )
        scanned = sidecars.joined(self.manager.submit, self.current.refresh)
        scanner = Scanner(sources.plugin_dir, Store(directories.store))
        self._volume = VolumeWatch(scanner, scanned, on_rescan=self._rescan)
        self.places = Places(directories.work, directories.run)

    def works(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What has to run beside the manager, by name; each runs until it is cancelled."""
        return {"volume": self._volume.run(), "health": self._health.run()}

    def site(self) -> Site:
        """What the manager's supervisors share."""
        return Site(
            instance=self._directories.instance,
            places=self.places,
            adapter=self._adapter,
            environment=allowed(os.environ),
            journal=self.journal,
            watches=Watches(self._health, self.memory, self._health_policy, self.manager.submit),
            submit=self.manager.submit,
        )

    def watch_age(self) -> float:
        """Seconds since the volume was last looked at; 0 before the first look."""
        return time.monotonic() - self._volume.scanned_at if self._volume.scanned_at is not None else 0.0

    def _health_policy(self, key: PluginKey) -> Health:
        plugin = self.manager.state.plugins.get(key)
        return plugin.spec.health if plugin else Health()

    def _observe(self, event: Event, before: State, step: Step, seconds: float) -> None:
        del seconds
        if step.touched or before.conditions is not step.state.conditions:
            self._remembering.keep(step.state, step.touched)
        for key in step.touched:
            if key not in step.state.plugins:
                self.journal.forget(key)
        if isinstance(event, ConfigRead):
            kinds = event.config.kinds.values()
            pins = {pin for kind in kinds for spec in (kind.default, *kind.plugins.values()) for pin in spec.pins}
            self._volume.set_directories([kind.directory for kind in kinds], frozenset(pins))

    def _rescan(self) -> None:
        self.current.refresh()
        self._volume.collect(digests_in_use(self.manager.state))
