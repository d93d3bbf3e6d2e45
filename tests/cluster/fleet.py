"""Sidecars without processes: the config source and the status writer of many pods, in one process on one wire."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from controller.app.cluster import SETTLE
from controller.app.status_writer import StatusWriter
from controller.config import CurrentConfig
from controller.core.events import ConfigRead, Event, PodNoted
from controller.core.model import Config
from controller.kube.access import Access
from controller.kube.config_object import ConfigObject
from controller.kube.pod import Pod
from controller.kube.rest import Rest
from controller.kube.status_object import StatusObject, write_window
from controller.manager.status import meaning
from tests.cluster.in_pod import InPod
from tests.kube.entries import document, entry

NAME = "plugins"
PLUGINS = 5
DEADLINE = 180.0


class Core:
    """One pod's: it takes over what it hears and says so, as a controller with plugins that follow at once."""

    def __init__(self, access: Access, rest: Rest, pod: Pod, keep: Path) -> None:
        self.config = Config(0, paused=False, kinds={})
        self.is_stale = False
        current = CurrentConfig(self.hear, plugin_dir="/plugins", environ={}, secrets_dirs=[], keep=keep)
        self.object = StatusObject(rest, pod, lambda noted: None)
        self.writer = StatusWriter(self.status, self.object.write, meaning=meaning, settle=SETTLE, window=self.window)
        self.source = ConfigObject(access, pod.namespace, NAME, current, self.hear, self.object.look)

    def hear(self, event: Event) -> None:
        match event:
            case ConfigRead(config):
                self.config = config
                self.writer.changed()
            case PodNoted("ConfigStale", problem):
                self.is_stale = problem is not None

    def status(self) -> dict[str, Any]:
        follows = {"name": NAME, "uid": self.config.uid}
        plugins = (entry(number) for number in range(PLUGINS))
        return document(*plugins, observedGeneration=self.config.generation, config=follows)

    def works(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What runs until it is cancelled."""
        return self.source.run(), self.writer.run(), self.object.run(self.writer.again)

    def window(self) -> float:
        return write_window(self.source.pods)


@asynccontextmanager
async def fleet(inside: InPod, address: tuple[str, int], pods: int, directory: Path) -> AsyncIterator[list[Core]]:
    """The cores of so many pods, at work until the end of the block; all talk to the API server at `address`."""
    host, port = address
    environ = inside.environ | {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}
    access = await asyncio.to_thread(Access.find, None, environ)
    me = Pod.find(environ, "")
    async with Rest(access) as rest, asyncio.TaskGroup() as group:
        cores = []
        for number in range(pods):
            made = await asyncio.to_thread(inside.namespace.pod, f"many-{number}", inside.account)
            pod = replace(me, name=made["metadata"]["name"], uid=made["metadata"]["uid"])
            cores.append(Core(access, rest, pod, directory.with_suffix(f".{number}")))
        tasks = [group.create_task(work) for core in cores for work in core.works()]
        yield cores
        for task in tasks:
            task.cancel()


async def until(fits: Callable[[], object]) -> float:
    """Ask in a thread until it fits; the seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(DEADLINE):
        while not await asyncio.to_thread(fits):  # noqa: ASYNC110 - the API server tells nobody here
            await asyncio.sleep(0.1)
    return time.monotonic() - began
