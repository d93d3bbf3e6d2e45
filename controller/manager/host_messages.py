"""The core's messages with the live objects added: what `Notify` gets, in order per plugin.

`Notify` is synchronous and must not raise; it answers `on_drained` for each draining worker once no call runs on it,
at any later time and from the loop's thread. Forgetting to only costs the drain deadline, which is the core's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from controller.core import messages as core
from controller.core.model import PluginKey, Version, WorkerId
from controller.manager.handle import PluginHandle

OnDrained: TypeAlias = Callable[[WorkerId], None]


@dataclass(frozen=True, slots=True)
class RegisterMessage:
    """The plugin begins to serve. `max_procs` is how many workers are wanted, of which `workers` are up."""

    plugin: PluginKey
    version: Version
    workers: tuple[PluginHandle[Any], ...]
    max_procs: int


@dataclass(frozen=True, slots=True)
class UpdateMessage:
    """These workers serve from now on; the draining ones take no new call."""

    plugin: PluginKey
    version: Version
    workers: tuple[PluginHandle[Any], ...]
    max_procs: int
    draining: tuple[WorkerId, ...]
    on_drained: OnDrained


@dataclass(frozen=True, slots=True)
class UnregisterMessage:
    """Nothing serves for now; no tombstone."""

    plugin: PluginKey
    draining: tuple[WorkerId, ...]
    on_drained: OnDrained


@dataclass(frozen=True, slots=True)
class RemoveMessage:
    """The plugin is gone from the volume; leave a tombstone."""

    plugin: PluginKey
    draining: tuple[WorkerId, ...]
    on_drained: OnDrained


HostMessage: TypeAlias = RegisterMessage | UpdateMessage | UnregisterMessage | RemoveMessage
Notify: TypeAlias = Callable[[HostMessage], None]


def dress(
    message: core.Message, handle: Callable[[WorkerId], PluginHandle[Any]], max_procs: int, on_drained: OnDrained
) -> HostMessage:
    """Add the live handles to what the core announced."""
    match message:
        case core.Register(plugin, version, workers):
            return RegisterMessage(plugin, version, tuple(handle(each) for each in workers), max_procs)
        case core.Update(plugin, version, workers, draining):
            live = tuple(handle(each) for each in workers)
            return UpdateMessage(plugin, version, live, max_procs, draining, on_drained)
        case core.Unregister(plugin, draining):
            return UnregisterMessage(plugin, draining, on_drained)
        case core.Remove(plugin, draining):
            return RemoveMessage(plugin, draining, on_drained)
