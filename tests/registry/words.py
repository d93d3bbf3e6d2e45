"""Messages written down by hand, and who writes down what was answered."""

from collections import Counter
from pathlib import Path

from controller.core.model import Digest, LaunchId, PluginKey, Reported, Version, WorkerId
from controller.manager.handle import PluginHandle
from controller.manager.host_messages import (
    HostMessage,
    RegisterMessage,
    RemoveMessage,
    UnregisterMessage,
    UpdateMessage,
)

A, B = PluginKey("rule/a"), PluginKey("rule/b")
V1, V2 = (Version(Digest(letter * 64), LaunchId("launch"), 3) for letter in "12")
REPORTED = Reported("id-a", "The A", '{"id":"id-a"}')


class Words:
    """Makes messages about plugins; `answers` counts what `on_drained` was called for."""

    def __init__(self, run_dir: Path = Path("/run/pm")) -> None:
        self.run_dir = run_dir
        self.answers: Counter[WorkerId] = Counter()

    def on_drained(self, worker: WorkerId) -> None:
        self.answers[worker] += 1

    def handle(self, worker: str, plugin: PluginKey = A, version: Version = V1) -> PluginHandle[None]:
        return PluginHandle(
            worker=WorkerId(worker),
            plugin=plugin,
            version=version,
            pid=int(worker[1:], 16),
            network="unix",
            address=f"{self.run_dir}/{worker}/plugin",
            reported=REPORTED,
            item=None,
            adapter="rule",
            concurrency=1,
        )

    def register(self, *workers: str, plugin: PluginKey = A, version: Version = V1) -> HostMessage:
        handles = tuple(self.handle(each, plugin, version) for each in workers)
        return RegisterMessage(plugin, version, handles, len(workers))

    def update(
        self, *workers: str, draining: tuple[str, ...] = (), plugin: PluginKey = A, version: Version = V1
    ) -> HostMessage:
        handles = tuple(self.handle(each, plugin, version) for each in workers)
        return UpdateMessage(plugin, version, handles, len(workers), _ids(draining), self.on_drained)

    def unregister(self, *draining: str, plugin: PluginKey = A) -> HostMessage:
        return UnregisterMessage(plugin, _ids(draining), self.on_drained)

    def remove(self, *draining: str, plugin: PluginKey = A) -> HostMessage:
        return RemoveMessage(plugin, _ids(draining), self.on_drained)


def _ids(workers: tuple[str, ...]) -> tuple[WorkerId, ...]:
    return tuple(WorkerId(each) for each in workers)
