"""A config object of the fake API server, followed in the test's own loop; what the core would hear is in `events`."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.config import CurrentConfig
from controller.core.events import ConfigMissing, ConfigRead, ConfigRejected, PodNoted
from controller.kube.access import Access
from controller.kube.config_object import ConfigObject
from tests.cluster.fake_api import OURS, FakeApi
from tests.cluster.fake_store import Place, Store

DEADLINE = 30.0
NAME = "detections"


def body(workers: int = 1, **fields: Any) -> dict[str, Any]:
    """A config by its number of workers."""
    handshake = {"cookieKey": "A", "cookieValue": "b", "protocolVersions": [1]}
    kind = {"name": "rule", "handshake": handshake, "defaults": {"workers": workers}}
    return {
        "apiVersion": "pluginmgr.dev/v1alpha1",
        "kind": "PluginConfig",
        "metadata": {"name": NAME},
        "spec": {"kinds": [kind]} | fields,
    }


class Followed:
    """Not running before `start`."""

    def __init__(self, fake: FakeApi, kubeconfig: Path, keep: Path) -> None:
        self.fake = fake
        self.kubeconfig = fake.kubeconfig(kubeconfig)
        self.observed: list[tuple[str, str, str]] = []
        self.access = Access.find(
            self.kubeconfig, {}, lambda verb, what, code, _: self.observed.append((verb, what, code))
        )
        self.keep = keep
        self.events: list[Any] = []
        self.recovered = 0
        self.renew()

    def renew(self) -> None:
        """As a controller that has just started: it knows what the last one kept."""
        self.current = CurrentConfig(
            self.events.append, plugin_dir="/plugins", environ={}, secrets_dirs=[], keep=self.keep
        )

    async def run(self) -> None:
        """Follow until cancelled."""
        source = ConfigObject(self.access, "default", NAME, self.current, self.events.append, self._recover)
        source.start()
        await source.run()

    def put(self, workers: int = 1, **fields: Any) -> dict[str, Any]:
        """Make or change the object."""
        return self.fake.put("pluginconfigs", NAME, body(workers, **fields))

    def remove(self, *, silently: bool = False) -> None:
        """Delete the object."""
        self.fake.remove("pluginconfigs", NAME, silently=silently)

    def replace(self, workers: int, *changes: int) -> dict[str, Any]:
        """Change the object so often, delete it and make another, all at once; the other."""
        place = Place(*OURS, "default", "pluginconfigs", NAME)

        def change(store: Store) -> None:
            for each in changes:
                store.put(place, body(each))
            store.remove(place)
            store.put(place, body(workers))

        self.fake.at_once(change)
        return self.fake.find("pluginconfigs", NAME) or {}

    def workers(self) -> list[int]:
        """What the configs said that were read, one after the other."""
        return [each.config.kinds["rule"].default.workers for each in self.events if isinstance(each, ConfigRead)]

    def complaints(self) -> list[str]:
        """What was wrong with the config, one after the other."""
        return [each.message for each in self.events if isinstance(each, ConfigMissing | ConfigRejected)]

    def stale(self) -> list[str]:
        """Why the config was stale, one after the other; "" when it was not any more."""
        found = [each.problem for each in self.events if isinstance(each, PodNoted)]
        return [each.message if each else "" for each in found][1:]  # the first says that all is well so far

    def watches(self) -> int:
        """How many watches were asked for."""
        return len(self.fake.requests("watch"))

    async def until(self, fits: Callable[[], object]) -> None:
        """Wait until something fits."""
        ends = time.monotonic() + DEADLINE
        while not fits():
            assert time.monotonic() < ends, (self.events, self.observed)
            await asyncio.sleep(0.005)

    def _recover(self) -> None:
        self.recovered += 1
